"""many: several VMs at the same time."""

import concurrent.futures
import contextlib
import re
import threading
import time

from qmp import patience
from vm import Vm

MEMORY_MIB = 64


@contextlib.contextmanager
def fleet(count, cpus):
    """This many VMs whose guests are up, each with a client: [(Vm, Qmp)]."""
    with contextlib.ExitStack() as stack:
        vms = [stack.enter_context(Vm(cpus=cpus, memory="%dM" % MEMORY_MIB))
               for _ in range(count)]
        yield [(v, v.ready().qmp()) for v in vms]


def resize_at_once(vms, sockets):
    """Asks all VMs at the same moment; [(the job's end, seconds that its client waited)]."""
    gate = threading.Barrier(len(vms))

    def resize(q):
        gate.wait(patience(10))
        sent = time.monotonic()
        return q.resize(sockets, timeout=20), time.monotonic() - sent

    with concurrent.futures.ThreadPoolExecutor(len(vms)) as pool:
        return list(pool.map(resize, [q for _, q in vms]))


def rss_beside_guest_kib(v):
    """Resident memory of a VM of the fleet, but for the guest's: the mapping of its size."""
    total = size = 0
    with open("/proc/%d/smaps" % v.pid, encoding="ascii") as f:
        for line in f:
            m = re.match(r"(Size|Rss):\s+(\d+) kB", line)
            if m and m[1] == "Size":
                size = int(m[2])
            elif m and size < MEMORY_MIB << 10:
                total += int(m[2])
    return total
