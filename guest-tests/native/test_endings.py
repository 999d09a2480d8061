"""How a VM ends: exit status, one clear line, event, nothing left behind."""

import os
import signal
import subprocess

from qmp import Qmp, patience
from vm import Vm, check, command, equal, start


def ended(v, q, status, guest, reason, words):
    data = q.wait_event("SHUTDOWN")["data"]
    equal((data["guest"], data["reason"]), (guest, reason), "the SHUTDOWN event")
    equal(v.wait_exit(), status, "exit status")
    err = v.stderr()
    if words is None:
        equal(err, "", "stderr")
    else:
        equal((err.count("\n"), err[:11]), (1, "hotsocket: "), "one line on stderr: %r" % err)
        check(words in err, "%r lacks %r", err, words)
    check(not os.path.exists(v.socket), "the socket file is still there")


def by_guest(mode, status, reason, words, guest=True, cpus="sockets=2,maxSockets=4"):
    with Vm("mode=%s wait" % mode, cpus=cpus, more=["--on-reset", "exit"]) as v:
        q = v.qmp()
        v.wait_console("^bare: waits$")
        v.type("g")
        ended(v, q, status, guest, reason, words)


def test_power_off_by_the_guest():
    by_guest("poweroff", 0, "guest-shutdown", None)


def test_reset_by_the_acpi_register():
    by_guest("reset", 3, "guest-reset", "reset")


def test_reset_by_port_cf9():
    by_guest("cf9", 3, "guest-reset", "reset")


def test_reset_by_the_keyboard_controller():
    by_guest("kbd", 3, "guest-reset", "reset")


def test_triple_fault():
    by_guest("triple", 4, "guest-panic", "triple fault")


def test_an_instruction_that_kvm_cannot_run():
    by_guest("badinsn", 5, "host-error", "KVM internal error", guest=False)


def by_host(act, reason, append="mode=irq"):
    with Vm(append, cpus="sockets=2,maxSockets=4") as v:
        q = v.ready().qmp()
        act(v, q)
        ended(v, q, 0, False, reason, None)


def test_quit():
    by_host(lambda v, q: q.execute("quit"), "host-qmp-quit")


def test_quit_with_cpus_that_never_stop():
    by_host(lambda v, q: q.execute("quit"), "host-qmp-quit", "mode=smp spin")


def test_sigterm_sigint_and_sighup():
    for s in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        by_host(lambda v, q, s=s: v.process.send_signal(s), "host-signal")


def test_a_sighup_that_was_ignored_at_the_start_still_is():
    with Vm(serial="none") as folder:
        path = os.path.join(folder.dir, "other")
        p = start(["sh", "-c", 'trap "" HUP; exec "$@"', "sh"] + command() +
                  ["--qmp", path, "--serial", "none"])
        try:
            with Qmp(path) as q:
                p.send_signal(signal.SIGHUP)
                equal(q.resize(2)["result"], "done", "a resize after it")
                p.send_signal(signal.SIGTERM)
            equal(p.wait(patience(10)), 0, "status")
        finally:
            p.kill()
            p.wait()


def test_power_off_after_cpus_were_added():
    with Vm(cpus="sockets=1,maxSockets=8") as v:
        q = v.ready().qmp()
        equal(q.resize(8)["result"], "done", "resize 8")
        v.type("p")
        ended(v, q, 0, True, "guest-shutdown", None)


def test_quit_and_power_off_in_the_middle_of_a_job():
    for end in ("quit", "guest"):
        with Vm("mode=irq noreg", cpus="sockets=1,maxSockets=8") as v:
            q = v.ready().qmp()
            q.execute("resize", {"sockets": 8})
            if end == "quit":
                q.execute("quit")
                ended(v, q, 0, False, "host-qmp-quit", None)
            else:
                v.type("p")
                ended(v, q, 0, True, "guest-shutdown", None)


def test_a_halted_guest_stays_until_it_is_told_to_go():
    with Vm("mode=halt") as v:
        v.wait_console("^bare: halt$")
        q = v.qmp()
        equal(q.execute("query-status")["running"], True, "running")
        q.execute("quit")
        ended(v, q, 0, False, "host-qmp-quit", None)


def test_a_second_signal_ends_it_whatever_main_does():
    for first, second in ((signal.SIGTERM, signal.SIGINT), (signal.SIGINT, signal.SIGTERM)):
        with Vm("mode=halt") as v:
            v.qmp()
            os.kill(v.pid, signal.SIGSTOP)  # main comes to nothing
            os.kill(v.pid, first)
            os.kill(v.pid, second)
            os.kill(v.pid, signal.SIGCONT)
            check(v.wait_exit() in (-first, -second), "exit status %d", v.process.returncode)
