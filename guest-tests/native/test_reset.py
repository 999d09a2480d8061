"""The guest starts again in place: same process, same threads, the sockets it had."""

import json
import os
import random
import re
import shutil
import subprocess
import tempfile
import time

from many import rss_beside_guest_kib
from vm import (traced, BUILD, GUEST, Skip, Vm, check, equal, short_or_long, states, vcpus,
                wait_until)

BOOT = "bare: 64-bit\n"
EARLY_STEP_MS = short_or_long(10, 1)
RESETS = short_or_long(50, 1000)


def boots(v):
    return v.console().count(BOOT)


def wait_boot(v, n):
    wait_until(lambda: boots(v) >= n, "boot %d, there were %d" % (n, boots(v)))
    equal(boots(v), n, "boots")


def wait_ready(v, n):
    wait_until(lambda: v.console().count("bare: ready\n") >= n,
               "boot %d gets ready; there were %d boots" % (n, boots(v)))
    equal(boots(v), n, "boots")


def last_boot(v):
    return v.console().rpartition(BOOT)[2]


def reset_event(q, guest=True):
    data = q.wait_event("RESET")["data"]
    equal((data["guest"], data["reason"]),
          (guest, "guest-reset" if guest else "host-qmp-system-reset"), "the RESET event")


def system_reset(q):
    equal(q.execute("system_reset"), {}, "return of system_reset")
    reset_event(q, guest=False)


def ends_by_quit(v, q):
    q.execute("quit")
    equal((v.wait_exit(), v.stderr()), (0, ""), "status and stderr after quit")


def by_mode(mode):
    with Vm("mode=%s wait" % mode, cpus="sockets=2,maxSockets=4") as v:
        q = v.qmp()
        for n in range(1, 5):
            wait_boot(v, n)
            wait_until(lambda: last_boot(v).endswith("bare: waits\n"), "the guest waits")
            tids = [v["thread-id"] for v in q.execute("query-cpus-fast")]
            v.type("g")
            reset_event(q)
            equal([v["thread-id"] for v in q.execute("query-cpus-fast")], tids, "threads")
        wait_boot(v, 5)
        ends_by_quit(v, q)


def test_by_the_acpi_register():
    by_mode("reset")


def test_by_port_cf9():
    by_mode("cf9")


def test_by_the_keyboard_controller():
    by_mode("kbd")


def test_by_a_triple_fault():
    by_mode("triple")


def test_a_loop_of_triple_faults_ends_with_one_line():
    with Vm("mode=triple", cpus="sockets=2,maxSockets=4") as v:
        equal(v.wait_exit(), 4, "exit status")
        equal(boots(v), 6, "boots")
        err = v.stderr()
        check(err.count("\n") == 1 and "more than 5 triple faults within 10 s" in err, "%r", err)


def test_the_option_says_whether():
    with Vm(more=["--on-reset", "exit"]) as v:
        q = v.ready().qmp()
        q.execute("system_reset")
        data = q.wait_event("SHUTDOWN")["data"]
        equal((data["guest"], data["reason"]), (False, "host-qmp-system-reset"), "SHUTDOWN")
        equal(v.wait_exit(), 3, "exit status")
        equal((boots(v), v.stderr().count("\n")), (1, 1), "boots, lines on stderr")
    with Vm(more=["--on-reset", "restart"]) as v:
        system_reset(v.ready().qmp())
        wait_ready(v, 2)
    with Vm(more=["--on-reset", "perhaps"]) as v:
        equal(v.wait_exit(), 2, "exit status")
        check("use restart or exit" in v.stderr(), "%r", v.stderr())


def test_the_sockets_stay():
    for append in ("mode=irq", "mode=smp", "mode=smp spin tick"):
        with Vm(append, cpus="sockets=1,maxSockets=8") as v:
            q = v.ready().qmp()
            equal(q.resize(4)["result"], "done", "resize 4")
            system_reset(q)
            wait_ready(v, 2)
            check("madt enabled 4 online-capable 4" in last_boot(v), "%r", last_boot(v))
            equal(v.report(), (4, "eeee----"), "the guest's view")
            equal(states(q), ["online"] * 4 + ["absent"] * 4, "states")
            equal(v.vcpu_threads(), [0, 1, 2, 3], "vCPU threads")
            equal(q.resize(8)["result"], "done", "resize 8 after it")
            equal(v.report(), (8, "eeeeeeee"), "the guest's view")


def test_with_ids_beyond_8_bits():
    with Vm("mode=irq", cpus="sockets=1,maxSockets=300") as v:
        q = v.ready().qmp()
        q.execute("device_add", {"driver": "host-x86_64-cpu", "id": "last", "socket-id": 299})
        equal(q.wait_event("HOTPLUG_COMPLETED")["data"]["result"], "done", "the job")
        for n in (2, 3):
            system_reset(q)
            wait_ready(v, n)
            check("bare: x2apic\n" in last_boot(v), "%r", last_boot(v))
            equal(v.report(), (2, "e" + 298 * "-" + "e"), "the guest's view")
        equal(states(q), ["online"] + ["absent"] * 298 + ["online"], "states")


def test_in_the_middle_of_an_add():
    for how in ("guest", "host"):
        with Vm("mode=irq noreg", cpus="sockets=1,maxSockets=8") as v:
            q = v.ready().qmp()
            job = q.execute("resize", {"sockets": 4})
            equal((job["state"], job["phase"]), ("running", "plugged"), "the job")
            if how == "guest":
                v.type("b")
                reset_event(q)
            else:
                system_reset(q)
            done = q.wait_event("HOTPLUG_COMPLETED")["data"]
            equal((done["job"], done["result"], done["phase"], done["cpus"]),
                  (job["job"], "done", "online", [1, 2, 3]), "the end")
            wait_ready(v, 2)
            check("madt enabled 4 online-capable 4" in last_boot(v), "%r", last_boot(v))
            equal(v.report(), (4, "eeee----"), "no event is left over")


def test_in_the_middle_of_a_removal():
    with Vm("mode=irq noreg", cpus="sockets=4,cores=2,maxSockets=4") as v:
        q = v.ready().qmp()
        job = q.execute("resize", {"sockets": 2})
        equal((job["state"], job["phase"]), ("running", "requested"), "the job")
        v.type("b")
        reset_event(q)
        done = [e["data"] for e in q.events if e["event"] == "HOTPLUG_COMPLETED"]
        equal([(d["job"], d["result"], d["phase"]) for d in done],
              [(job["job"], "done", "parked")], "the end")
        equal(sum(e["event"] == "DEVICE_DELETED" for e in q.events), 2, "DEVICE_DELETED")
        wait_ready(v, 2)
        check("madt enabled 4 online-capable 4" in last_boot(v), "%r", last_boot(v))
        equal(v.report(), (4, "eeee----"), "the guest's view")
        equal(v.vcpu_threads(), [0, 1, 2, 3], "vCPU threads")
        equal(q.execute("query-topology")["sockets"], 2, "sockets")
        v.type("g")
        fds = v.fds()
        equal(q.resize(4)["result"], "done", "resize 4 after it")
        equal(v.report(), (8, "eeeeeeee"), "the guest's view")
        equal(v.fds(), fds, "fds: the parked ones are used again")


def test_a_paused_vm_stays_paused():
    with Vm(cpus="sockets=1,maxSockets=4") as v:
        q = v.ready().qmp()
        q.execute("stop")
        job = q.execute("resize", {"sockets": 3})
        time.sleep(0.05)
        text = v.console()
        system_reset(q)
        why = q.error("cancel").desc
        check("cannot be cancelled" in why, "%r", why)
        time.sleep(0.2)
        equal(v.console(), text, "the console of a paused guest")
        equal(q.execute("query-status")["status"], "paused", "status")
        equal(states(q), ["online"] + ["plugged"] * 2 + ["absent"], "states")
        q.execute("cont")
        done = q.wait_event("HOTPLUG_COMPLETED")["data"]
        equal((done["job"], done["result"]), (job["job"], "done"), "the job")
        wait_ready(v, 2)
        equal(v.report(), (3, "eee-"), "the guest's view")


def test_at_any_early_moment():
    for ms in range(0, 101, EARLY_STEP_MS):
        with Vm(cpus="sockets=3,maxSockets=4") as v:
            q = v.qmp()
            time.sleep(ms / 1000)
            system_reset(q)
            wait_until(lambda: states(q) == ["online"] * 3 + ["absent"], "all online")
            time.sleep(0.05)  # the console may lag behind
            wait_until(lambda: last_boot(v).endswith("bare: ready\n"), "ready", 5)
            check(boots(v) in (1, 2), "%d boots", boots(v))
            equal(v.report(), (3, "eee-"), "the guest's view, %d ms" % ms)


def test_in_the_middle_of_an_access():
    with Vm("mode=flood", cpus="sockets=1,maxSockets=4") as v:
        q = v.qmp()
        for n in range(1, 30):
            wait_until(lambda: "bare: flood 20\n" in last_boot(v), "the guest talks")
            system_reset(q)
            wait_until(lambda: boots(v) > n, "boot %d" % (n + 1))


def test_a_guest_that_only_resets_can_be_told_to_go():
    for mode in ("reset", "cf9", "kbd"):
        with Vm("mode=" + mode, cpus="sockets=2,maxSockets=4") as v:
            q = v.qmp()
            wait_until(lambda: boots(v) >= 20, "20 boots")
            q.execute("stop")
            equal(q.execute("query-status")["status"], "paused", "status")
            q.execute("cont")
            n = boots(v)
            wait_until(lambda: boots(v) >= n + 20, "20 more boots")
            ends_by_quit(v, q)


def test_each_unfinished_job_is_done_by_a_reset():
    with Vm("mode=irq noreg", cpus="sockets=1,cores=2,maxSockets=8") as v:
        q = v.ready().qmp()
        for n, sockets in enumerate((8, 3, 4, 1, 2, 8, 7, 1, 5, 2, 6, 1), 2):
            job = q.execute("resize", {"sockets": sockets})["job"]
            system_reset(q)
            done = q.wait_event("HOTPLUG_COMPLETED")["data"]
            equal((done["job"], done["result"]), (job, "done"), "resize %d" % sockets)
            wait_ready(v, n)
            check("madt enabled %d " % (2 * sockets) in last_boot(v), "%r", last_boot(v))
            equal(v.report(), (2 * sockets, 2 * sockets * "e" + (16 - 2 * sockets) * "-"),
                  "the guest's view")
            equal(v.vcpu_threads(), list(range(2 * sockets)), "vCPU threads")


def test_at_fifty_random_moments_of_any_job():
    seed = random.randrange(1 << 32)
    chance = random.Random(seed)
    with Vm(cpus="sockets=1,cores=2,maxSockets=6") as v:
        q = v.ready().qmp()
        for n in range(2, RESETS + 2):
            sockets = chance.randrange(1, 7)
            q.execute("resize", {"sockets": sockets})
            time.sleep(chance.random() * 0.02)
            system_reset(q)
            wait_until(lambda: "job" not in q.execute("query-topology"), "seed %d: the job" % seed)
            wait_ready(v, n)
            what = "seed %d, reset %d: " % (seed, n)
            equal(q.execute("query-topology")["sockets"], sockets, what + "sockets")
            equal(v.report(), (2 * sockets, 2 * sockets * "e" + (12 - 2 * sockets) * "-"),
                  what + "the guest's view")


def test_fifty_times_leaves_nothing_behind():
    with Vm(cpus="sockets=2,maxSockets=8", memory="64M") as v:
        q = v.ready().qmp()
        sizes = set()
        for n in range(1, RESETS + 1):
            if n % 2:
                system_reset(q)
            else:
                v.type("b")
                reset_event(q)
            wait_ready(v, n + 1)
            if n == 5:
                equal(q.resize(6)["result"], "done", "resize 6")
            if n >= 10 and n % 10 == 0:
                sizes.add((v.fds(), tuple(v.threads())))
                if n == 10:
                    rss = rss_beside_guest_kib(v)
        equal(len(sizes), 1, "different sets of fds and threads: %r" % sizes)
        equal(v.vcpu_threads(), list(range(6)), "vCPU threads")
        # AddressSanitizer keeps what was freed.
        limit = 8192 if "address" in BUILD else 256
        now = rss_beside_guest_kib(v)
        check(now - rss < limit, "RSS grew from %d to %d KiB", rss, now)
        equal([x["state"] for x in vcpus(q)], ["online"] * 6 + ["absent"] * 2, "states")
        ends_by_quit(v, q)


def copies(folder):
    """The guest, and an initrd, in the folder."""
    kernel, initrd = (os.path.join(folder, name) for name in ("kernel", "initrd"))
    shutil.copy(GUEST, kernel)
    with open(initrd, "wb") as f:
        f.write(b"070701" * 1000)
    return kernel, initrd


def opened(trace):
    """What the threads of a trace looked for by a path, not from an open folder on."""
    with open(trace, encoding="utf-8", errors="replace") as f:
        return [line for line in f if re.search(r'\((AT_FDCWD, )?"', line)]


def test_files_that_are_gone_or_others_change_nothing():
    folder = tempfile.mkdtemp(prefix="hs-native-")
    away = folder + "-away"
    try:
        kernel, initrd = copies(folder)
        with Vm(kernel=kernel, more=["--initrd", initrd]) as v:
            q = v.ready().qmp()
            os.unlink(initrd)
            os.rename(folder, away)
            os.mkdir(folder)
            for path in kernel, initrd:
                with open(path, "wb") as f:
                    f.write(b"nonsense")
            for n in 2, 3:
                system_reset(q)
                wait_ready(v, n)
            ends_by_quit(v, q)
    finally:
        shutil.rmtree(folder)
        shutil.rmtree(away)


def test_a_kernel_that_was_cut_ends_it():
    for name, path in enumerate(("kernel", "initrd")):
        folder = tempfile.mkdtemp(prefix="hs-native-")
        try:
            kernel, initrd = files = copies(folder)
            with Vm(kernel=kernel, more=["--initrd", initrd]) as v:
                q = v.ready().qmp()
                size = os.path.getsize(files[name])
                os.truncate(files[name], 100)
                q.execute("system_reset")
                equal(q.wait_event("SHUTDOWN")["data"]["reason"], "host-error", "reason")
                equal(v.wait_exit(), 1, "exit status")
                err = v.stderr()
                check(err.count("\n") == 1 and "cannot start again: %s" % path in err and
                      "is cut short: it has 100 bytes, and had %d" % size in err, "%r", err)
        finally:
            shutil.rmtree(folder)


def test_nothing_is_opened_by_a_path_after_the_start():
    if shutil.which("strace") is None:
        raise Skip("no strace")
    folder = tempfile.mkdtemp(prefix="hs-native-")
    away, trace = folder + "-away", os.path.join("/tmp", os.path.basename(folder) + ".strace")
    try:
        kernel, initrd = copies(folder)
        spec, metrics = (os.path.join(folder, name) for name in ("vm.json", "vm.prom"))
        with open(spec, "w", encoding="ascii") as f:
            json.dump({"kernel": kernel, "initrd": initrd, "metrics-file": metrics}, f)
        with Vm(kernel=None, append="mode=irq", more=["--spec", spec]) as v:
            q = v.ready().qmp()
            with subprocess.Popen(["strace", "-f", "-qq", "-e", "trace=%file,%network", "-o",
                                   trace, "-p", str(v.pid)], stderr=subprocess.PIPE) as p:
                wait_until(lambda: traced(v.pid), "strace is there")
                os.rename(folder, away)
                equal([q.resize(n)["result"] for n in (4, 2)], ["done"] * 2, "results")
                system_reset(q)
                wait_ready(v, 2)
                equal(q.resize(3)["result"], "done", "result")
                away_metrics = os.path.join(away, "vm.prom")

                def written(path, word):
                    with open(path, encoding="ascii") as f:
                        return word in f.read()

                wait_until(lambda: written(os.path.join(away, "vm.json"), '"sockets": 3'),
                           "the spec file is written")
                wait_until(lambda: written(away_metrics, 'hotsocket_sockets{vm="qmp"} 3'),
                           "the metrics are written")
                q.execute("quit")
                equal(v.wait_exit(), 0, "exit status")
                p.wait()
            equal(opened(trace), [], "what was opened by a path")
            check(not os.path.exists(away_metrics), "the metrics stay")
            check(not os.path.exists(v.socket), "the socket stays")
            with open(trace, encoding="ascii") as f:
                check("renameat" in f.read(), "strace saw nothing")
    finally:
        shutil.rmtree(away)
        if os.path.exists(trace):
            os.unlink(trace)


def msrs(v):
    """{CPU: what it found in its MSRs}; it has changed them since."""
    at = len(v.console())
    v.ask("m", r"^bare: msrs end$")
    return dict(re.findall(r"^bare: msrs of (\d+) (.*)$", v.console()[at:], re.M))


def test_no_msr_is_what_the_guest_before_made_it():
    with Vm("mode=msrs", cpus="sockets=1,maxSockets=4") as v:
        q = v.ready().qmp()
        equal(q.resize(3)["result"], "done", "resize 3")
        first = msrs(v)
        equal(sorted(first), ["0", "1", "2"], "CPUs")
        check(len(set(first.values())) == 1, "CPUs differ: %r", first)
        check(re.search(r"\b0x1a0=0x[0-9a-f]*[13579bdf]\b", first["0"]),
              "fast strings are off: %r", first["0"])
        for n in (2, 3):
            system_reset(q)
            wait_ready(v, n)
            equal(msrs(v), first, "MSRs after reset %d" % (n - 1))
        equal(q.resize(1)["result"], "done", "resize 1")
        equal(q.resize(3)["result"], "done", "resize 3 again")
        equal(msrs(v), first, "MSRs of CPUs that came back")
