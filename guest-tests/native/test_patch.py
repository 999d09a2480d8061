"""hotsocketctl patch: the spec, as a Kubernetes client changes it."""

import json
import os
import resource
import subprocess

from ctl import CTL, condition, ctl, document, events, topology
from qmp import patience
from test_manifest import Manifest
from test_spec import Spec, has, quit_vm
from vm import Vm, check, equal, states, wait_until

VM_PATH = "spec.template.spec.domain.cpu"
CHANGED = "a non-live-updatable field was changed in the template spec: CPU topology "


def merge(**cpu):
    """As KubeVirt's test plan has it."""
    return json.dumps({"spec": {"template": {"spec": {"domain": {"cpu": cpu}}}}})


def operation(op, key, value, place="/spec/template/spec/domain/cpu/"):
    return {"op": op, "path": place + key, "value": value}


def patch(v, text, *more, status=0):
    return ctl(v, "patch", "-p", text, *more, status=status)


def refused(v, text, *more, status=1):
    """What is said; and nothing changes."""
    q = v.qmp()
    before, spec = v.host_state(q), document(v, "get")["spec"]
    p = subprocess.run([CTL, "-s", v.socket, "patch", "-p", text] + list(more),
                       stdin=subprocess.DEVNULL, capture_output=True, timeout=patience(20),
                       check=False)
    equal((p.returncode, p.stdout), (status, b""), "status and output of %s" % text)
    equal(v.host_state(q), before, "the VM after %s" % text)
    equal(document(v, "get")["spec"], spec, "its spec after %s" % text)
    return p.stderr.decode().removeprefix("hotsocketctl: refused: ").rstrip("\n")


def cpu(v):
    """sockets, cores, threads, maxSockets of the spec"""
    c = document(v, "get")["spec"]["domain"]["cpu"]
    return c["sockets"], c["cores"], c["threads"], c["maxSockets"]


def restart(v):
    return condition(v, "RestartRequired")[:3]


UP_TO_DATE = ("False", "UpToDate", "")


def test_the_merge_patch_of_the_test_plan_changes_the_running_vm():
    with Vm(cpus="sockets=6,maxSockets=8") as v:
        v.ready()
        out = patch(v, '{"spec":{"template":{"spec":{"domain":{"cpu":{"sockets":7}}}}}}')
        lines = out.splitlines()
        equal(lines[:2], ["patched", "resize: sockets 6 -> 7, job 1"], "the first lines")
        equal([x.split()[0] for x in lines[2:]],
              ["accepted", "plugged", "registered", "online", "done:"], "the phases")
        equal(topology(v), (7, 7), "sockets")
        v.wait_online({i: i for i in range(1, 7)})
        patch(v, merge(sockets=8), "--type", "merge")
        text = refused(v, merge(sockets=9))
        equal(text, VM_PATH + ".sockets: CPU sockets 9 is greater than the maximum sockets "
              "allowed, maxSockets 8 (set for the VM); ask for 1 to 8, or start the VM with a "
              "larger maxSockets", "the refusal")
        kind, reason, _, message = events(v)[-1]
        equal((kind, reason, message), ("Warning", "HotplugRefused", "patch refused: " + text),
              "the event")
        check('reason="limit"} 1\n' in ctl(v, "metrics"), "it is not counted as a limit")
        equal(restart(v), UP_TO_DATE, "RestartRequired")
        patch(v, merge(sockets=3))
        equal(topology(v), (3, 3), "after the removal")


def test_the_json_patch_of_the_user_guide_and_its_tests():
    with Vm(cpus="sockets=2,maxSockets=8") as v:
        v.ready()
        out = patch(v, '[{"op":"replace","path":"/spec/template/spec/domain/cpu/sockets",'
                    '"value":4}]', "--type", "json")
        check("done: 4 of 8 sockets" in out, "%r", out)
        patch(v, json.dumps([operation("test", "sockets", 4), operation("test", "maxSockets", 8),
                             operation("add", "sockets", 5), operation("test", "sockets", 5)]),
              "--type=json")
        equal(topology(v), (5, 5), "sockets")
        patch(v, json.dumps([operation("replace", "sockets", 2, "/spec/domain/cpu/")]),
              "--type", "json")
        equal(topology(v), (2, 2), "by the path of an instance")
        text = refused(v, json.dumps([operation("replace", "sockets", 3),
                                      operation("test", "cores", 2)]), "--type", "json")
        equal(text, "testing value /spec/template/spec/domain/cpu/cores failed: it is 1; read "
              "it again, and patch what it is now", "a test that fails")


def test_the_shape_of_an_instance_and_json_output():
    with Vm(cpus="sockets=1,maxSockets=4") as v:
        v.ready()
        out = patch(v, '{"spec":{"domain":{"cpu":{"sockets":2}}}}', "--json").splitlines()
        equal(json.loads(out[0]), {"changed": True, "restart-required": False}, "what came of it")
        equal(json.loads(out[1])["sockets"], 2, "the job")
        equal(json.loads(out[-1])["event"], "HOTPLUG_COMPLETED", "the last event")
        equal(topology(v), (2, 2), "sockets")


def test_what_changes_nothing_says_so():
    with Vm("mode=irq noreg", cpus="sockets=2,maxSockets=4") as v:
        v.ready()
        for text, kind in (("{}", "merge"), ('{"spec": {}}', "merge"), ("[]", "json"),
                           (merge(), "merge"), (merge(sockets=2, cores=1, maxSockets=4), "merge"),
                           (json.dumps([operation("test", "sockets", 2)]), "json")):
            equal(patch(v, text, "--type", kind), "patched (no change)\n", text)
        equal([e[1] for e in events(v)], ["Started"], "events")
        patch(v, merge(sockets=3), "--no-wait")
        equal(patch(v, merge(sockets=3)), "patched (no change)\n", "what a job does already")
        check("another CPU hotplug is in progress" in refused(v, merge(sockets=4, cores=2)),
              "another number meanwhile")
        equal(cpu(v), (3, 1, 1, 4), "the spec")


def test_a_patch_ends_as_a_resize_does_and_again_finishes_it():
    with Vm("mode=irq nostart", cpus="sockets=1,maxSockets=4") as v:
        v.ready()
        patch(v, merge(sockets=2), "--timeout", "0.4", status=3)
        equal(topology(v), (2, 1), "sockets")
        out = patch(v, merge(sockets=2), "--no-wait")
        check("resize: sockets 2 -> 2, job 2" in out, "%r", out)
        v.type("g")
        wait_until(lambda: topology(v) == (2, 2), "the guest has them")
        wait_until(lambda: condition(v, "HotVCPUChange")[1] == "Completed", "its end")
        equal(patch(v, merge(sockets=2)), "patched (no change)\n", "once more")


def test_what_a_restart_takes_up_is_in_the_file_and_runs_then():
    with Spec() as spec:
        with spec.vm() as v:
            q = has(v, 2)
            out = patch(v, merge(maxSockets=4, cores=2))
            why = (CHANGED + "maxSockets 8 to 4, cores 1 to 2 changed; stop the VM and start it "
                   "again from " + spec.path)
            equal(out, "patched\nrestart required: %s\n" % why, "what is said")
            equal(json.loads(spec.text())["cpus"], {"sockets": 2, "maxSockets": 4, "cores": 2},
                  "the file")
            equal(restart(v), ("True", "StoredChange", why), "the condition")
            equal(events(v)[-1][1:], ("RestartRequired", 1, why), "the event")
            equal(cpu(v), (2, 2, 1, 4), "the spec")
            equal(document(v, "get")["status"]["currentCPUTopology"],
                  {"sockets": 2, "cores": 1, "threads": 1}, "what runs")
            q.execute("system_reset")
            q.wait_event("RESET")
            equal(restart(v)[0], "True", "a reset takes nothing up")
            equal(q.execute("query-topology")["max-sockets"], 8, "maxSockets after a reset")
            patch(v, merge(sockets=3))  # the running VM, all the same
            spec.becomes(3)
            quit_vm(v, q)
        with spec.vm() as v:
            q = v.ready().qmp()
            equal(cpu(v), (3, 2, 1, 4), "the spec")
            equal(restart(v), UP_TO_DATE, "the condition")
            t = q.execute("query-topology")
            equal((t["sockets"], t["cores"], t["max-sockets"], t["vcpus"]), (3, 2, 4, 6),
                  "what runs")
            v.wait_online({i: i for i in range(1, 6)})
            quit_vm(v, q)


def test_a_running_vm_grows_no_further_than_it_could_start_again():
    with Spec() as spec, spec.vm() as v:
        q = has(v, 2)
        patch(v, merge(maxSockets=4))
        q.resize(4)
        text = ("from the next start on: CPU sockets 5 is greater than the maximum sockets "
                "allowed, maxSockets 4 (set for the VM); ask for 1 to 4, or start the VM with a "
                "larger maxSockets")
        equal(q.error("resize", {"sockets": 5}).desc, text, "resize")
        equal(q.error("device_add", {"driver": "host-x86_64-cpu", "id": "a",
                                     "socket-id": 6}).desc, text, "device_add")
        equal(refused(v, merge(sockets=5)), VM_PATH + ".sockets: " + text, "patch")
        patch(v, merge(sockets=5, maxSockets=6))
        spec.becomes(5)
        equal(json.loads(spec.text())["cpus"], {"sockets": 5, "maxSockets": 6}, "the file")
        quit_vm(v, q)


def test_the_condition_goes_when_the_spec_is_again_what_runs():
    with Spec() as spec, spec.vm() as v:
        q = has(v, 2)
        patch(v, merge(maxSockets=16, threads=2))
        patch(v, merge(maxSockets=8))
        check(CHANGED + "threads 1 to 2 changed;" in restart(v)[2], "%r", restart(v))
        equal(patch(v, merge(threads=1)), "patched\n", "the last of it")
        equal(restart(v), UP_TO_DATE, "the condition")
        equal(json.loads(spec.text())["cpus"], {"sockets": 2, "maxSockets": 8, "threads": 1},
              "the file")
        quit_vm(v, q)


def test_without_a_file_it_is_said_to_be_lost():
    lost = (CHANGED + "maxSockets 4 to 6 changed; it is kept in memory only, and lost when this "
            "VM ends, as there is no --spec file; give it to the next start as --cpus "
            "cores=1,threads=1,maxSockets=6")
    with Vm(cpus="sockets=1,maxSockets=4") as v:
        v.ready()
        equal(patch(v, merge(maxSockets=6)), "patched\nrestart required: %s\n" % lost, "output")
        equal(cpu(v), (1, 1, 1, 6), "the spec")
    with Manifest("{sockets: 1, maxSockets: 4}") as m:
        with open(m.path, encoding="ascii") as f:
            before = f.read()
        with m.vm() as v:
            v.ready()
            patch(v, merge(maxSockets=6, sockets=2))
            equal((restart(v)[2], topology(v)), (lost, (2, 2)), "the condition, and sockets")
        with open(m.path, encoding="ascii") as f:
            equal(f.read(), before, "the manifest")


def test_a_patch_is_refused_as_a_whole():
    with Spec() as spec, spec.vm() as v:
        q = has(v, 2)
        file = spec.text()
        for text, said in (
                (merge(maxSockets=1), VM_PATH + ".maxSockets: CPU sockets 2 is greater than the "
                 "maximum sockets allowed, maxSockets 1 (asked for); give a maxSockets of 2 or "
                 "more, or resize the VM first"),
                (merge(sockets=1, maxSockets=1), "CPU sockets 2 is greater than the maximum"),
                (merge(sockets=4, maxSockets=3), "CPU sockets 4 is greater than the maximum"),
                (merge(sockets=9, maxSockets=16), VM_PATH + ".sockets: CPU sockets 9 is greater "
                 "than the maximum sockets allowed, maxSockets 8 (set for the VM)"),
                (merge(sockets=0), VM_PATH + ".sockets: CPU sockets 0 is less than the minimum, "
                 "1; ask for 1 to 8"),
                (merge(sockets=-1), "CPU sockets -1 is less than the minimum, 1"),
                (merge(sockets=1 << 32), "CPU sockets 4294967296 is greater than the maximum"),
                (merge(sockets=(1 << 63) - 1, cores=2), "CPU sockets 9223372036854775807 is"),
                (merge(cores=0), VM_PATH + ".cores: CPU cores 0 is less than the minimum, 1"),
                (merge(threads=-2, sockets=3), "CPU threads -2 is less than the minimum, 1"),
                (merge(maxSockets=1 << 32), "CPU maxSockets 4294967296 is greater than"),
                (merge(cores=4000000000), VM_PATH + ".cores: from the next start on: CPU "
                 "maxSockets 8 (set for the VM) x cores 4000000000 x threads 1 vCPUs is greater"),
                (merge(maxSockets=1000000, sockets=3), "= 1000000 vCPUs is greater than"),
                (merge(sockets="3"), "sockets must be a whole number, and is a string"),
                (merge(sockets=3.0), "and is a number with a fraction"),
                (merge(sockets=3, cores=None), VM_PATH + ".cores must be a whole number, and is "
                 "null"),
                (merge(sockets=3, socket=3), VM_PATH + ".socket: 'socket' cannot be patched"),
                ('{"spec":{"template":{"spec":{"domain":{"memory":{"guest":"1Gi"}}}}}}',
                 "spec.template.spec.domain.memory: 'memory' cannot be patched; patch"),
                ('{"metadata":{}}', "metadata: 'metadata' cannot be patched"),
                ('{"spec":{"domain":{"cpu":{"sockets":3}},"template":{}}}', "exclude each other"),
                ('{"spec":{"template":[]}}', "spec.template must be an object, and is an array"),
                ("[]", "a merge patch must be an object, and is an array")):
            found = refused(v, text)
            check(said in found, "%s: %s, not %s", text, found, said)
            equal(spec.text(), file, "the file after %s" % text)
        equal(restart(v), UP_TO_DATE, "the condition")
        check("is not JSON" in refused(v, "{", status=2), "no JSON")
        check("is not JSON" in refused(v, '{"spec":{},"spec":{}}', status=2), "a key twice")
        check("--type wants" in refused(v, "{}", "--type", "strategic", status=2), "a type")
        equal(q.error("patch", {"patch": {}, "type": "strategic"}).desc,
              "patch type 'strategic' is not known; use merge or json", "a type")
        equal(q.error("patch", {}).desc, "Parameter 'patch' is missing", "no patch")
        quit_vm(v, q)


def test_a_file_that_cannot_be_written_refuses_it():
    with Spec() as spec, spec.vm() as v:
        q = has(v, 2)
        away = spec.path + "-away"
        os.rename(spec.path, away)
        try:
            equal(refused(v, merge(cores=2)), spec.path + ": cannot write it: No such "
                  "file or directory", "the refusal")
            check("cannot write it" in q.error("patch", {"patch": json.loads(
                merge(cores=2, sockets=3))}).desc, "with a change of sockets")
            equal(v.vcpu_threads(), [0, 1], "threads")
        finally:
            os.rename(away, spec.path)
        equal((cpu(v), restart(v)), ((2, 1, 1, 8), UP_TO_DATE), "the spec")
        patch(v, merge(cores=2, sockets=3))
        spec.becomes(3)
        equal(json.loads(spec.text())["cpus"]["cores"], 2, "cores in the file")
        quit_vm(v, q)


def test_what_the_host_cannot_make_leaves_the_file_alone():
    with Spec() as spec, spec.vm() as v:
        q = has(v, 2)
        soft, hard = resource.prlimit(v.pid, resource.RLIMIT_NOFILE)
        file = spec.text()
        resource.prlimit(v.pid, resource.RLIMIT_NOFILE, (v.fds() + 3, hard))
        text = q.error("patch", {"patch": json.loads(merge(sockets=8, maxSockets=9))}).desc
        check("cannot make vCPU" in text, "%r", text)
        resource.prlimit(v.pid, resource.RLIMIT_NOFILE, (soft, hard))
        equal((cpu(v), restart(v)), ((2, 1, 1, 8), UP_TO_DATE), "the spec")
        equal(spec.text(), file, "the file")
        equal(topology(v), (2, 2), "sockets")
        patch(v, merge(sockets=8, maxSockets=9))
        spec.becomes(8)
        quit_vm(v, q)


def test_a_default_that_is_named_is_kept():
    with Spec(cpus={"sockets": 1}) as spec:
        with spec.vm() as v:
            q = v.ready().qmp()
            equal(patch(v, merge(maxSockets=4)), "patched\n", "the default")
            equal(restart(v), UP_TO_DATE, "the condition")
            q.resize(2)
            wait_until(lambda: json.loads(spec.text())["cpus"] ==
                       {"sockets": 2, "maxSockets": 4}, "the file")
            quit_vm(v, q)
        with spec.vm() as v:
            equal(states(v.ready().qmp()), ["online"] * 2 + ["absent"] * 2, "states")
