"""stop and cont."""

import time

from vm import Vm, check, equal, states, vcpu_ticks, wait_until


def stop(q):
    q.execute("stop")
    q.wait_event("STOP")


def cont(q):
    q.execute("cont")
    q.wait_event("RESUME")


def test_a_paused_guest_does_not_run():
    with Vm("mode=smp tick spin", cpus="sockets=2,maxSockets=4") as v:
        q, other = v.ready().qmp(), v.qmp()
        v.wait_console(r"^bare: tick 2$")
        stop(q)
        other.wait_event("STOP")
        equal(q.execute("query-status")["status"], "paused", "status")
        time.sleep(0.02)  # what the guest said before may still be on its way
        text, used = v.console(), vcpu_ticks(v.pid)
        time.sleep(0.3)
        equal(v.console(), text, "the console of a paused guest")
        check(vcpu_ticks(v.pid) - used <= 1, "its vCPUs ran for %d ticks", vcpu_ticks(v.pid) - used)
        cont(q)
        other.wait_event("RESUME")
        equal(q.execute("query-status")["status"], "running", "status")
        v.wait_console(r"^bare: tick", after=len(text))
        wait_until(lambda: vcpu_ticks(v.pid) > used, "its vCPUs run again")


def test_stop_and_cont_twice_say_so_once():
    with Vm() as v:
        q = v.ready().qmp()
        for command in ("stop", "stop", "cont", "cont"):
            q.execute(command)
        equal([e["event"] for e in q.events], ["STOP", "RESUME"], "events")


def test_a_resize_of_a_paused_vm_plugs_at_once_and_ends_after_cont():
    for append in ("mode=irq", "mode=smp"):
        with Vm(append, cpus="sockets=2,maxSockets=4") as v:
            q = v.ready().qmp()
            v.report()
            stop(q)
            job = q.execute("resize", {"sockets": 4})
            equal((job["state"], job["phase"]), ("running", "plugged"), "the job")
            time.sleep(0.1)
            equal(states(q), ["online"] * 2 + ["plugged"] * 2, "states while paused")
            equal(v.vcpu_threads(), [0, 1, 2, 3], "vCPU threads")
            cont(q)
            equal(q.wait_event("HOTPLUG_COMPLETED")["data"]["result"], "done", "the end")
            v.wait_online({i: i for i in range(1, 4)})


def test_pauses_in_the_middle_of_a_resize_lose_nothing():
    with Vm(cpus="sockets=1,maxSockets=64", memory="64M") as v:
        q = v.ready().qmp()
        for sockets in range(8, 65, 8):
            q.execute("resize", {"sockets": sockets})
            for _ in range(12):
                q.execute("stop")
                q.execute("cont")
            equal(q.wait_event("HOTPLUG_COMPLETED")["data"]["result"], "done",
                  "resize %d" % sockets)
        v.wait_online({i: i for i in range(1, 64)})


def test_quit_and_signals_end_a_paused_vm():
    for how in ("quit", "signal"):
        with Vm(cpus="sockets=2,maxSockets=4") as v:
            q = v.ready().qmp()
            stop(q)
            if how == "quit":
                q.execute("quit")
            else:
                v.process.terminate()
            equal((v.wait_exit(), v.stderr()), (0, ""), "status and stderr after " + how)
