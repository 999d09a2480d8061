"""A VM from a spec file, and the number of sockets that is written back to it."""

import json
import os
import shutil
import subprocess
import tempfile
import time

from qmp import patience
from vm import GUEST, Skip, Vm, check, command, equal, start, states, traced, wait_until

CPUS = {"sockets": 2, "maxSockets": 8}


class Spec:
    """A spec file in a folder of its own."""

    def __init__(self, text=None, **more):
        self.dir = tempfile.mkdtemp(prefix="hs-spec-")
        self.path = os.path.join(self.dir, "vm.json")
        whole = {"kernel": GUEST, "append": "mode=irq", "cpus": CPUS}
        self.put(json.dumps(dict(whole, **more)) if text is None else text)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.dir, ignore_errors=True)

    def put(self, text):
        with open(self.path, "w", encoding="utf-8") as f:
            f.write(text)

    def text(self):
        with open(self.path, encoding="utf-8") as f:
            return f.read()

    def cpus(self, key):
        return json.loads(self.text())["cpus"][key]

    def sockets(self):
        return self.cpus("sockets")

    def becomes(self, sockets):
        wait_until(lambda: self.sockets() == sockets,
                   "%d sockets in the file, it has %d" % (sockets, self.sockets()))

    def vm(self, *more, **how):
        """Only --spec, --qmp and --serial, and what is given."""
        return Vm(None, cpus=None, kernel=None, more=("--spec", self.path) + more, **how)


def quit_vm(v, q):
    q.execute("quit")
    equal(v.wait_exit(), 0, "exit status after quit")


def run(*options):
    """(exit status, stderr) of a start that is refused."""
    with start([command()[0]] + list(options), stdin=subprocess.DEVNULL,
               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as p:
        err = p.communicate(timeout=patience(10))[1].decode()
    return p.returncode, err


def has(v, n, possible=8):
    q = v.ready().qmp()
    v.wait_online({i: i for i in range(1, n)})
    equal(states(q), ["online"] * n + ["absent"] * (possible - n), "states")
    return q


def test_stopped_with_eight_of_two_it_starts_with_eight():
    with Spec(memory="64M") as spec:
        with spec.vm() as v:
            q = has(v, 2)
            equal(q.resize(8)["result"], "done", "resize 8")
            quit_vm(v, q)
            equal(v.stderr(), "", "stderr")
        expected = {"kernel": GUEST, "append": "mode=irq",
                    "cpus": {"sockets": 8, "maxSockets": 8}, "memory": "64M"}
        equal(spec.text(), json.dumps(expected, indent=2) + "\n", "the file")
        equal(os.listdir(spec.dir), ["vm.json"], "the folder")
        with spec.vm() as v:
            q = has(v, 8)
            check("greater than the maximum" in q.error("resize", {"sockets": 9}).desc,
                  "maxSockets is not what it was")
            quit_vm(v, q)


def test_it_is_written_when_the_guest_has_not_answered_yet():
    with Spec(append="mode=irq noreg") as spec, spec.vm() as v:
        q = v.ready().qmp()
        q.execute("resize", {"sockets": 5})
        spec.becomes(5)
        q.execute("cancel")
        spec.becomes(2)


def test_a_quit_at_once_writes_it_too():
    for n in range(3, 8):
        with Spec(append="mode=irq noreg") as spec:
            with spec.vm() as v:
                q = v.ready().qmp()
                q.send("resize", {"sockets": n})
                q.send("quit")
                equal(v.wait_exit(), 0, "exit status")
            equal(spec.sockets(), n, "sockets in the file")


def test_device_add_is_written():
    with Spec() as spec, spec.vm() as v:
        q = has(v, 2)
        q.execute("device_add", {"driver": "host-x86_64-cpu", "id": "a", "socket-id": 7})
        q.wait_event("HOTPLUG_COMPLETED")
        spec.becomes(3)


def test_a_killed_vm_leaves_what_it_had_and_no_lock():
    with Spec() as spec:
        with spec.vm() as v:
            q = has(v, 2)
            q.resize(7)
            spec.becomes(7)
            v.process.kill()
            v.wait_exit()
        with spec.vm() as v:
            quit_vm(v, has(v, 7))


def test_the_command_line_overrides_the_file_in_any_order():
    with Spec(cpus={"sockets": 2, "maxSockets": 4}, serial="none", memory="1M2") as spec:
        status, err = run("--spec", spec.path, "--memory", "64M")
        equal(status, 2, "exit status")  # the file is refused, used or not
        check("memory '1M2' is not a size" in err, "stderr: %r", err)
    with Spec(cpus={"sockets": 2, "maxSockets": 4}, serial="none") as spec:
        before = spec.text()
        line = ("--cpus", "sockets=3,maxSockets=8", "--memory", "64M")
        for args in (("--spec", spec.path) + line, line + ("--spec", spec.path)):
            with Vm(None, cpus=None, kernel=None, more=args) as v:
                q = has(v, 3)
                equal(spec.text(), before, "the file, before anything changed")
                quit_vm(v, q)
            equal(spec.text(), before, "the file, as nothing changed")
        with Vm(None, cpus=None, kernel=None, more=line + ("--spec", spec.path)) as v:
            q = has(v, 3)
            q.resize(4)
            quit_vm(v, q)
        equal(json.loads(spec.text()), dict(json.loads(before), cpus={
            "sockets": 4, "maxSockets": 4}), "the file, after a change")


def test_a_bad_file_is_refused_in_one_line_and_nothing_is_made():
    cases = [
        ("", "line 1, column 0: "),
        ('{"kernel": "x",\n "cpus": {"sock', "line 2, column 15: "),
        ('{"kernel": "x", "kernel": "x"}', "duplicate object key"),
        ('{"kernel": "x", "color": "red"}', "'color' is not known"),
        ('{"kernel": "x", "cpus": {"sockets": "2"}}', "cpus.sockets must be a whole number"),
        ('{"kernel": "x", "cpus": {"sockets": 0}}',
         "cpus.sockets: CPU sockets 0 is less than the minimum, 1; give 1 or more"),
        ('{"kernel": "x", "cpus": {"sockets": 9, "maxSockets": 8}}',
         "cpus.sockets: CPU sockets 9 is greater than the maximum sockets allowed, maxSockets 8 "
         "(set for the VM)"),
        ('{"kernel": "x", "cpus": {"sockets": 1, "maxSockets": 99999}}',
         "cpus: CPU maxSockets 99999 "),
        ('{"kernel": "x", "serial": "x"}', "'x'; use stdio, none"),
        ('{"memory": "64M"}', "--kernel is missing"),
    ]
    for text, words in cases:
        with Spec(text) as spec:
            sock = os.path.join(spec.dir, "qmp")
            status, err = run("--spec", spec.path, "--qmp", sock)
            equal((status, err.count("\n")), (2, 1), "status and lines for %r" % text)
            check(err.startswith("hotsocket: %s: " % spec.path) and words in err,
                  "%r lacks the file or %r", err, words)
            equal(spec.text(), text, "the file")
            equal(os.listdir(spec.dir), ["vm.json"], "the folder")
    with Spec("{}") as spec:
        os.unlink(spec.path)
        status, err = run("--spec", spec.path)
        equal((status, err), (2, "hotsocket: %s: No such file or directory\n" % spec.path),
              "a file that is not there")


def test_a_second_vm_from_the_same_file_is_refused():
    with Spec() as spec, spec.vm() as v:
        q = has(v, 2)
        for n in (3, 4):
            status, err = run("--spec", spec.path, "--serial", "none")
            equal(status, 2, "exit status of the second")
            check("another VM runs from this file" in err, "stderr: %r", err)
            q.resize(n)
            spec.becomes(n)
        quit_vm(v, q)
    with Spec() as spec, spec.vm() as v:
        quit_vm(v, has(v, 2))


def test_a_write_that_fails_harms_nobody_and_is_tried_again():
    with Spec() as spec, spec.vm() as v:
        q = has(v, 2)
        away = spec.path + "-away"
        os.rename(spec.path, away)
        try:
            equal(q.resize(4)["result"], "done", "resize 4 without the file")
            data = q.wait_event("SPEC_WRITE_FAILED")["data"]
            equal(data, {"file": spec.path, "reason": "No such file or directory"}, "event")
            v.wait_online({i: i for i in range(1, 4)})
            q.execute("query-status")
            equal([e["event"] for e in q.events].count("SPEC_WRITE_FAILED"), 0, "more events")
            err = v.stderr()
            equal(err.count("\n"), 1, "lines of %r" % err)
            check("warning: " + spec.path in err and "No such file" in err, "stderr: %r", err)
        finally:
            os.rename(away, spec.path)
        equal(spec.sockets(), 2, "sockets in the file")
        q.resize(4)  # there are four, and the file hears of it now
        spec.becomes(4)
        q.resize(6)
        spec.becomes(6)
        equal(v.stderr(), err, "stderr")


def test_what_could_not_be_written_is_tried_again_at_the_end():
    with Spec() as spec, spec.vm() as v:
        q = has(v, 2)
        whole = spec.text()
        spec.put("{")
        q.resize(4)
        check("line 1" in q.wait_event("SPEC_WRITE_FAILED")["data"]["reason"], "the reason")
        equal(spec.text(), "{", "the file that is broken")
        spec.put(whole)
        quit_vm(v, q)
        equal(spec.sockets(), 4, "sockets in the file")


def test_what_could_not_be_written_is_tried_again_by_itself():
    with Spec() as spec, spec.vm() as v:
        q = has(v, 2)
        away = spec.path + ".away"
        os.rename(spec.path, away)
        equal(q.resize(4)["result"], "done", "resize 4 without the file")
        q.wait_event("SPEC_WRITE_FAILED")
        os.rename(away, spec.path)
        spec.becomes(4)


def test_a_disk_that_hangs_holds_nobody_up_but_who_waits_for_it():
    if shutil.which("strace") is None:
        raise Skip("no strace")
    with Spec() as spec, spec.vm() as v:
        q, patcher = has(v, 2), v.qmp()
        seconds = patience(4)
        with subprocess.Popen(["strace", "-f", "-qq", "-e", "trace=fsync", "-e",
                               "inject=fsync:delay_enter=%d:when=1" % (seconds * 1000000),
                               "-o", "/dev/null", "-p", str(v.pid)]) as p:
            wait_until(lambda: traced(v.pid), "strace is there")
            begun = time.monotonic()
            patcher.send("patch", {"patch": {"spec": {"domain": {"cpu": {"maxSockets": 16}}}}})
            for sockets in (4, 3):
                equal(q.resize(sockets)["result"], "done", "resize %d" % sockets)
            refused = q.error("patch", {"patch": {"spec": {"domain": {"cpu": {"cores": 2}}}}})
            check("another patch is being written" in str(refused), "%s", refused)
            equal(spec.cpus("maxSockets"), 8, "maxSockets in the file")
            check(time.monotonic() - begun < seconds, "they waited for the disk")
            check("return" in patcher.next_reply(patience(10)), "the patch")
            equal(spec.cpus("maxSockets"), 16, "maxSockets in the file when the reply is there")
            spec.becomes(3)
            quit_vm(v, q)
            p.wait()
