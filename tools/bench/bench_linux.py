"""bench_linux: a Linux guest under hotsocket and under QEMU, by tools/bench/vm.c."""

import os
import shlex
import shutil
import subprocess

from bench_show import Row, progress

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
MACHINE = os.uname().machine
QEMU = "qemu-system-x86_64"
ROUND_SECONDS = 90  # of one size, both VMMs, in an emulated host on a busy machine

# key of bench_vm's samples, what it is, unit, target, target of the ratio
THINGS = (
    ("start", "process start to the guest's init", "ms", None, 0.5),
    ("start-guest", "of it, the guest's kernel, by its own uptime", "ms", None, None),
    ("start-before", "of it, VMM, firmware and decompressor", "ms", None, None),
    ("add-return", "request to its return", "ms", None, None),
    ("add-uevent", "request to the uevent in the guest", "ms", None, None),
    ("add-wait", "of it, the guest's wait for an RCU grace period", "ms", None, None),
    ("add-path", "the rest: VMM and ACPI path", "ms", None, 0.5),
    ("add-acked", "of that, until the guest has taken the event", "ms", None, None),
    ("add-new", "request to online, of a CPU that the guest never had", "ms", None, None),
    ("add-online", "request to online, of one that it had before", "ms", None, None),
    ("add-own", "of it, from the uevent on: the guest's own part", "ms", None, None),
    ("limit", "the guest's own offline to online: the limit", "ms", None, None),
    ("remove", "removal request to DEVICE_DELETED", "ms", None, None),
    ("six-single", "six CPUs, one at a time", "ms", None, None),
    ("six-once", "six by one resize; QEMU: six device_add at once", "ms", None, 0.7),
    ("threads", "threads with 2 CPUs", "", None, None),
    ("threads-grown", "threads with 8 CPUs", "", None, None),
    ("rss", "RSS without guest memory, 2 CPUs", "KiB", None, None),
    ("rss-grown", "RSS without guest memory, 8 CPUs", "KiB", 2560, None),
)


def output(*words):
    return subprocess.run([os.path.join(TOP, words[0])] + list(words[1:]), check=True,
                          stdout=subprocess.PIPE).stdout.decode().strip()


def prepare(folder):
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    build = os.path.join(TOP, os.environ.get("B") or "build/" + MACHINE)
    for name in ("hotsocket", "bench_vm"):
        shutil.copy(os.path.join(build, name), folder)
    shutil.copy(os.path.join(output("tools/kernel"), "vmlinuz"), folder)
    shutil.copy(os.path.join(TOP, output("tools/guest-initrd")),
                os.path.join(folder, "initrd.img"))


def command(folder, rounds, sizes, append):
    """What runs bench_vm, here or in the nested host; and its time limit."""
    seconds = ROUND_SECONDS * rounds * len(sizes)
    words = [str(rounds), str(seconds)] + [str(n) for n in sizes]
    if output("tools/where") == "own":
        return ["env", "QEMU=" + QEMU, "APPEND=" + append, "./bench_vm"] + words, folder, seconds
    output("tools/carry", os.path.join(folder, "root"), shutil.which(QEMU))
    with open(os.path.join(folder, "run"), "w", encoding="utf-8") as f:
        f.write("#!/bin/sh\nln -s \"$PWD\"/root/* /\nQEMU=%s APPEND=%s exec ./bench_vm \"$@\"\n"
                % (QEMU, shlex.quote(append)))
    os.chmod(os.path.join(folder, "run"), 0o755)
    progress("booting a KVM host in an emulated machine: only ratios mean anything")
    nested = [os.path.join(TOP, "tools/nested"), "-t", str(seconds + 300), folder, "run"]
    return nested + words, TOP, seconds


def samples(words, folder):
    """{(VMM, possible CPUs, key): values}, as they come."""
    found = {}
    with subprocess.Popen(words, cwd=folder, stdout=subprocess.PIPE) as p:
        for line in p.stdout:
            part = line.decode("utf-8", "replace").split()
            if part[:1] == ["sample"] and len(part) == 5:
                found.setdefault((part[1], int(part[2]), part[3]), []).append(float(part[4]))
            elif part:
                progress(" ".join(part[1:] if part[0] == "progress" else part))
    if p.returncode != 0:
        raise SystemExit("bench: %s ended with status %d" % (words[0], p.returncode))
    return found


def rows(rounds, sizes, append):
    if MACHINE != "x86_64":
        raise SystemExit("bench: QEMU hot-plugs no CPU on %s; LANE=native has hotsocket's own "
                         "numbers" % MACHINE)
    output("tools/setup", "build", "nested")
    folder = os.path.join(TOP, "build", MACHINE, "bench")
    prepare(folder)
    words, where, seconds = command(folder, rounds, sizes, append)
    progress("this takes at most %d min" % (seconds // 60 + 5))
    found = samples(words, where)
    out = []
    for n in sizes:
        limit = found.get(("hotsocket", n, "limit"))
        for key, what, unit, below, ratio in THINGS:
            out.append(Row(what, unit, found.get(("hotsocket", n, key), []), below,
                           qemu=found.get(("qemu", n, key), []), key=key, possible=n,
                           ratio_below=ratio, limit=limit if key == "add-online" else None))
    return out
