"""Requests that end without the guest: by a cancel, or as it stays silent."""

from jobs import deleted, go, grown, remove, resize, use, wait_states
from vm import Vm, check, equal, states


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
        equal(v.report()[1], "e---", "the guest's view after the cancels")
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
