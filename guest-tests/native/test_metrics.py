"""The numbers of a VM, as Prometheus gets them."""

import os
import re
import shutil
import subprocess
import tempfile
import time

from ctl import ctl, metrics
from qmp import patience
from test_record import switches
from vm import SANITIZED, TOP, Skip, Vm, at_rest, check, command, equal, start, vcpu_ticks, wait_until


def series(v):
    return metrics(ctl(v, "metrics"))


def session(v):
    """An add, a refusal, a removal."""
    q = v.ready().qmp()
    ctl(v, "resize", "3")
    ctl(v, "resize", "9", status=1)
    ctl(v, "resize", "2")
    return q


class File:
    """--metrics-file in a folder of its own."""

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="hs-metrics-")
        self.path = os.path.join(self.dir, "vm.prom")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.dir, ignore_errors=True)

    def text(self):
        with open(self.path, encoding="ascii") as f:
            return f.read()


def test_a_session_is_counted():
    with Vm(cpus="sockets=1,maxSockets=4", memory="64M") as v:
        session(v)
        found = series(v)
        for name, labels, value in (
                ("hotsocket_sockets", "", 2), ("hotsocket_guest_sockets", "", 2),
                ("hotsocket_max_sockets", "", 4), ("hotsocket_paused", "", 0),
                ("hotsocket_memory_bytes", "", 64 << 20),
                ("hotsocket_vcpus", ',state="online"', 2),
                ("hotsocket_vcpus", ',state="absent"', 1),
                ("hotsocket_vcpus", ',state="parked"', 1),
                ("hotsocket_hotplug_operations_total", ',operation="add",outcome="done"', 1),
                ("hotsocket_hotplug_operations_total", ',operation="remove",outcome="done"', 1),
                ("hotsocket_hotplug_refusals_total", ',reason="limit"', 1),
                ("hotsocket_hotplug_refusals_total", ',reason="busy"', 0),
                ("hotsocket_acpi_ost_total", ',event="device-check",status="0x0"', 2),
                ("hotsocket_hotplug_phase_latency_seconds_count", ',phase="online"', 1),
                ("hotsocket_hotplug_phase_latency_seconds_count", ',phase="parked"', 1)):
            equal(found.get('%s{vm="qmp"%s}' % (name, labels)), str(value), name + labels)
        took = float(found['hotsocket_hotplug_phase_latency_seconds_sum{vm="qmp",phase="online"}'])
        check(0 < took < 10, "an add took %g s", took)


def test_each_ost_of_a_flood_is_told_of_or_counted_as_lost():
    lost = 'hotsocket_guest_osts_lost_total{vm="qmp"}'

    def counted(v):
        found = series(v)
        return int(found[lost]), sum(int(value) for name, value in found.items()
                                     if name.startswith("hotsocket_acpi_ost_total"))

    with Vm(cpus="sockets=1,maxSockets=2") as v:
        v.ready()
        equal(counted(v), (0, 0), "before it")
        floods = 0
        while floods < 5 and counted(v)[0] == 0:  # main may be quick enough for all
            v.ask("2000f", "^bare: flood of 2000$")
            floods += 1
        at_rest(lambda: counted(v))
        time.sleep(1)  # then clients hear of the next, and how many were merged before it
        v.ask("1f", "^bare: flood of 1$")
        gone, told = at_rest(lambda: counted(v))
        equal(told + gone, floods * 2000 + 1, "told and lost")
        equal(v.qmp().execute("query-topology")["guest-osts-lost"], gone, "member")


def find_promtool():
    """make test has fetched it by now; else that may take longer than a test may."""
    try:
        p = subprocess.run([os.path.join(TOP, "tools", "promtool")], capture_output=True,
                           timeout=patience(20), check=False)
    except subprocess.TimeoutExpired:
        raise Skip("tools/promtool has not fetched promtool within %g s" % patience(20)) from None
    if p.returncode != 0:
        raise Skip("no promtool: %s" % p.stderr.decode().strip().replace("\n", "; "))
    return p.stdout.decode().strip()


def test_promtool_takes_it():
    promtool = find_promtool()
    with Vm(cpus="sockets=1,maxSockets=4") as v:
        session(v)
        p = subprocess.run([promtool, "check", "metrics"], input=ctl(v, "metrics").encode(),
                           capture_output=True, timeout=patience(20), check=False)
        equal((p.returncode, p.stdout, p.stderr), (0, b"", b""), "promtool check metrics")


def test_counters_of_a_vcpu_survive_its_removal():
    with Vm(cpus="sockets=1,maxSockets=2") as v:
        q = v.ready().qmp()
        names = ['hotsocket_vcpu_%s_total{vm="qmp",vcpu="1"}' % x for x in ("seconds", "exits")]
        before = [0.0, 0.0]
        for to in (2, 1) * 4:
            q.resize(to)
            now = [float(series(v)[n]) for n in names]
            check(all(a >= b for a, b in zip(now, before)), "from %r to %r", before, now)
            before = now
        check(0 < before[0] < 5 and before[1] > 0, "at the end: %r", before)


def test_the_vcpus_time_is_what_the_host_says():
    with Vm("mode=smp spin", cpus="sockets=2,maxSockets=2") as v:
        v.ready()
        time.sleep(0.4)
        told = sum(float(x) for n, x in series(v).items()
                   if n.startswith("hotsocket_vcpu_seconds_total"))
        host = vcpu_ticks(v.pid) / os.sysconf("SC_CLK_TCK")
        check(told <= host + 0.1 and told > 0, "%g s, and the host says %g", told, host)


def test_the_file_follows_and_nothing_wakes_up_at_rest():
    with File() as f, Vm(cpus="sockets=1,maxSockets=4",
                         more=["--metrics-file", f.path]) as v:
        v.ready()
        check("hotsocket_sockets{" in f.text(), "no file at the start")
        session(v)
        wait_until(lambda: metrics(f.text()).get('hotsocket_sockets{vm="qmp"}') == "2",
                   "the file follows")
        wait_until(lambda: 'reason="limit"} 1' in f.text(), "the refusal is in it", 3)
        equal(os.listdir(f.dir), ["vm.prom"], "the folder")
        equal(os.stat(f.path).st_mode & 0o777, 0o644, "its mode")
        wait_until(lambda: 'operation="remove",outcome="done"} 1' in f.text(), "its end, too")
        time.sleep(1.2)  # the last change is written
        before, stamp = at_rest(lambda: (switches(v.pid), os.stat(f.path).st_mtime_ns))
        time.sleep(1.3)
        equal(os.stat(f.path).st_mtime_ns, stamp, "it is written at rest")
        check(SANITIZED or switches(v.pid) == before, "main woke up")
        v.qmp().execute("quit")
        equal(v.wait_exit(), 0, "exit status")
        equal(os.listdir(f.dir), [], "the folder after the end")


def test_the_file_follows_what_the_guest_does_unasked():
    def online():
        return metrics(f.text()).get('hotsocket_vcpus{vm="qmp",state="online"}')

    with File() as f, Vm("mode=irq nostart", cpus="sockets=1,maxSockets=4",
                         more=["--metrics-file", f.path]) as v:
        q = v.ready().qmp()
        equal(q.resize(3, **{"timeout-ms": 100})["result"], "timed-out", "the add")
        time.sleep(1.3)  # the last change is written
        equal(online(), "1", "vCPUs online")
        v.type("g")
        wait_until(lambda: online() == "3", "the file follows", 3)


def test_many_changes_are_few_writes_and_each_is_whole():
    with File() as f, Vm(cpus="sockets=1,maxSockets=4",
                         more=["--metrics-file", f.path]) as v:
        q = v.ready().qmp()
        seen, end = set(), time.monotonic() + 2.5
        while time.monotonic() < end:
            q.resize(3)
            q.resize(1)
            text = f.text()
            check(re.search(r"\nhotsocket_vcpu_exits_total.*\n\Z", text), "half a file: %r",
                  text[-200:])
            seen.add(os.stat(f.path).st_ino)
        check(len(seen) <= 4, "%d writes in 2.5 s", len(seen))


def test_a_file_that_cannot_be_written():
    path = "/nowhere/vm.prom"
    with start(command(more=["--metrics-file", path]), stdin=subprocess.DEVNULL,
               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as p:
        err = p.communicate(timeout=patience(10))[1].decode()
    equal(p.returncode, 1, "exit status")
    check("--metrics-file /nowhere/vm.prom: cannot write it: No such file" in err, "%r", err)
    with File() as f, Vm(cpus="sockets=1,maxSockets=4",
                         more=["--metrics-file", f.path]) as v:
        q = v.ready().qmp()
        os.unlink(f.path)
        os.mkdir(f.path + ".new")
        wait_until(lambda: "cannot write the metrics" in (q.resize(2) and q.resize(1)
                                                          and v.stderr()), "a warning", 5)
        os.rmdir(f.path + ".new")
        wait_until(lambda: q.resize(2) and q.resize(1) and os.path.exists(f.path),
                   "it is written again", 5)
        equal(v.stderr().count("cannot write the metrics"), 1, "warnings")
