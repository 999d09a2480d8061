"""bench_scale: what many possible CPUs and many VMs cost, with bare-metal guests."""

import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..",
                                "guest-tests", "native"))

import many  # noqa: E402
from vm import kvm_max_vcpus  # noqa: E402

POSSIBLE = (8, 64, 255, 1024)
CYCLES = 20  # of one VM
VMS = (1, 5, 20)


def timed(fn):
    begun = time.monotonic()
    fn()
    return time.monotonic() - begun


def possible(progress):
    """One socket comes and goes, and the longest answer, by the number of possible CPUs."""
    rows = []
    for n in POSSIBLE:
        if n > kvm_max_vcpus():
            progress("no VM of %d possible CPUs on this host" % n)
            continue
        progress("%d possible CPUs" % n)
        with many.fleet(1, "sockets=1,maxSockets=%d" % n) as vms:
            add, remove = [], []
            for _ in range(CYCLES):
                add += [s * 1e6 for _, s in many.resize_at_once(vms, 2)]
                remove += [s * 1e6 for _, s in many.resize_at_once(vms, 1)]
            kib = many.rss_beside_guest_kib(vms[0][0])
            q = vms[0][1]
            look = [timed(lambda: q.execute("query-vcpus")) * 1e6 for _ in range(CYCLES)]
        rows += [("one socket added, %d possible CPUs" % n, "us", add),
                 ("one socket removed, %d possible CPUs" % n, "us", remove),
                 ("query-vcpus, %d possible CPUs" % n, "us", look),
                 ("RSS without guest memory after that, %d possible CPUs" % n, "KiB", [kib])]
    return rows


def vms(progress):
    """All VMs are asked at the same moment."""
    rows = []
    for n in VMS:
        progress("%d VMs at once" % n)
        with many.fleet(n, "sockets=1,maxSockets=8") as fleet:
            grow, shrink = [], []
            for _ in range(max(3, CYCLES // n)):
                grow += [s * 1e3 for _, s in many.resize_at_once(fleet, 8)]
                shrink += [s * 1e3 for _, s in many.resize_at_once(fleet, 1)]
            kib = [many.rss_beside_guest_kib(v) for v, _ in fleet]
        what = "%d VM%s at once" % (n, "s" if n > 1 else "")
        rows += [("1 to 8 sockets, " + what, "ms", grow),
                 ("8 to 1 sockets, " + what, "ms", shrink),
                 ("RSS without guest memory of each after that, " + what, "KiB", kib)]
    return rows


def measure(progress):
    """[(what, unit, values)]; progress(text) says what is being done."""
    return possible(progress) + vms(progress)
