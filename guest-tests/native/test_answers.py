"""What the guest says to a new CPU, or does not say."""

import time

from qmp import patience
from vm import Vm, check, equal, states, wait_until


def test_a_guest_that_refuses_is_quoted_and_may_be_asked_again():
    with Vm("mode=irq ostfail", cpus="sockets=1,maxSockets=4") as v:
        q = v.ready().qmp()
        end = q.resize(2)
        equal(end["result"], "refused", "result")
        for part in ("cpu 1", "_OST event 0x1, status 0x1"):
            check(part in end["message"], "%r lacks %r", end["message"], part)
        info = q.wait_event("ACPI_DEVICE_OST")["data"]["info"]
        equal(info, {"device": "socket-1", "slot": "1", "slot-type": "CPU", "source": 1,
                     "status": 1}, "ACPI_DEVICE_OST")
        equal(states(q)[1], "plugged", "state of the refused CPU")
        v.type("g")
        v.report()  # it has read the g
        equal(q.resize(2)["result"], "done", "the same resize, when the guest wants to")
        v.wait_online({1: 1})


def timed_out(q, sockets, phase, *parts, ms=150):
    begun = time.monotonic()
    end = q.resize(sockets, **{"timeout-ms": ms})
    took = (time.monotonic() - begun) * 1000
    equal((end["result"], end["phase"]), ("timed-out", phase), "the end")
    check(ms - 10 < took < ms + patience(2) * 1000, "a timeout of %d ms took %.0f", ms, took)
    for part in parts:
        check(part in end["message"], "%r lacks %r", end["message"], part)


def test_a_guest_that_sleeps_times_out_and_the_same_resize_waits_again():
    with Vm("mode=irq noreg", cpus="sockets=1,maxSockets=6") as v:
        q = v.ready().qmp()
        timed_out(q, 4, "plugged", "not registered", "cpus 1-3")
        equal(states(q), ["online"] + ["plugged"] * 3 + ["absent"] * 2, "states")
        timed_out(q, 4, "plugged", "not registered", "cpus 1-3")
        v.type("g")
        v.report()  # it has read the g
        equal(q.resize(4)["result"], "done", "the same resize, when the guest is awake")
        v.wait_online({1: 1, 2: 2, 3: 3})
        equal(q.resize(6)["result"], "done", "and one more")


def test_a_guest_that_forgets_is_reminded():
    with Vm("mode=irq silent", cpus="sockets=1,maxSockets=6") as v:
        q = v.ready().qmp()
        timed_out(q, 3, "plugged", "not registered", "cpus 1-2")
        equal(v.report(), (1, "eee---"), "the guest's view: it has taken the events")
        timed_out(q, 3, "plugged", "cpus 1-2")
        v.type("g")
        v.report()  # it has read the g
        equal(q.resize(3)["result"], "done", "the same resize, when it remembers")
        v.wait_online({1: 1, 2: 2})


def test_a_guest_that_registers_and_does_not_online_is_told_about_the_udev_rule():
    with Vm("mode=irq nostart", cpus="sockets=1,cores=2,maxSockets=3") as v:
        q = v.ready().qmp()
        timed_out(q, 2, "registered", "registered, not online", "cpus 2-3", "udev rule",
                  ms=2000)
        equal(states(q), ["online"] * 2 + ["registered"] * 2 + ["absent"] * 2, "states")
        v.type("g")
        v.report()  # it has read the g
        equal(q.resize(2)["result"], "done", "the same resize, when it onlines them")


def test_a_guest_that_onlines_without_an_answer_is_done_too():
    with Vm("mode=irq noost", cpus="sockets=1,maxSockets=4") as v:
        q = v.ready().qmp()
        equal(q.resize(3)["result"], "done", "resize 3")
        check(not [e for e in q.events if e["event"] == "ACPI_DEVICE_OST"], "an _OST?")
        equal(states(q), ["online"] * 3 + ["absent"], "states")


def test_what_comes_after_the_timeout_is_still_seen():
    with Vm("mode=irq noreg", cpus="sockets=1,maxSockets=4") as v:
        q = v.ready().qmp()
        timed_out(q, 3, "plugged")
        v.type("g")
        v.report()  # it has read the g
        wait_until(lambda: states(q) == ["online"] * 3 + ["absent"], "late CPUs go online")
        job = q.execute("resize", {"sockets": 3})
        equal((job["state"], job["cpus"]), ("completed", []), "the same resize later")


def test_the_next_resize_after_a_timeout_needs_not_wait_for_the_first():
    with Vm("mode=irq noreg", cpus="sockets=1,maxSockets=4") as v:
        q = v.ready().qmp()
        timed_out(q, 2, "plugged")
        q.execute("resize", {"sockets": 4})
        v.type("g")
        v.report()  # it has read the g
        equal(q.wait_event("HOTPLUG_COMPLETED", where=lambda d: d["sockets"] == 4)
              ["data"]["result"], "done", "resize 4")
        v.wait_online({1: 1, 2: 2, 3: 3})
