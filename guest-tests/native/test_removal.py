"""CPUs go while the guest runs, by request."""

import time

from jobs import add, deleted, go, grown, remove, removal_is_whole, resize, sockets, use
from qmp import QmpError, patience
from vm import Vm, check, equal, short_or_long, states, vcpus, wait_until

CYCLES = short_or_long(1000, 100000)
CYCLE_S = short_or_long(18, 1800)  # a slow host does fewer


def one_eight_two_eight(append, spec="sockets=1,maxSockets=8", per_socket=1):
    with Vm(append, cpus=spec) as v:
        q = grown(v, 8)
        n = 8 * per_socket
        eight = use(v)
        equal(eight[0], list(range(n)), "vCPU threads of eight sockets")
        removal_is_whole(q, resize(q, 2), list(range(2 * per_socket, n)))
        equal(deleted(q), sockets(2, 7), "DEVICE_DELETED")
        equal(states(q), ["online"] * 2 * per_socket + ["parked"] * 6 * per_socket, "states")
        online, view = v.report()
        equal((online, view), (2 * per_socket, "e" * 2 * per_socket + "-" * 6 * per_socket),
              "what the guest sees")
        equal(use(v), (list(range(2 * per_socket)), eight[1]),
              "vCPU threads and fds of two sockets")
        equal([h["props"]["socket-id"] for h in q.execute("query-hotpluggable-cpus")
               if "qom-path" in h], [1, 0], "sockets that are there")
        equal(resize(q, 8)["cpus"], list(range(2 * per_socket, n)), "CPUs that come back")
        equal(deleted(q), [], "DEVICE_DELETED of an add")
        equal((states(q), use(v)), (["online"] * n, eight), "states, threads, fds at the end")
        equal(v.report(), (n, "e" * n), "what the guest sees at the end")


def test_one_eight_two_eight():
    one_eight_two_eight("mode=irq")


def test_one_eight_two_eight_with_a_guest_that_polls():
    one_eight_two_eight("mode=smp")


def test_one_eight_two_eight_with_cpus_at_work():
    one_eight_two_eight("mode=irq spin")


def test_one_eight_two_eight_with_sockets_of_two_cores_and_two_threads():
    one_eight_two_eight("mode=irq", "sockets=1,cores=2,threads=2,maxSockets=8", 4)


def test_a_removed_cpu_runs_no_more_and_a_new_one_does():
    with Vm("mode=irq spin", cpus="sockets=1,maxSockets=3") as v:
        q = grown(v, 3)

        def counts():
            m = v.ask("c", r"^bare: counts ticks \d+ (\d+) (\d+)$")
            return int(m[1]), int(m[2])

        resize(q, 2)
        first = counts()
        wait_until(lambda: counts()[0] > first[0], "the CPU that stays counts")
        equal(counts()[1], first[1], "count of the CPU that went")
        resize(q, 3)
        first = counts()
        wait_until(lambda: counts()[1] > first[1], "the CPU that came back counts")


def test_device_del_by_id():
    with Vm(cpus="sockets=1,cores=2,maxSockets=6") as v:
        q = v.ready().qmp()
        before = use(v)[0]
        add(q, 4, "blue")
        add(q, 2, "green")
        add(q, 1, "red")
        q.events.clear()
        job = remove(q, "blue")
        removal_is_whole(q, job, [8, 9])
        equal((job["from-sockets"], job["sockets"], job["vcpus"]), (4, 3, 6), "the job")
        equal(deleted(q), [("blue", False)], "DEVICE_DELETED")
        error = q.error("device_del", {"id": "blue"})
        equal(error.error_class, "DeviceNotFound", "class of a second device_del")
        equal(remove(q, "red")["cpus"], [2, 3], "CPUs of socket 1")
        equal(remove(q, "green")["cpus"], [4, 5], "CPUs of socket 2")
        equal(deleted(q), [("red", False), ("green", False)], "DEVICE_DELETED")
        equal(use(v)[0], before, "vCPU threads")
        add(q, 4, "green")  # the name is free again, the CPUs are made
        equal(v.report(), (4, "ee------ee--"), "what the guest sees")


def test_the_boot_socket_stays():
    with Vm(cpus="sockets=2,maxSockets=4") as v:
        q = v.ready().qmp()
        before = v.host_state(q)
        check("has the boot CPU" in q.error("device_del", {"id": "socket-0"}).desc, "words")
        check("sockets 0 is" in q.error("resize", {"sockets": 0}).desc, "words")
        equal(v.host_state(q), before, "the VM after it was refused")
        resize(q, 1)
        equal((states(q)[0], v.report()), ("online", (1, "e---")), "the boot CPU")


def refused(v, q, what):
    """A removal that the guest refuses: what() asks for it and returns the job."""
    before, view = v.host_state(q), v.report()
    before.pop("vcpus")
    job = what()
    equal(job["result"], "refused", "the job: %r" % job)
    for part in ("refused to let go of cpu 2", "busy", "0x82", "ask again"):
        check(part in job["message"], "%r lacks %r", job["message"], part)
    error = q.wait_event("DEVICE_UNPLUG_GUEST_ERROR")["data"]
    equal(error, {"device": "socket-2", "path": "/machine/peripheral/socket-2"}, "the event")
    equal(deleted(q), [], "DEVICE_DELETED")
    equal((states(q), v.report()), (["online"] * 3 + ["absent"], view), "states, guest's view")
    after = v.host_state(q)
    after.pop("vcpus")
    equal(after, before, "the VM after the refusal")


def test_a_guest_that_refuses():
    with Vm("mode=irq rmfail", cpus="sockets=1,maxSockets=4") as v:
        q = grown(v, 3)
        refused(v, q, lambda: q.resize(2))
        refused(v, q, lambda: remove(q, "socket-2"))
        resize(q, 4)
        go(v)
        removal_is_whole(q, resize(q, 2), [2, 3])
        equal(deleted(q), sockets(2, 3), "DEVICE_DELETED")


def test_an_add_right_after_a_removal_and_the_other_way_round():
    with Vm(cpus="sockets=1,maxSockets=4") as v:
        q = grown(v, 4)
        for first, second in ((2, 4), (1, 3), (2, 3), (1, 4)) * 5:
            for to in first, second:  # the next one as soon as it is allowed
                deadline = time.monotonic() + patience(5)
                while True:
                    try:
                        q.execute("resize", {"sockets": to})
                        break
                    except QmpError as e:
                        check("in progress" in e.desc, "resize %d: %s", to, e.desc)
                        check(time.monotonic() < deadline, "resize %d: too late", to)
        wait_until(lambda: "job" not in q.execute("query-topology"), "the last job ends")
        results = [e["data"]["result"] for e in q.events if e["event"] == "HOTPLUG_COMPLETED"]
        equal(results, ["done"] * 40, "results")
        equal(v.report(), (4, "eeee"), "what the guest sees")


def test_two_clients():
    with Vm(cpus="sockets=1,maxSockets=4") as v:
        q, other = grown(v, 4), v.qmp()
        for _ in range(10):
            removal_is_whole(q, resize(q, 2), [2, 3])
            job = other.wait_event("HOTPLUG_COMPLETED")["data"]
            removal_is_whole(other, job, [2, 3])
            equal((deleted(q), deleted(other)), (sockets(2, 3),) * 2, "DEVICE_DELETED of both")
            resize(other, 4)
            q.wait_event("HOTPLUG_COMPLETED")
    with Vm("mode=irq rmslow", cpus="sockets=1,maxSockets=4") as v:
        q, other = grown(v, 4), v.qmp()
        q.execute("device_del", {"id": "socket-2"})
        for name, arguments, words in (
                ("device_del", {"id": "socket-2"}, "already in the process of unplug"),
                ("device_del", {"id": "socket-3"}, "in progress"),
                ("resize", {"sockets": 4}, "in progress"),
                ("resize", {"sockets": 1}, "in progress")):
            text = other.error(name, arguments).desc
            check(words in text, "%s %r says %r", name, arguments, text)
        q.close()  # the job goes on
        v.type("g")
        equal(other.wait_event("HOTPLUG_COMPLETED")["data"]["result"], "done", "the job")
        equal(deleted(other), sockets(2, 2), "DEVICE_DELETED")


def test_removals_of_a_paused_vm_and_the_end_of_it():
    with Vm(cpus="sockets=1,maxSockets=4") as v:
        q = grown(v, 4)
        q.execute("stop")
        equal(q.execute("resize", {"sockets": 2})["phase"], "requested", "phase")
        q.execute("cont")
        equal(q.wait_event("HOTPLUG_COMPLETED")["data"]["result"], "done", "the removal")
        q.execute("stop")
        resize_id = q.execute("resize", {"sockets": 3})["job"]
        q.execute("cont")
        q.wait_event("HOTPLUG_COMPLETED", where=lambda d: d["job"] == resize_id)
        v.type("p")
        equal(v.wait_exit(), 0, "status after a power off")
    with Vm("mode=irq rmslow", cpus="sockets=1,maxSockets=4") as v:
        q = grown(v, 4)
        q.execute("resize", {"sockets": 1})
        q.execute("quit")
        equal(v.wait_exit(), 0, "status after quit beside a removal")


def test_a_thousand_cycles_leave_nothing_behind():
    with Vm(cpus="sockets=1,maxSockets=4") as v:
        q = grown(v, 3)
        for to in (2, 4) * 20:  # the heap and the caches of the host settle
            resize(q, to)
        begun, cycles = time.monotonic(), 0
        before, rss = use(v), v.rss_kib()
        while cycles < CYCLES and time.monotonic() - begun < CYCLE_S:
            resize(q, 2)
            resize(q, 4)
            q.events.clear()
            cycles += 1
        took = time.monotonic() - begun
        equal(use(v), before, "vCPU threads and fds after %d cycles" % cycles)
        v.check_growth(rss, 1024)
        equal((states(q), v.report()), (["online"] * 4, (4, "eeee")), "the VM at the end")
        equal([x["arch-id"] for x in vcpus(q)], [0, 1, 2, 3], "arch-id")
        print("     %d cycles of two sockets in %.1f s" % (cycles, took))
