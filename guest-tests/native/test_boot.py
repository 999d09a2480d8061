"""What the guest finds when it starts."""

import mmap
import os
import re
import shutil
import subprocess
import tempfile
import time

from vm import GUEST, SANITIZED, Skip, Vm, at_rest, check, equal, states, wait_until


def boots(sockets, spec, enabled, capable, ids):
    with Vm(cpus=spec) as v:
        v.ready()
        m = v.wait_console(r"madt enabled (\d+) online-capable (\d+)")
        equal((int(m[1]), int(m[2])), (enabled, capable), "MADT of " + spec)
        v.wait_online(dict(list(enumerate(ids))[1:]))
        q = v.qmp()
        equal(q.execute("query-topology")["sockets"], sockets, "sockets")
        equal(states(q), ["online"] * enabled + ["absent"] * capable, "states")
        equal(v.report(), (enabled, "e" * enabled + "-" * capable), "the guest's view")
        equal(v.vcpu_threads(), list(range(enabled)), "vCPU threads")


def test_one_two_and_eight_sockets():
    for n in (1, 2, 8):
        boots(n, "sockets=%d,maxSockets=8" % n, n, 8 - n, range(n))


def test_cores_and_threads_give_ids_with_holes():
    boots(2, "sockets=2,cores=3,threads=2,maxSockets=3", 12, 6,
          [8 * s + 2 * c + t for s in range(2) for c in range(3) for t in range(2)])


def test_max_sockets_is_four_times_sockets_by_default():
    with Vm(cpus="sockets=2") as v:
        t = v.ready().qmp().execute("query-topology")
        equal((t["max-sockets"], t["max-sockets-source"]), (8, "by default 4 x sockets"),
              "limit and its source")


def ranges(v):
    """[(first, last, what)] of the memory lines."""
    return [(int(a, 16), int(b, 16), what) for a, b, what in re.findall(
        r"^bare: memory (0x[0-9a-f]+)-(0x[0-9a-f]+) (\S+)$", v.console(), re.M)]


def memory_holds(size, ends):
    with Vm("mode=mem", memory=size) as v:
        v.ready()
        ram = [r for r in ranges(v) if r[2] == "ram"]
        equal([r for r in ranges(v) if r[2] == "holds"],
              [(a, b, "holds") for a, b, _ in ram], "RAM of %s that works" % size)
        tables = [r for r in ranges(v) if r[2] == "acpi"]
        nvs = [r for r in ranges(v) if r[2] == "nvs"]
        equal((len(tables), len(nvs)), (1, 1), "ranges of tables, and of what they read")
        equal((ram[1][1] + 1, tables[0][1] + 1, nvs[0][1] + 1),
              (tables[0][0], nvs[0][0], ends[0]),
              "RAM, tables, what they read, and then the end of the range")
        equal([b + 1 for _, b, _ in ram[2:]], ends[1:], "ends of what is above 4 GiB")


def test_memory_of_16_mib_holds_what_is_written():
    memory_holds("16M", [16 << 20])


def test_memory_of_512_mib_holds_what_is_written():
    memory_holds("512M", [512 << 20])


def test_memory_of_5_gib_stands_on_both_sides_of_the_hole():
    try:
        mmap.mmap(-1, 5 << 30).close()
    except OSError as e:
        raise Skip("no 5 GiB on this host: %s" % e.strerror) from None
    memory_holds("5G", [3 << 30, (4 + 2) << 30])


def switches(pid):
    """{thread: times that it gave up its CPU, by itself or not}, without KVM's own threads."""
    found = {}
    for task in os.listdir("/proc/%d/task" % pid):
        with open("/proc/%d/task/%s/status" % (pid, task), encoding="ascii") as f:
            text = f.read()
        name = re.search(r"Name:\s+(.*)", text)[1]
        if not name.startswith("kvm-"):
            found[name] = sum(int(x) for x in re.findall(r"_switches:\s+(\d+)", text))
    return found


def test_no_thread_wakes_up_for_ten_seconds_while_the_guest_sleeps():
    if SANITIZED:
        raise Skip("a sanitizer's thread wakes up")
    with tempfile.TemporaryDirectory(prefix="hs-native-") as folder:
        metrics = os.path.join(folder, "metrics")
        with Vm(cpus="sockets=4,maxSockets=300", more=["--metrics-file", metrics]) as v:
            q = v.ready().qmp()
            v.qmp()
            v.qmp(negotiate=False)
            equal([q.resize(n)["result"] for n in (6, 2, 3)], ["done"] * 3, "results")
            time.sleep(1.5)  # then the file has the last change
            before = at_rest(lambda: switches(v.pid))
            equal(sorted(before), ["hotsocket"] + ["vcpu/%d" % i for i in range(3)] + ["writer"],
                  "threads")
            time.sleep(10)
            equal(switches(v.pid), before, "switches of each thread, 10 s later")
            equal(q.resize(4)["result"], "done", "a resize after that")


def test_the_same_guest_boots_in_qemu():
    if shutil.which("qemu-system-x86_64") is None:
        raise Skip("no qemu-system-x86_64")
    with Vm(faults=True) as v:  # for its folder
        out = os.path.join(v.dir, "qemu")
        with open(out, "wb") as f:
            p = subprocess.Popen(
                ["qemu-system-x86_64", "-M", "q35", "-accel", "tcg", "-nodefaults",
                 "-display", "none", "-serial", "stdio", "-smp", "2,maxcpus=4",
                 "-kernel", GUEST, "-append", "mode=smp"],
                stdin=subprocess.DEVNULL, stdout=f, stderr=subprocess.STDOUT)
        try:
            def text():
                with open(out, encoding="utf-8", errors="replace") as f:
                    return f.read()

            wait_until(lambda: "bare: ready" in text(), "the guest in QEMU", 20)
        finally:
            p.kill()
            p.wait()
        for line in ("madt enabled 2 online-capable 0", "cpu 1 apic 1 online"):
            check("bare: " + line in text(), "QEMU's console lacks %r: %s", line, text())
        check("block absent" not in text(), "it does not find QEMU's block: %s", text())
