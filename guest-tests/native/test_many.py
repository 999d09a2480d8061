"""Many VMs at the same time."""

import many
from vm import SANITIZED, check, equal, short_or_long, states

CPUS = "sockets=1,maxSockets=8"
VMS = short_or_long(20, 50)


def check_each(vms, ends, sockets):
    """That each VM has this many sockets and its guest knows."""
    equal([end["result"] for end, _ in ends], ["done"] * len(vms), "results of the jobs")
    for v, q in vms:
        found = states(q)
        equal([s == "online" for s in found], [True] * sockets + [False] * (8 - sockets),
              "which vCPUs are online of %r" % found)
        equal(v.report(), (sockets, "e" * sockets + "-" * (8 - sockets)), "the guest's view")
        equal(v.vcpu_threads(), list(range(sockets)), "vCPU threads")


def grow_and_shrink(count):
    """KiB that each of count VMs has, beside its guest's memory, after that."""
    with many.fleet(count, CPUS) as vms:
        for _ in range(2):
            check_each(vms, many.resize_at_once(vms, 8), 8)
            check_each(vms, many.resize_at_once(vms, 1), 1)
        return [many.rss_beside_guest_kib(v) for v, _ in vms]


def test_twenty_vms_grow_to_eight_and_back_all_at_once():
    alone = grow_and_shrink(1)[0]
    together = grow_and_shrink(VMS)
    check(SANITIZED or max(together) < alone + 512,
          "KiB of each of %d VMs, where one alone has %d: %r", VMS, alone, together)
