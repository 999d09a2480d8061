"""What becomes of the VM, as hotsocketctl get and events tell it."""

import re
import time

from ctl import condition, ctl, document, events, topology
from test_manifest import Manifest
from vm import SANITIZED, Vm, check, equal, wait_until

TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"


def test_the_vm_has_kubevirts_shape():
    with Vm(cpus="sockets=2,cores=2,maxSockets=4", memory="96M") as v:
        v.ready()
        vm = document(v, "get")
        equal((vm["apiVersion"], vm["kind"]), ("hotsocket/v1", "VirtualMachineInstance"), "type")
        equal(vm["metadata"]["name"], "qmp", "the name: the socket's")
        equal(vm["spec"]["domain"], {
            "cpu": {"sockets": 2, "cores": 2, "threads": 1, "maxSockets": 4},
            "memory": {"guest": "96Mi"}}, "spec.domain")
        equal(vm["status"]["phase"], "Running", "status.phase")
        equal(vm["status"]["currentCPUTopology"], {"sockets": 2, "cores": 2, "threads": 1},
              "currentCPUTopology")
        equal([(c["type"], c["status"]) for c in vm["status"]["conditions"]],
              [("Ready", "True"), ("HotVCPUChange", "False"), ("RestartRequired", "False")],
              "conditions")
        for c in vm["status"]["conditions"]:
            check(re.fullmatch(TIME, c["lastTransitionTime"]), "%r", c)
        text = ctl(v, "get", "-o", "yaml")
        for part in ("kind: VirtualMachineInstance\n", "      maxSockets: 4\n",
                     '  - type: Ready\n    status: "True"\n', "  currentCPUTopology:\n"):
            check(part in text, "%r lacks %r", text, part)
        head, line = ctl(v, "get").splitlines()
        equal(len(head.split()), len(line.split()), "columns of %r" % line)


def test_a_manifest_names_the_vm():
    with Manifest("{sockets: 1, maxSockets: 2}") as m, m.vm() as v:
        v.ready()
        equal(document(v, "get")["metadata"]["name"], "vm1", "the name")
        check('hotsocket_sockets{vm="vm1"} 1\n' in ctl(v, "metrics"), "not in the metrics")


def test_the_topology_changes_when_the_guest_has_the_cpus():
    with Vm("mode=irq noreg", cpus="sockets=1,maxSockets=4") as v:
        q = v.ready().qmp()
        equal(condition(v, "HotVCPUChange")[:3], ("False", "NoChange", ""), "before")
        q.execute("resize", {"sockets": 3})
        equal(topology(v), (3, 1), "while the guest sleeps")
        equal(condition(v, "HotVCPUChange")[:3],
              ("True", "AddingSockets", "sockets 1 to 3 (cpus 1-2)"), "while it is under way")
        begun = condition(v, "HotVCPUChange")[3]
        v.type("g")
        q.wait_event("HOTPLUG_COMPLETED")
        equal(topology(v), (3, 3), "when the guest has them")
        status, reason, _, ended = condition(v, "HotVCPUChange")
        equal((status, reason), ("False", "Completed"), "at the end")
        check(ended > begun, "lastTransitionTime %s, then %s", begun, ended)
        q.resize(2)
        equal(topology(v), (2, 2), "after the removal")


def test_a_failed_change_is_a_warning_and_stays_in_the_condition():
    with Vm("mode=irq nostart", cpus="sockets=1,maxSockets=4") as v:
        q = v.ready().qmp()
        out = ctl(v, "resize", "3", "--timeout", "2", status=3)
        check("online" not in out, "%r", out)
        equal(topology(v), (3, 1), "the guest has not got them")
        status, reason, message, _ = condition(v, "HotVCPUChange")
        equal((status, reason), ("False", "HotplugTimedOut"), "the condition")
        check("registered, not online: cpus 1-2" in message, "%r", message)
        kind, reason, count, message = events(v)[-1]
        equal((kind, reason, count), ("Warning", "HotplugTimedOut", 1), "the event")
        check(message.startswith("sockets 1 to 3 (cpus 1-2): registered, not online"),
              "%r", message)
        check("HotplugTimedOut" in ctl(v, "get").splitlines()[1], "the table does not say it")
        v.type("g")
        v.report()
        q.resize(3)
        equal(topology(v), (3, 3), "when the guest onlines them")
        equal(condition(v, "HotVCPUChange")[1], "Completed", "the condition")


def test_a_guest_that_refuses_is_quoted():
    with Vm("mode=irq ostfail", cpus="sockets=1,maxSockets=4") as v:
        v.ready().qmp().resize(2)
        equal(topology(v), (2, 1), "sockets")
        equal(condition(v, "HotVCPUChange")[1], "GuestRefused", "the condition")
        kind, reason, _, message = events(v)[-1]
        equal((kind, reason), ("Warning", "GuestRefused"), "the event")
        check("_OST event 0x1, status 0x1" in message, "%r", message)


def test_a_repair_leaves_the_failure_to_be_seen():
    with Vm("mode=irq rmslow", cpus="sockets=1,maxSockets=4") as v:
        q = v.ready().qmp()
        q.resize(3)
        q.execute("resize", {"sockets": 2})
        q.wait_event("HOTPLUG_PHASE", where=lambda d: d["phase"] == "offlining")
        ctl(v, "cancel")
        v.type("g")
        q.wait_event("HOTPLUG_COMPLETED", where=lambda d: d["result"] == "done" and
                     d["operation"] == "add" and d["cpus"] == [2])
        equal([e[1] for e in events(v)][-2:], ["HotplugCancelled", "SocketsRestored"], "events")
        equal(condition(v, "HotVCPUChange")[:3],
              ("False", "HotplugCancelled", "cancelled by request"), "the condition")


def test_the_events_tell_the_story_in_order():
    with Vm(cpus="sockets=1,maxSockets=4") as v:
        q = v.ready().qmp()
        q.resize(3)
        for _ in range(3):
            ctl(v, "resize", "9", status=1)
        ctl(v, "resize", "2")
        q.execute("stop")
        equal(document(v, "get")["status"]["phase"], "Paused", "status.phase")
        equal(condition(v, "Ready")[:2], ("False", "Paused"), "Ready")
        q.execute("cont")
        equal(condition(v, "Ready")[:2], ("True", "Running"), "Ready")
        v.ask("1e", "^bare: eject of 1 leaves nothing$")
        q.wait_event("DEVICE_DELETED", where=lambda d: d["by-guest"])
        ctl(v, "reset")
        found = events(v)
        equal([e[:3] for e in found], [
            ("Normal", "Started", 1), ("Normal", "SocketsAdded", 1),
            ("Warning", "HotplugRefused", 3), ("Normal", "SocketsRemoved", 1),
            ("Normal", "Paused", 1), ("Normal", "Resumed", 1),
            ("Normal", "GuestEjected", 1), ("Normal", "Reset", 1)], "events")
        check("greater than the maximum" in found[2][3], "%r", found[2])
        for e in document(v, "events")["items"]:
            check(re.fullmatch(TIME, e["firstTimestamp"]), "%r", e)
            check(e["firstTimestamp"] <= e["lastTimestamp"], "%r", e)
        lines = ctl(v, "events").splitlines()
        check(re.match(r"LAST SEEN +TYPE +REASON +COUNT +MESSAGE$", lines[0]), "%r", lines[0])
        check(re.match(r"\d+s +Warning +HotplugRefused +3 +resize refused: ", lines[3]),
              "%r", lines[3])


def test_a_reset_while_the_guest_has_them_takes_none_away():
    with Vm(cpus="sockets=1,maxSockets=4") as v:
        q = v.ready().qmp()
        q.resize(3)
        ctl(v, "reset")
        equal(topology(v), (3, 3), "sockets after a reset")


def test_each_refused_request_is_a_warning():
    with Vm("mode=irq noreg", cpus="sockets=1,maxSockets=4") as v:
        q = v.ready().qmp()
        q.execute("resize", {"sockets": 2})
        for name, arguments in (("resize", {"sockets": 3}), ("resize", {"sockets": "3"}),
                                ("resize", {}), ("device_del", {"id": "nobody"}),
                                ("device_add", {"driver": "x"}),
                                ("resize", {"sockets": 2, "x": 1})):
            desc = q.error(name, arguments).desc
            equal(events(v)[-1], ("Warning", "HotplugRefused", 1,
                                  "%s refused: %s" % (name, desc)), "the event")
        q.error("query-status", {"x": 1})
        equal(len(events(v)), 7, "events: a query that is refused changes nothing")


def test_a_flood_of_refusals_is_bounded():
    with Vm(cpus="sockets=1,maxSockets=4") as v:
        q = v.ready().qmp()
        q.resize(2)
        for i in range(200):
            q.error("resize", {"sockets": 100 + i})
        before = v.rss_kib()
        for i in range(3000):
            q.error("resize", {"sockets": 1000 + i})
        v.check_growth(before, 256)
        found = document(v, "events")
        equal((len(found["items"]), found["dropped"]), (128, 2 + 3200 - 128), "events")
        equal([e["reason"] for e in found["items"][:2]], ["Started", "SocketsAdded"],
              "the story is still there")


def switches(pid):
    with open("/proc/%d/status" % pid, encoding="ascii") as f:
        return int(re.search(r"^voluntary_ctxt_switches:\s+(\d+)", f.read(), re.M)[1])


def test_nothing_wakes_up_after_a_change():
    with Vm(cpus="sockets=1,maxSockets=4") as v:
        q = v.ready().qmp()
        q.resize(3)
        wait_until(lambda: topology(v) == (3, 3), "the topology")
        time.sleep(0.1)
        before = switches(v.pid)
        time.sleep(0.5)
        check(SANITIZED or switches(v.pid) == before, "main woke up %d times",
              switches(v.pid) - before)
