"""CPUs go while the guest runs, by request and by the guest's own act."""

import time

from qmp import QmpError, patience
from vm import Vm, check, equal, states, vcpus, wait_until

PHASES = ["requested", "offlining", "ejected", "parked"]
OST_S = 2  # how long the VMM waits for a final _OST
CYCLES, CYCLE_S = 1000, 18


def job_events(q, job):
    """Takes the events of this job."""
    events = [e for e in q.events if e["event"] == "HOTPLUG_PHASE" and e["data"]["job"] == job]
    q.events = [e for e in q.events if e not in events]
    return [e["data"] for e in events]


def removal_is_whole(q, job, cpus):
    """The events of a removal that was done: its phases in order, and the times rise."""
    events = job_events(q, job["job"])
    equal([e["phase"] for e in events], PHASES, "phases")
    times = [e["elapsed-us"] for e in events] + [job["elapsed-us"]]
    equal(times, sorted(times), "elapsed-us of the phases, in order")
    check(times[-1] < 10000000, "it took %d us", times[-1])
    for e in events:
        equal((e["operation"], e["cpus"]), ("remove", cpus), "phase " + e["phase"])
    equal((job["result"], job["phase"], job["cpus"]), ("done", "parked", cpus), "the end")
    check("message" not in job, "a job that was done complains: %r", job)


def deleted(q):
    """Takes the DEVICE_DELETED events: [(id, by-guest)], and looks at their paths."""
    found = [e["data"] for e in q.events if e["event"] == "DEVICE_DELETED"]
    q.events = [e for e in q.events if e["event"] != "DEVICE_DELETED"]
    for d in found:
        equal(d["path"], "/machine/peripheral/" + d["device"], "path")
    return [(d["device"], d["by-guest"]) for d in found]


def sockets(first, last, by_guest=False):
    return [("socket-%d" % i, by_guest) for i in range(first, last + 1)]


def add(q, socket, name):
    q.execute("device_add",
              {"driver": "host-x86_64-cpu", "id": name, "socket-id": socket})
    job = q.wait_event("HOTPLUG_COMPLETED")["data"]
    equal(job["result"], "done", "device_add of socket %d: %r" % (socket, job))


def remove(q, name, **more):
    q.execute("device_del", dict({"id": name}, **more))
    return q.wait_event("HOTPLUG_COMPLETED")["data"]


def resize(q, to):
    job = q.resize(to)
    equal(job["result"], "done", "resize %d: %r" % (to, job))
    return job


def grown(v, to):
    """A client of the VM that has so many sockets now, all online."""
    q = v.ready().qmp()
    resize(q, to)
    q.events.clear()
    return q


def wait_states(q, expected):
    wait_until(lambda: states(q) == expected, "states %r, they are %r" % (
        expected, states(q)), 5)


def ignored(q):
    return q.execute("query-topology")["guest-writes-ignored"]


def go(v):
    """Types 'g' and waits until the guest has read it."""
    v.type("g")
    v.report()


def use(v):
    return v.vcpu_threads(), v.fds()


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


def silent(request, words, then):
    """The request times out or is cancelled; afterwards the opposite and the same work."""
    with Vm("mode=irq rmsilent", cpus="sockets=1,maxSockets=4") as v:
        q = grown(v, 3)
        before = use(v)
        job = request(q)
        result, parts = words
        equal((job["result"], job["phase"]), (result, "requested"), "the job: %r" % job)
        for part in parts:
            check(part in job["message"], "%r lacks %r", job["message"], part)
        equal((use(v), states(q)), (before, ["online"] * 3 + ["absent"]), "threads, fds, states")
        check("nothing to cancel" in q.error("cancel").desc, "cancel after the end")
        equal(v.report(), (3, "eee-"), "what the guest sees")
        then(v, q)
        equal(use(v)[0], before[0][:2], "vCPU threads at the end")
        check(("socket-2", False) in deleted(q), "no DEVICE_DELETED of the same request")


def opposite_then_same(v, q):
    resize(q, 4)
    go(v)
    equal(resize(q, 2)["cpus"], [2, 3], "CPUs that went")


def same_then_opposite(v, q):
    go(v)
    resize(q, 2)
    resize(q, 4)
    resize(q, 2)


TIMED_OUT = ("timed-out", ("requested, not offlining: cpus 2", "withdrawn"))
CANCELLED = ("cancelled", ("cancelled by request",))


def test_a_silent_guest_times_out():
    for then in opposite_then_same, same_then_opposite:
        for request in (lambda q: q.resize(2, **{"timeout-ms": 100}),
                        lambda q: remove(q, "socket-2", **{"timeout-ms": 100})):
            silent(request, TIMED_OUT, then)


def cancelled(q):
    job = q.execute("resize", {"sockets": 2})
    equal((job["state"], job["phase"]), ("running", "requested"), "the job")
    equal(states(q)[2], "removing", "state of the CPU that is to go")
    equal(q.execute("cancel"), {}, "return of cancel")
    return q.wait_event("HOTPLUG_COMPLETED")["data"]


def test_a_removal_is_cancelled():
    for then in opposite_then_same, same_then_opposite:
        silent(cancelled, CANCELLED, then)


def test_what_the_guest_ejects_after_the_cancel_comes_back():
    with Vm("mode=irq rmslow", cpus="sockets=1,maxSockets=4") as v:
        q = grown(v, 3)
        q.execute("resize", {"sockets": 2})
        q.wait_event("HOTPLUG_PHASE", where=lambda d: d["phase"] == "offlining")
        q.execute("cancel")
        equal(q.wait_event("HOTPLUG_COMPLETED")["data"]["result"], "cancelled", "the job")
        v.type("g")
        back = q.wait_event("HOTPLUG_COMPLETED")["data"]
        equal((back["operation"], back["cpus"], back["result"]), ("add", [2], "done"), "the job")
        wait_states(q, ["online", "online", "online", "absent"])
        resize(q, 4)


def test_an_add_is_cancelled_until_the_guest_has_seen_it():
    with Vm("mode=irq noreg nostart", cpus="sockets=1,maxSockets=4") as v:
        q = v.ready().qmp()
        before = v.vcpu_threads()
        for to in 2, 4, 3:
            equal(q.execute("resize", {"sockets": to})["phase"], "plugged", "phase")
            q.execute("cancel")
            job = q.wait_event("HOTPLUG_COMPLETED")["data"]
            equal(job["result"], "cancelled", "the job")
            equal((v.vcpu_threads(), states(q)), (before, ["online"] + ["absent"] * 3), "the VM")
            equal(v.report()[1], "e---", "the guest's view after cancel")
        fds = v.fds()
        q.execute("resize", {"sockets": 4})
        equal(v.fds(), fds, "fds: those of the cancelled CPUs are used")
        equal(v.report()[1], "e!!!", "the guest's view")
        check("cannot be cancelled" in q.error("cancel").desc, "cancel of what was seen")
        v.type("g")
        equal(q.wait_event("HOTPLUG_COMPLETED")["data"]["result"], "done", "resize 4")
        equal(states(q), ["online"] * 4, "states")
    with Vm("mode=irq nostart", cpus="sockets=1,maxSockets=4") as v:
        q = v.ready().qmp()
        q.execute("resize", {"sockets": 3})
        q.wait_event("HOTPLUG_PHASE", where=lambda d: d["phase"] == "registered")
        text = q.error("cancel").desc
        check("cannot be cancelled" in text and "ask for 1 sockets" in text, "%r", text)
        v.type("g")
        equal(q.wait_event("HOTPLUG_COMPLETED")["data"]["result"], "done", "the add")
        resize(q, 1)


def test_the_guest_ejects_by_itself():
    with Vm(cpus="sockets=1,maxSockets=4") as v:
        q = grown(v, 4)
        before = use(v)
        v.ask("3e", "^bare: eject of 3 leaves nothing$")
        equal(q.wait_event("DEVICE_DELETED")["data"],
              {"device": "socket-3", "path": "/machine/peripheral/socket-3",
               "by-guest": True}, "DEVICE_DELETED")
        ost = q.wait_event("ACPI_DEVICE_OST", where=lambda d: d["info"]["slot"] == "3")
        equal((ost["data"]["info"]["source"], ost["data"]["info"]["status"]), (0x103, 0), "_OST")
        wait_states(q, ["online"] * 3 + ["parked"])
        equal(use(v), (before[0][:3], before[1]), "vCPU threads and fds")
        equal(ignored(q), 0, "guest-writes-ignored")
        v.ask("1e", "^bare: eject of 1 leaves nothing$")
        equal(q.wait_event("DEVICE_DELETED")["data"]["by-guest"], True, "by-guest")
        equal(q.execute("query-topology")["sockets"], 2, "sockets")
        equal(resize(q, 4)["cpus"], [1, 3], "CPUs that fill the gaps")
        equal((use(v), v.report()), (before, (4, "eeee")), "the VM at the end")


def test_a_socket_goes_when_the_guest_has_ejected_its_last_cpu():
    with Vm(cpus="sockets=1,cores=2,maxSockets=2") as v:
        q = grown(v, 2)
        v.ask("3e", "^bare: eject of 3 leaves nothing$")
        wait_states(q, ["online"] * 3 + ["parked"])
        equal((deleted(q), q.execute("query-topology")["sockets"]), ([], 2), "half a socket")
        v.ask("2e", "^bare: eject of 2 leaves nothing$")
        equal(q.wait_event("DEVICE_DELETED")["data"]["device"], "socket-1", "DEVICE_DELETED")
        equal(resize(q, 2)["cpus"], [2, 3], "CPUs that come back")
        v.ask("3e", "^bare: eject of 3 leaves nothing$")
        wait_states(q, ["online"] * 3 + ["parked"])
        equal(resize(q, 2)["cpus"], [3], "the half that was missing")
        equal(v.report(), (4, "eeee"), "what the guest sees")


def test_own_ejects_are_ignored_and_counted_where_they_are_refused():
    with Vm(cpus="sockets=1,maxSockets=4", more=["--guest-eject", "refuse"]) as v:
        q = grown(v, 3)
        before = use(v)
        for n in 1, 2, 3:
            v.ask("2e", "^bare: eject of 2 refused$")
            equal(ignored(q), n, "guest-writes-ignored")
        equal((states(q), use(v)), (["online"] * 3 + ["absent"], before), "states, threads, fds")
        equal(deleted(q), [], "DEVICE_DELETED")
        removal_is_whole(q, resize(q, 1), [1, 2])
        equal(ignored(q), 3, "guest-writes-ignored after a removal by request")


def test_no_final_ost_costs_two_seconds_and_no_more():
    with Vm("mode=irq noost3", cpus="sockets=1,maxSockets=4") as v:
        q = grown(v, 4)
        began = time.monotonic()
        q.execute("resize", {"sockets": 2})
        q.wait_event("HOTPLUG_PHASE", where=lambda d: d["phase"] == "ejected")
        check(time.monotonic() - began < OST_S / 2, "the eject came late")
        wait_until(lambda: v.vcpu_threads() == [0, 1], "threads joined")
        check(time.monotonic() - began < OST_S, "they were joined late")
        job = q.wait_event("HOTPLUG_COMPLETED")["data"]
        took = time.monotonic() - began
        equal((job["result"], job["phase"]), ("done", "parked"), "the job")
        check(OST_S <= took < OST_S + 2, "it took %.2f s", took)
        equal(deleted(q), sockets(2, 3), "DEVICE_DELETED")
        resize(q, 4)
        v.ask("3e", "^bare: eject of 3 leaves nothing$")
        wait_until(lambda: v.vcpu_threads() == [0, 1, 2], "the thread is joined")
        began = time.monotonic()
        job = resize(q, 4)
        check(OST_S / 2 < time.monotonic() - began < OST_S + 2, "an add waits for the _OST")
        equal(v.report(), (4, "eeee"), "what the guest sees")


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


def test_a_removal_right_after_an_eject_of_its_own():
    with Vm(cpus="sockets=1,maxSockets=4") as v:
        q = grown(v, 4)
        for _ in range(5):
            v.type("3e")
            job = q.resize(3)
            equal(job["result"], "done", "resize 3: %r" % job)
            wait_until(lambda: q.execute("query-topology")["sockets"] == 3, "three sockets")
            wait_until(lambda: "job" not in q.execute("query-topology"), "no job")
            job = q.resize(4)
            if job["result"] != "done":  # the guest read its own order only now
                check("by itself" in job["message"], "%r", job)
                resize(q, 4)
            wait_until(lambda: v.report() == (4, "eeee"), "the guest has four")


def nonsense(v, q, absent, adding):
    """What a guest may try on CPUs that are none of its business."""
    before = v.host_state(q)
    before.pop("topology")
    count = ignored(q)
    for text, lines in (
            ("%de" % absent, "eject of %d leaves nothing" % absent),
            ("0e", "eject of 0 refused"),
            ("99e", "eject of 99 leaves nothing"),
            ("%do" % absent, "ost of %d" % absent),
            ("%dO" % absent, "ost of %d" % absent),
            ("99o", "ost of 99"), ("99O", "ost of 99")):
        v.ask(text, "^bare: " + lines + "$")
    equal(ignored(q) - count, 4, "guest-writes-ignored")
    v.ask("0O", "^bare: ost of 0$")  # has no meaning, and is passed on
    after = v.host_state(q)
    after.pop("topology")
    for s in before, after:
        s["vcpus"][0].pop("ost", None)
    equal(after, before, "the VM after nonsense")
    if adding:
        equal(q.execute("query-topology")["job"]["phase"], "plugged", "the job")


def test_nonsense_changes_nothing():
    with Vm("mode=irq noreg", cpus="sockets=1,maxSockets=4") as v:
        q = v.ready().qmp()
        nonsense(v, q, 3, False)
        q.execute("resize", {"sockets": 3})
        nonsense(v, q, 3, True)
        v.type("g")
        equal(q.wait_event("HOTPLUG_COMPLETED")["data"]["result"], "done", "the add")
        resize(q, 1)
        nonsense(v, q, 2, False)  # parked now
        resize(q, 4)
        equal(v.report(), (4, "eeee"), "what the guest sees")


def test_an_eject_of_a_cpu_that_is_just_being_added():
    with Vm("mode=irq noreg", cpus="sockets=1,maxSockets=4") as v:
        q = v.ready().qmp()
        q.execute("resize", {"sockets": 3})
        v.ask("2e", "^bare: eject of 2 leaves nothing$")
        job = q.wait_event("HOTPLUG_COMPLETED")["data"]
        equal(job["result"], "refused", "the add")
        check("ejected cpu 2 by itself" in job["message"], "%r", job["message"])
        equal(deleted(q), [], "DEVICE_DELETED while the job ran")
        equal(q.wait_event("DEVICE_DELETED")["data"]["device"], "socket-2", "DEVICE_DELETED")
        v.ask("2O", "^bare: ost of 2$")
        v.type("g")
        resize(q, 3)
        equal((v.report(), v.vcpu_threads()), ((3, "eee-"), [0, 1, 2]), "the VM at the end")


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
        while cycles < CYCLES and time.monotonic() - begun < patience(CYCLE_S):
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
