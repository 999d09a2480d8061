"""CPUs go by the guest's own act, and what it writes of CPUs that are not its own."""

import time

from jobs import deleted, grown, ignored, removal_is_whole, resize, sockets, use, wait_states
from qmp import patience
from vm import Vm, check, equal, states, wait_until

OST_S = 2  # how long the VMM waits for a final _OST


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
        wait_until(lambda: v.vcpu_threads() == [0, 1], "threads joined")
        check("job" in q.execute("query-topology") or time.monotonic() - began > OST_S,
              "it waits for no _OST")
        job = q.wait_event("HOTPLUG_COMPLETED")["data"]
        took = time.monotonic() - began
        equal((job["result"], job["phase"]), ("done", "parked"), "the job")
        check(OST_S <= took < OST_S + patience(2), "it took %.2f s", took)
        equal(deleted(q), sockets(2, 3), "DEVICE_DELETED")
        resize(q, 4)
        began = time.monotonic()
        v.ask("3e", "^bare: eject of 3 leaves nothing$")
        wait_until(lambda: v.vcpu_threads() == [0, 1, 2], "the thread is joined")
        resize(q, 4)
        took = time.monotonic() - began
        check(OST_S <= took < OST_S + patience(2), "an add waited %.2f s for the _OST", took)
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
