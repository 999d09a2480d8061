"""bench_pvh: the bare-metal guest under hotsocket and under QEMU's q35, in turns, by one client.

The guest polls the hotplug block, which both have, so no interrupt and no ACPI is in the times.
"""

import os
import select
import shutil
import subprocess
import tempfile
import time

import vm
from bench_show import Row, progress
from qmp import Qmp

MARK = b"\x1e"  # the first thing that a started CPU of the guest writes
CPUS = 8
MEMORY_MIB = 64
PATIENCE = 20  # s; a host that emulates the firmware needs some of them
CPU_MODELS = ("host", "qemu64")  # not every KVM can do what a host's model promises

THINGS = (
    ("start", "process start to the guest's first line", "ms"),
    ("return", "request to its return", "us"),
    ("mark", "request to the new CPU's first instruction", "us"),
    ("deleted", "removal request to DEVICE_DELETED", "us"),
    ("threads", "threads with 1 CPU", ""),
    ("threads-grown", "threads with 8 CPUs", ""),
    ("rss", "RSS without guest memory, 1 CPU", "KiB"),
    ("rss-grown", "RSS without guest memory, 8 CPUs", "KiB"),
)


class Unable(Exception):
    """This VMM cannot run the guest; the text says why."""


def hotsocket(path, _):
    return vm.command("mode=smp mark", cpus="sockets=1,maxSockets=%d" % CPUS,
                      memory="%dM" % MEMORY_MIB) + ["--qmp", path, "--serial", "stdio"]


def qemu(path, model):
    return ["qemu-system-x86_64", "-M", "q35", "-accel", "kvm", "-cpu", model, "-m",
            str(MEMORY_MIB), "-smp", "1,sockets=%d,cores=1,threads=1,maxcpus=%d" % (CPUS, CPUS),
            "-nodefaults", "-no-user-config", "-display", "none", "-kernel", vm.GUEST,
            "-append", "mode=smp mark", "-serial", "stdio",
            "-qmp", "unix:%s,server=on,wait=off" % path]


class Guest:
    def __init__(self, words, model=None):
        self.dir = tempfile.mkdtemp(prefix="hs-bench-")
        path = os.path.join(self.dir, "qmp")
        self.said = b""
        self.errors = open(os.path.join(self.dir, "stderr"), "w+b")
        self.begun = time.monotonic()
        self.process = vm.start(words(path, model), stdin=subprocess.PIPE,
                                stdout=subprocess.PIPE, stderr=self.errors)
        try:
            self.start_ms = (self.wait(b"bare: 64-bit") - self.begun) * 1e3
            self.wait(b"bare: ready")
            self.q = Qmp(path)
        except Exception:
            self.close()
            raise

    def close(self):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()
        self.errors.close()
        shutil.rmtree(self.dir, ignore_errors=True)

    def why(self):
        self.errors.seek(0)
        text = self.errors.read().decode("utf-8", "replace").strip()
        return text.split("\n")[-1] or "it says nothing"

    def wait(self, text):
        """Returns when the console had shown this; what was before it is forgotten."""
        out, end = self.process.stdout, time.monotonic() + PATIENCE
        while text not in self.said:
            if not select.select([out], [], [], max(0, end - time.monotonic()))[0]:
                raise Unable("no '%s' within %d s; %s" % (text.decode(), PATIENCE, self.why()))
            got = os.read(out.fileno(), 65536)
            if not got:
                raise Unable(self.why())
            self.said += got
        self.said = self.said.split(text, 1)[1]
        return time.monotonic()

    def rss_kib(self):
        """Of all mappings but the guest's memory, which is the one that is so large."""
        total = size = 0
        with open("/proc/%d/smaps" % self.process.pid, encoding="ascii") as f:
            for line in f:
                word = line.split()
                if word[0] == "Size:":
                    size = int(word[1])
                elif word[0] == "Rss:" and size < MEMORY_MIB << 9:
                    total += int(word[1])
        return total

    def threads(self):
        return len(os.listdir("/proc/%d/task" % self.process.pid))


def absent(q):
    """What adds each CPU that is not there, the lowest first."""
    found = [c for c in q.execute("query-hotpluggable-cpus") if "qom-path" not in c]
    found.sort(key=lambda c: c["props"]["socket-id"])
    return [dict(c["props"], driver=c["type"], id="cpu%d" % c["props"]["socket-id"])
            for c in found]


def add(g, args, result):
    sent = time.monotonic()
    g.q.execute("device_add", args)
    result["return"].append((time.monotonic() - sent) * 1e6)
    result["mark"].append((g.wait(MARK) - sent) * 1e6)
    g.wait(b" online")
    time.sleep(0.02)


def take(g, args, result):
    sent = time.monotonic()
    g.q.execute("device_del", {"id": args["id"]})
    end = g.q.wait_event("DEVICE_DELETED", where=lambda d: d.get("device") == args["id"])
    result["deleted"].append((end["received"] - sent) * 1e6)
    time.sleep(0.02)


def measure(g, result):
    result["start"].append(g.start_ms)
    result["rss"].append(g.rss_kib())
    result["threads"].append(g.threads())
    new = absent(g.q)
    for args in new:
        add(g, args, result)
    result["rss-grown"].append(g.rss_kib())
    result["threads-grown"].append(g.threads())
    for args in new:
        take(g, args, result)


def usable_model():
    """Of QEMU's CPU models, the first that runs the guest here; or None."""
    for model in CPU_MODELS:
        try:
            Guest(qemu, model).close()
            return model
        except (Unable, OSError) as e:
            progress("QEMU cannot run this guest here with -cpu %s: %s" % (model, e))
    progress("so there are no numbers of QEMU")
    return None


def rows(rounds):
    model = usable_model()
    vmms = [("hotsocket", hotsocket, None)] + ([("qemu", qemu, model)] if model else [])
    results = {name: {key: [] for key, _, _ in THINGS} for name, _, _ in vmms}
    for i in range(rounds):
        for name, words, how in vmms[i % 2:] + vmms[:i % 2]:
            progress("round %d of %d: %s" % (i + 1, rounds, name))
            g = Guest(words, how)
            try:
                measure(g, results[name])
            finally:
                g.close()
    nothing = {key: [] for key, _, _ in THINGS}
    return [Row(what, unit, results["hotsocket"][key],
                qemu=results.get("qemu", nothing)[key], key=key, possible=CPUS)
            for key, what, unit in THINGS]
