"""bench_native: bare-metal guests on this machine's /dev/kvm, whatever that can do."""

import os
import re
import select
import subprocess
import sys
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "guest-tests", "native"))
sys.dont_write_bytecode = True

import vm  # noqa: E402
from qmp import connect, patience  # noqa: E402
from vm import Vm  # noqa: E402
import bench_pvh  # noqa: E402
import bench_scale  # noqa: E402
from bench_show import Row, progress  # noqa: E402

MARK = b"\x1e"  # the first thing that a started CPU of the guest writes
VMS, ADDS = 4, 25  # one add after the other in each VM
CYCLES = 50  # in each VM
MEMORY_MIB = 512


def wait_mark(console, marks):
    """Reads the console until it has shown this many marks; returns when the last one came."""
    deadline = time.monotonic() + patience(10)
    while marks > 0:
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([console], [], [], left)[0]:
            raise SystemExit("bench: the guest did not start its CPUs within %d s" % patience(10))
        marks -= console.recv(65536).count(MARK)
    return time.monotonic()


def measure_add(q, console, sockets, cpus, result):
    q.events.clear()
    sent = time.monotonic()
    job = q.execute("resize", {"sockets": sockets})["job"]
    first = wait_mark(console, 1) if cpus == 1 else None
    end = q.wait_event("HOTPLUG_COMPLETED", where=lambda d: d["job"] == job)
    if end["data"]["result"] != "done":
        raise SystemExit("bench: resize %d: %r" % (sockets, end["data"]))
    phase = {e["data"]["phase"]: e["data"]["elapsed-us"] for e in q.events
             if e["event"] == "HOTPLUG_PHASE"}
    result["plugged"].append(phase["plugged"])
    result["online"].append(phase["online"])
    result["client"].append((end["received"] - sent) * 1e6)
    if first is not None:
        result["mark"].append((first - sent) * 1e6)


def adds(cpus):
    """Microseconds of VMS * ADDS adds of sockets of this many vCPUs."""
    result = {"plugged": [], "online": [], "client": [], "mark": []}
    for i in range(VMS):
        progress("adding %d sockets of %d vCPUs, VM %d of %d" % (ADDS, cpus, i + 1, VMS))
        folder = Vm("mode=halt", serial="none")
        path = os.path.join(folder.dir, "console")
        spec = "sockets=1,cores=%d,maxSockets=%d" % (cpus, ADDS + 1)
        with folder, Vm("mode=irq mark", serial="socket:" + path + ".sock", cpus=spec,
                        memory="64M") as v:
            q = v.qmp()
            console = connect(path + ".sock")
            time.sleep(0.2 + 0.01 * cpus)  # its boot; what it says then nobody needs
            for sockets in range(2, ADDS + 2):
                while select.select([console], [], [], 0.005)[0]:
                    console.recv(65536)
                measure_add(q, console, sockets, cpus, result)
            console.close()
    return result


def measure_cycle(q, result):
    """Removes the second socket and adds it again."""
    q.events.clear()
    sent = time.monotonic()
    for sockets in 1, 2:
        job = q.execute("resize", {"sockets": sockets})["job"]
        end = q.wait_event("HOTPLUG_COMPLETED", where=lambda d, job=job: d["job"] == job)
        if end["data"]["result"] != "done":
            raise SystemExit("bench: resize %d: %r" % (sockets, end["data"]))
    gone = [e["received"] for e in q.events if e["event"] == "DEVICE_DELETED"]
    phase = {e["data"]["phase"]: e["data"]["elapsed-us"] for e in q.events
             if e["event"] == "HOTPLUG_PHASE"}
    result["ejected"].append(phase["ejected"])
    result["parked"].append(phase["parked"])
    result["deleted"].append((gone[0] - sent) * 1e6)
    result["cycle"].append(end["received"] - sent)


def cycles(cpus):
    """Removals and adds of one socket of this many vCPUs, over and over."""
    result = {"ejected": [], "parked": [], "deleted": [], "cycle": []}
    for i in range(VMS):
        progress("%d cycles of a socket of %d vCPUs, VM %d of %d" % (CYCLES, cpus, i + 1, VMS))
        with Vm(cpus="sockets=2,cores=%d,maxSockets=2" % cpus, memory="64M") as v:
            q = v.ready().qmp()
            for _ in range(CYCLES):
                measure_cycle(q, result)
    return result


def cycle_rows():
    one, four = cycles(1), cycles(4)
    return [
        Row("request read to the guest's eject, socket of 1 vCPU", "us", one["ejected"]),
        Row("request read to the eject of the last of 4 vCPUs", "us", four["ejected"]),
        Row("request read to parked, socket of 4 vCPUs", "us", four["parked"]),
        Row("client sends to DEVICE_DELETED, socket of 1 vCPU", "us", one["deleted"]),
        Row("client sends to DEVICE_DELETED, socket of 4 vCPUs", "us", four["deleted"]),
        rate_row("removed and added again, socket of 1 vCPU", one["cycle"]),
        rate_row("removed and added again, socket of 4 vCPUs", four["cycle"]),
    ]


def rate_row(what, seconds):
    """Of all cycles together: slow ones count as much as they last."""
    return Row(what, "per s", [len(seconds) / sum(seconds)], n=len(seconds))


def add_rows():
    one, four = adds(1), adds(4)
    return [
        Row("request read to GED line raised, socket of 1 vCPU", "us", one["plugged"]),
        Row("request read to GED line raised, socket of 4 vCPUs", "us", four["plugged"],
            1000),
        Row("request read to the guest's INIT of the new CPU", "us", one["online"]),
        Row("request read to the INIT of the last of 4 new CPUs", "us", four["online"]),
        Row("client sends to the new CPU's first byte on the console", "us", one["mark"]),
        Row("client sends to HOTPLUG_COMPLETED, socket of 1 vCPU", "us", one["client"]),
        Row("client sends to HOTPLUG_COMPLETED, socket of 4 vCPUs", "us", four["client"]),
    ]


def rss_kib(v):
    """Rss of all mappings but the guest's memory, which is the one of its size."""
    total, size = 0, 0
    with open("/proc/%d/smaps" % v.pid, encoding="ascii") as f:
        for line in f:
            m = re.match(r"(Size|Rss):\s+(\d+) kB", line)
            if m and m[1] == "Size":
                size = int(m[2])
            elif m and size < MEMORY_MIB << 10:
                total += int(m[2])
    return total


def memory_of(possible, plugged=1):
    with Vm(cpus="sockets=1,maxSockets=%d" % possible, memory="%dM" % MEMORY_MIB) as v:
        q = v.ready().qmp()
        if plugged > 1:
            q.resize(plugged)
        q.close()
        time.sleep(0.05)
        return rss_kib(v)


def memory_rows():
    progress("memory")
    sizes = {n: memory_of(n) for n in (1, 8, 64, 512)}
    rows = [Row("RSS without guest memory, %d possible CPUs" % n, "KiB", [kib],
                2560 if n == 8 else None) for n, kib in sizes.items()]
    rows.append(Row("more for each possible CPU, 8 to 512", "KiB",
                    [(sizes[512] - sizes[8]) / 504], 1))
    rows.append(Row("more for each plugged vCPU, 1 to 64 of 64", "KiB",
                    [(memory_of(64, 64) - sizes[64]) / 63], 32))
    return rows


def start_rows():
    progress("starts")
    ready, socket = [], []
    for _ in range(20):
        with Vm("mode=irq") as v:
            connect(v.socket).close()
            socket.append((time.monotonic() - v.started) * 1e3)
            v.wait_console("64-bit")
            ready.append((time.monotonic() - v.started) * 1e3)
    return [Row("process start to control socket", "ms", socket, 50),
            Row("process start to the guest's first line", "ms", ready)]


def table_rows():
    program = os.path.join(vm.BUILD, "bench_tables")
    if not os.path.exists(program):
        progress("%s is not built: no times of the tables" % program)
        return []
    progress("tables")
    text = subprocess.run([program], check=True, capture_output=True, timeout=patience(30)).stdout
    rows = []
    for line in text.decode().splitlines():
        cpus, size, n, *us = line.split()
        rows.append(Row("tables of %s possible CPUs, %d KiB" % (cpus, int(size) // 1024),
                        "us", [float(x) for x in us], 10000 if cpus == "1024" else None,
                        int(n)))
    return rows


def scale_rows():
    return [Row(*row) for row in bench_scale.measure(progress)]


def goes_nested():
    return vm.goes_nested(vm.kvm_missing())


def rows(rounds):
    missing = vm.kvm_missing()
    if missing:
        raise SystemExit("bench: no usable KVM on this host: " + missing)
    try:
        beside = bench_pvh.rows(rounds)
        return (beside + start_rows() + add_rows() + cycle_rows() + memory_rows() +
                table_rows() + scale_rows())
    finally:
        for left in list(vm.running):
            left.close()
