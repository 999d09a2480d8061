"""What is refused, when, and that it changes nothing."""

import fcntl
import json
import os
import re
import resource
import shutil
import socket
import struct
import subprocess
import tempfile
import time

from qmp import Qmp, patience
from vm import GUEST, Vm, check, command, equal, kvm_max_vcpus, start


def refused(line, status, *parts):
    """Runs a VMM that must refuse in one line and leave nothing behind."""
    folder = tempfile.mkdtemp(prefix="hs-native-")
    try:
        files = ["--qmp", "q.sock"]
        if "--serial" not in line:
            files += ["--serial", "file:console"]
        p = start(line + files, cwd=folder, stdin=subprocess.DEVNULL,
                  stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            out, err = p.communicate(timeout=patience(10))
        finally:
            p.kill()
            p.wait()
        err = err.decode()
        what = " ".join(line[3:])
        equal((p.returncode, out), (status, b""), "status and stdout of " + what + ": " + err)
        equal((err.count("\n"), err[-1:], err[:11]), (1, "\n", "hotsocket: "),
              "one line on stderr for %s: %r" % (what, err))
        for part in parts:
            check(part in err, "%r of %s lacks %r", err, what, part)
        equal(os.listdir(folder), [], "files left by " + what)
    finally:
        shutil.rmtree(folder)


def test_a_limit_of_descriptors_that_is_too_low_is_said_at_the_start():
    with Vm(cpus="sockets=1,maxSockets=8") as v:
        v.ready()
        equal(v.stderr(), "", "stderr with room")
    line = command("mode=poweroff", cpus="sockets=1,maxSockets=64") + ["--serial", "none"]
    p = subprocess.run(line, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, check=True,
                       timeout=patience(20), preexec_fn=lambda: resource.setrlimit(
                           resource.RLIMIT_NOFILE, (200, 200)))
    check(b"64 vCPUs take up to 228 descriptors, and the limit is 200" in p.stderr, "%r", p.stderr)


def test_guest_memory_is_in_no_core_dump():
    with Vm(memory="64M") as v:
        v.ready()
        with open("/proc/%d/smaps" % v.pid, encoding="ascii") as f:
            maps = re.findall(r"^[0-9a-f]+-[0-9a-f]+ .*?VmFlags:[^\n]*", f.read(), re.M | re.S)
        large = [m for m in maps if int(re.search(r"Size: +(\d+)", m)[1]) >= 60 << 10]
        check(large and all(" dd" in m[m.rindex("VmFlags"):] for m in large), "%r", large)


def test_a_start_with_impossible_numbers_of_cpus():
    most = kvm_max_vcpus()
    for cpus, parts in {
            "sockets=0": ("sockets 0", "1"),
            "sockets=-1": ("sockets", "-1", "1"),
            "sockets=x": ("sockets", "x"),
            "sockets=": ("sockets",),
            "sockets=1.5": ("sockets", "1.5"),
            "sockets=99999999999": ("sockets 99999999999", "maximum"),
            "sockets=18446744073709551617": ("18446744073709551617", "maximum"),
            "sockets=9,maxSockets=8": ("sockets 9", "maxSockets 8", "set for the VM"),
            "sockets=2,sockets=3": ("sockets twice",),
            "socket=2": ("socket=2",),
            "": ("--cpus",),
            "cores=0": ("cores 0",),
            "threads=0": ("threads 0",),
            "maxSockets=0": ("maxSockets 0",),
            "sockets=4294967295,cores=4294967295": ("4294967295", "maximum"),
            "maxSockets=%d" % (most + 1): (
                "maxSockets %d" % (most + 1), str(most), "KVM on this host", "at most"),
            "cores=%d,maxSockets=2" % most: ("%d vCPUs" % (2 * most), "KVM on this host"),
    }.items():
        refused(command(cpus=cpus), 2, *parts)


def test_a_start_with_impossible_memory():
    for memory in ("0", "1M", "x", "", "-1", "1.5G", "512X", "99999999T",
                   "18446744073709551616"):
        refused(command(memory=memory), 2, "memory", memory)


def test_a_start_with_impossible_options():
    refused(command(more=["--no-such-option"]), 2, "--no-such-option")
    refused(command(more=["-smp", "4"]), 2, "'-smp' is not an option")
    refused(command(more=["word"]), 2, "word")
    refused(command()[:1], 2, "--kernel")
    refused([command()[0], "-kernel", "/nonexistent"], 1, "/nonexistent")  # as QEMU's users write
    refused(command(memory="5\n\x1b[2J"), 2, "memory '5??[2J' is not a size")
    refused(command(kernel="/nonexistent"), 1, "/nonexistent", "No such file")
    refused(command(kernel="/"), 1, "regular file")
    refused(command(kernel=__file__), 1, "neither")
    refused(command(more=["--initrd", "/nonexistent"]), 1, "initrd", "No such file")
    refused(command(append="x" * 70000), 1, "--append", "70000")
    refused(command(more=["--initrd", "/dev/null"]), 1, "initrd /dev/null", "regular file")
    refused(command(more=["--serial", "tape:1"]), 2, "tape:1", "stdio")
    refused(command(more=["--serial", "socket:"]), 1, "--serial socket:", "Invalid")
    refused(command(more=["--boot", "efi"]), 2, "'efi'", "acpi or dt")
    if os.uname().machine == "x86_64":
        refused(command(more=["--boot", "dt"]), 2, "--boot dt", "aarch64")


def test_a_start_from_files_that_are_cut_or_others():
    with open(GUEST, "rb") as f:
        guest = f.read()
    for name, content, parts in (
            ("kernel", b"", ("is empty",)),
            ("kernel", guest[:3000], ("is cut short: it has 3000 bytes, and its header says",)),
            ("kernel", guest[:60], ("is cut short: it has 60 bytes",)),
            ("kernel", b"\x1f\x8b" + guest, ("is compressed by gzip; unpack it with gunzip",)),
            ("kernel", guest[:18] + b"\xf3\x00" + guest[20:], ("an ELF file for RISC-V",)),
            ("initrd", b"", ("is empty",))):
        with tempfile.NamedTemporaryFile(prefix="hs-native-") as f:
            f.write(content)
            f.flush()
            start_from = {"kernel": f.name} if name == "kernel" else {"more": ["--initrd", f.name]}
            refused(command(**start_from), 1, "%s %s " % (name, f.name), *parts)


def checked(*options):
    """(exit status, stdout, stderr) of --check with these options."""
    with start([command()[0], "--check", "--kernel", GUEST] + list(options),
               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as p:
        out, err = p.communicate(timeout=patience(10))
    return p.returncode, out.decode(), err.decode()


def test_check_counts_the_limits_of_this_host():
    most = kvm_max_vcpus()
    equal(checked("--cpus", "cores=2,maxSockets=4"),
          (0, "would start sockets 1, maxSockets 4 (set for the VM), cores 2, threads 1: "
           "2 of 8 vCPUs, memory 512M\n", ""), "what would be started")
    status, out, err = checked("--cpus", "maxSockets=%d" % (most + 1))
    equal((status, out), (2, ""), "status and stdout")
    check("%d (KVM on this host)" % most in err, "stderr: %r", err)


def host_gives_nested():
    """Whether VMX or SVM is in what KVM_GET_SUPPORTED_CPUID says."""
    entries = 512
    buf = bytearray(8 + 40 * entries)
    struct.pack_into("=I", buf, 0, entries)
    with open("/dev/kvm", "rb+", buffering=0) as kvm:
        fcntl.ioctl(kvm, 0xc008ae05, buf)
    for at in range(8, 8 + 40 * struct.unpack_from("=I", buf)[0], 40):
        leaf, ecx = struct.unpack_from("=I16xI", buf, at)
        if (leaf == 1 and ecx & 1 << 5) or (leaf == 0x80000001 and ecx & 1 << 2):
            return True
    return False


def test_nested_virtualisation_where_it_can_be():
    if os.uname().machine != "x86_64":
        refused(command(more=["--nested", "on"]), 2, "--nested on", "aarch64")
    elif host_gives_nested():
        with Vm(more=["--nested", "on"]) as v:
            v.ready()
    else:
        refused(command(more=["--nested", "on"]), 1, "--nested on", "nested=1")
    refused(command(more=["--nested", "yes"]), 2, "--nested", "yes", "use off or on")


def test_a_start_at_a_path_that_is_taken():
    with Vm(cpus="sockets=1,maxSockets=2") as v:
        q = v.ready().qmp()
        p = start(command() + ["--qmp", v.socket, "--serial", "none"],
                  stderr=subprocess.PIPE)
        err = p.communicate(timeout=patience(10))[1].decode()
        equal(p.returncode, 1, "status")
        check(v.socket in err and "another" in err, "%r", err)
        equal(q.resize(2)["result"], "done", "the VM that was there first")
        v.qmp()
        note = os.path.join(v.dir, "note")
        with open(note, "w", encoding="ascii") as f:
            f.write("precious")
        p = start(command() + ["--qmp", note, "--serial", "none"], stderr=subprocess.PIPE)
        equal((p.communicate(timeout=patience(10)), p.returncode)[1], 1, "status")
        with open(note, encoding="ascii") as f:
            equal(f.read(), "precious", "the file at the path")


def test_a_start_after_a_vm_that_was_killed():
    with Vm() as v:
        v.ready().qmp()
        v.process.kill()
        v.process.wait()
        check(os.path.exists(v.socket), "SIGKILL leaves the socket file")
        p = start(command("mode=irq") + ["--qmp", v.socket, "--serial", "none"])
        try:
            with Qmp(v.socket) as q:
                q.execute("quit")
            equal(p.wait(patience(10)), 0, "status")
        finally:
            p.kill()
            p.wait()


def bad_requests(noreg_job):
    """[(command, arguments, words of the error)]"""
    def cpu(**more):
        a = {"driver": "host-x86_64-cpu", "id": "new", "socket-id": 3}
        a.update(more)
        return {k: v for k, v in a.items() if v is not None}

    r, d = "resize", "device_add"
    bad = [
        (r, {"sockets": 0}, "sockets 0 is "),
        (r, {"sockets": -1}, "sockets -1 is "),
        (r, {"sockets": 1.5}, "'sockets', expected: integer"),
        (r, {"sockets": "x"}, "'sockets', expected: integer"),
        (r, {"sockets": None}, "'sockets', expected: integer"),
        (r, {"sockets": True}, "'sockets', expected: integer"),
        (r, {"sockets": [2]}, "'sockets', expected: integer"),
        (r, {}, "'sockets' is missing"),
        (r, None, "'sockets' is missing"),
        (r, {"sockets": 1 << 31}, "sockets 2147483648 is "),
        (r, {"sockets": 1 << 32}, "sockets 4294967296 is "),
        (r, {"sockets": (1 << 32) + 2}, "sockets 4294967298 is "),
        (r, {"sockets": (1 << 63) - 1}, "sockets 9223372036854775807 is "),
        (r, {"sockets": -(1 << 63)}, "sockets -9223372036854775808 is "),
        (r, {"sockets": 5, "force": True}, "'force' is unexpected"),
        (r, {"sockets": 2, "timeout-ms": 0}, "timeout-ms"),
        (r, {"sockets": 2, "timeout-ms": "x"}, "'timeout-ms', expected: integer"),
        (r, {"sockets": 5}, "maxSockets 4 (set for the VM)"),
        (d, cpu(driver="max-x86_64-cpu"), "expected cpu type: 'host-x86_64-cpu'"),
        (d, cpu(driver=None), "'driver' is missing"),
        (d, cpu(id=None), "'id' is missing"),
        (d, cpu(id=7), "'id', expected: string"),
        (d, cpu(**{"socket-id": None}), "'socket-id' is missing"),
        (d, cpu(**{"socket-id": 4}), "socket-id 4 is "),
        (d, cpu(**{"socket-id": -1}), "socket-id -1"),
        (d, cpu(**{"socket-id": 1 << 32}), "socket-id 4294967296"),
        (d, cpu(**{"core-id": 0}), "'core-id' is unexpected"),
        ("no-such-command", {}, "no-such-command has not been found"),
    ]
    if noreg_job:
        return bad + [(r, {"sockets": 4}, "another CPU hotplug is in progress"),
                      (r, {"sockets": 2}, "another CPU hotplug is in progress"),
                      (d, cpu(), "another CPU hotplug is in progress")]
    return bad + [(d, cpu(**{"socket-id": 1}), "socket-id 1 is plugged already"),
                  ("device_del", {"id": "socket-0"}, "has the boot CPU"),
                  ("device_del", {"id": "socket-3"}, "not found"),
                  ("cancel", {}, "nothing to cancel"),
                  (d, cpu(id=""), "id must have"),
                  (d, cpu(id="x" * 200), "id must have"),
                  (d, cpu(id="socket-0"), "Duplicate device ID 'socket-0'"),
                  (d, cpu(id="1st"), "id '1st' is not a name"),
                  (d, cpu(id="a/b"), "id 'a/b' is not a name")]


def each_is_refused(q, bad):
    for name, arguments, words in bad:
        text = q.error(name, arguments).desc
        check(words in text, "%s %r says %r, without %r", name, arguments, text, words)


def flood(q, bad, count):
    """Sends them over and over, many at a time, and counts the errors."""
    block = b"".join(
        json.dumps({"execute": n, "arguments": a or {}}).encode() + b"\n" for n, a, _ in bad)
    left = count
    while left > 0:
        q.send_bytes(block)
        for _ in bad:
            reply = q.next_reply()
            check("error" in reply, "not refused: %r", reply)
        left -= len(bad)
    equal(q.events, [], "events because of refused requests")


def nothing_changes(v, q, bad):
    v.report()
    view, before = v.report(), v.host_state(q)
    each_is_refused(q, bad)
    flood(q, bad, 1000)  # the first ones may grow the heap once
    rss = v.rss_kib()
    flood(q, bad, 10000)
    v.check_growth(rss, 1024)
    for _ in range(20):
        with Qmp(v.socket) as other:
            each_is_refused(other, bad[:3])
    time.sleep(0.01)  # for the VMM to see that they left
    equal(v.host_state(q), before, "the VM after 10000 refused requests")
    equal(v.report(), view, "the guest's view after 10000 refused requests")


def test_ten_thousand_refused_requests_change_nothing():
    with Vm(cpus="sockets=2,maxSockets=4") as v:
        q = v.ready().qmp()
        nothing_changes(v, q, bad_requests(False))
        equal(q.resize(3)["result"], "done", "resize 3 after all that")


def test_ten_thousand_refused_requests_beside_a_job_change_nothing():
    with Vm("mode=irq noreg", cpus="sockets=1,maxSockets=4") as v:
        q = v.ready().qmp()
        other = v.qmp()
        job = q.execute("resize", {"sockets": 3})
        equal((job["state"], job["phase"]), ("running", "plugged"), "the job")
        q.events.clear()
        nothing_changes(v, q, bad_requests(True))
        text = q.error("resize", {"sockets": 4}).desc
        check("job %d, sockets 1 to 3" % job["job"] in text, "%r does not name the job", text)
        v.type("g")
        equal(other.wait_event("HOTPLUG_COMPLETED")["data"]["result"], "done", "the job")


def test_a_client_of_another_user_is_turned_away():
    with Vm() as v:
        v.ready()
        equal(os.stat(v.socket).st_mode & 0o777, 0o600, "mode of the socket")
        if os.geteuid() != 0:
            return
        os.chmod(v.dir, 0o755)
        os.chmod(v.socket, 0o666)  # only root could
        child = os.fork()
        if child == 0:
            os.setuid(65534)
            s = socket.socket(socket.AF_UNIX)
            s.connect(v.socket)
            s.settimeout(patience(5))
            os._exit(0 if s.recv(100) == b"" else 1)
        equal(os.waitpid(child, 0)[1], 0, "what the other user's client got")
        v.qmp().execute("query-status")
