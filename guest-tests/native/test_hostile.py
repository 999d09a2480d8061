"""A guest that writes nonsense to every register; also ejects, which are refused here."""

import time

from qmp import patience
from vm import Vm, check, equal, states, wait_until

REFUSE = ("--guest-eject", "refuse")


def after_it(v, q, sockets, before):
    v.wait_console("^bare: hostile done$", timeout=25)
    v.ready()
    equal((states(q), v.threads(), v.fds()), before, "states, threads and fds")
    equal(q.execute("query-status")["running"], True, "running")
    equal(q.resize(sockets)["result"], "done", "resize %d" % sockets)
    n, view = v.report()
    equal((n, view.count("e")), (sockets, sockets), "CPUs that the guest has")


def test_one_cpu_and_twenty_thousand_accesses():
    with Vm("mode=hostile count=20000", cpus="sockets=1,maxSockets=8", more=REFUSE) as v:
        q = v.qmp()
        v.wait_console("boots")
        before = (states(q), v.threads(), v.fds())
        after_it(v, q, 8, before)
        check(q.execute("query-topology")["guest-writes-ignored"] > 0, "nothing was ignored?")


def test_four_cpus_at_the_same_registers():
    with Vm("mode=hostile count=5000", cpus="sockets=4,maxSockets=8", more=REFUSE) as v:
        q = v.qmp()
        v.wait_console("cpu 3 apic 3 online")
        before = (states(q), v.threads(), v.fds())
        equal(before[0], ["online"] * 4 + ["absent"] * 4, "states")
        after_it(v, q, 8, before)


def test_a_resize_in_the_middle_of_it_ends_and_works_afterwards():
    with Vm("mode=hostile count=10000", cpus="sockets=2,maxSockets=8", faults=True, more=REFUSE) as v:
        q = v.qmp()
        v.wait_console("cpu 1 apic 1 online")
        end = q.resize(4, **{"timeout-ms": 100})
        check(end["result"] in ("timed-out", "refused", "done"), "%r", end)
        v.wait_console("^bare: hostile done$", timeout=25)
        v.ready()
        for _ in range(3):  # the guest may have acknowledged, or claimed to have registered
            end = q.resize(4, **{"timeout-ms": 1000})
            if end["result"] == "done":
                break
        threads = v.vcpu_threads()
        equal(threads, [0, 1, 2, 3], "vCPU threads")
        equal(q.resize(8, **{"timeout-ms": 5000})["cpus"], [4, 5, 6, 7], "the next CPUs")


def test_an_instruction_that_never_ends_stops_nobody():
    with Vm("mode=string", cpus="sockets=1,maxSockets=4") as v:
        q = v.qmp()
        v.wait_console("^bare: string$")
        for _ in range(3):
            begun = time.monotonic()
            equal(q.execute("stop"), {}, "return of stop")
            size = len(v.console())
            time.sleep(0.2)
            check(len(v.console()) - size < 20000, "it runs on while it is paused")
            equal(q.execute("cont"), {}, "return of cont")
            check(time.monotonic() - begun < patience(5), "stop and cont took too long")
        q.execute("system_reset")
        wait_until(lambda: v.console().count("bare: string\n") == 2, "the second boot")
        q.execute("quit")
        equal(v.wait_exit(), 0, "exit status")
