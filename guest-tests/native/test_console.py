"""The guest's console."""

import fcntl
import os
import pty
import resource
import select
import signal
import socket
import subprocess
import termios
import time

from qmp import Qmp, connect, patience
from vm import Vm, check, command, equal, start, tasks, wait_until

F_SETPIPE_SZ = 1031
UART_TX_LEN = 16384  # bytes that the VMM keeps for the guest's UART
FLOOD_EXITS = 3 * UART_TX_LEN  # each byte takes one, and so does each look at the full UART


def read_until(fd, text, timeout=10):
    """Reads from an fd until the text has come; returns all of it."""
    got, deadline = b"", time.monotonic() + patience(timeout)
    while text not in got:
        left = deadline - time.monotonic()
        check(left > 0, "%r did not come; there was %r", text, got)
        if not select.select([fd], [], [], left)[0]:
            continue
        try:
            data = os.read(fd, 4096)
        except OSError:  # the other end of a pty is closed
            data = b""
        check(data, "the end came before %r; there was %r", text, got)
        got += data
    return got


def test_input_reaches_the_guest_in_order_and_whole():
    with Vm("mode=echo") as v:
        v.ready()
        at = len(v.console())
        text = "".join("line %d of many\n" % i for i in range(400))
        v.type(text)
        wait_until(lambda: len(v.console()) - at >= len(text), "all of it comes back")
        equal(v.console()[at:], text, "echo")


def test_a_file():
    with Vm(serial="none") as v:
        path = os.path.join(v.dir, "log")
        p = start(command("mode=poweroff") + ["--serial", "file:" + path],
                  stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
        equal((p.communicate(timeout=patience(10))[1], p.returncode), (b"", 0), "stderr and status")
        with open(path, encoding="ascii") as f:
            check(f.read().endswith("bare: poweroff\n"), "its last words are there")
        equal(os.stat(path).st_mode & 0o777, 0o600, "mode")
        v.qmp()
        equal(v.console(), "", "stdout with --serial none")


def test_a_socket_takes_one_client_after_the_other():
    folder = Vm("mode=halt", serial="none")
    path = os.path.join(folder.dir, "c.sock")
    with folder, Vm("mode=echo", serial="socket:" + path) as v:
        q = v.qmp()
        first = connect(path)
        equal(os.stat(path).st_mode & 0o777, 0o600, "mode")
        time.sleep(0.1)
        first.sendall(b"one")
        read_until(first.fileno(), b"one")
        second = connect(path)
        check(b"in use" in read_until(second.fileno(), b"\n"), "no such text")
        second.settimeout(patience(5))
        equal(second.recv(10), b"", "the rest of the second connection")
        first.sendall(b"two")
        read_until(first.fileno(), b"two")
        first.close()
        for i in range(3):
            again = reconnect(path)
            again.sendall(b"three%d" % i)
            read_until(again.fileno(), b"three%d" % i)
            again.close()
        q.execute("quit")
        equal(v.wait_exit(), 0, "status")
        check(not os.path.exists(path), "the socket file is still there")


def test_a_socket_of_a_killed_vm_is_taken_over_and_no_other():
    folder = Vm("mode=halt", serial="none")
    path = os.path.join(folder.dir, "c.sock")
    with folder:
        with Vm("mode=echo", serial="socket:" + path) as killed:
            killed.qmp()
            p = start(command() + ["--serial", "socket:" + path], stderr=subprocess.PIPE)
            err = p.communicate(timeout=patience(10))[1].decode()
            equal(p.returncode, 1, "status beside a VM that runs")
            check(path in err and "another VM answers there" in err, "%r", err)
            killed.process.kill()
            killed.process.wait()
            check(os.path.exists(path), "SIGKILL leaves the socket file")
        with Vm("mode=echo", serial="socket:" + path) as v:
            v.qmp()
            client = connect(path)
            read_until(client.fileno(), b"ready")  # what comes before, its UART's reset drops
            client.sendall(b"hello")
            read_until(client.fileno(), b"hello")


def reconnect(path):
    """The VMM may not have seen yet that the last client left."""
    def try_it():
        s = connect(path)
        s.settimeout(0.05)
        try:
            if s.recv(100) is not None:
                s.close()
                return None
        except socket.timeout:
            return s

    return wait_until(try_it, "the console is free again")


def main_ticks(pid):
    """Clock ticks of CPU time of the main thread: the guest may be busy."""
    return sum(t for name, t in tasks(pid) if name == "hotsocket")


def is_served(client, text):
    client.sendall(text)
    read_until(client.fileno(), text)


def test_a_client_that_leaves_before_the_guest_has_read_is_gone():
    folder = Vm("mode=halt", serial="none")
    path = os.path.join(folder.dir, "c.sock")
    with folder, Vm("mode=echo", serial="socket:" + path) as v:
        q = v.qmp()
        is_served(reconnect(path), b"it runs")
        again = reconnect(path)
        q.execute("stop")
        again.sendall(b"x" * 4096)  # more than is taken of it: nobody reads the rest
        time.sleep(0.2)
        again.close()
        client = reconnect(path)
        q.execute("cont")
        client.sendall(b"hello")
        read_until(client.fileno(), b"hello")


def test_a_client_that_sends_no_more_gets_the_answer():
    folder = Vm("mode=halt", serial="none")
    path = os.path.join(folder.dir, "c.sock")
    with folder, Vm("mode=echo", serial="socket:" + path) as v:
        v.qmp()
        is_served(reconnect(path), b"it runs")
        for _ in range(3):
            client = reconnect(path)
            client.sendall(b"last word")
            client.shutdown(socket.SHUT_WR)
            read_until(client.fileno(), b"last word")
            ticks = main_ticks(v.pid)
            time.sleep(0.5)
            check(main_ticks(v.pid) - ticks < 3, "it spins meanwhile")
            client.close()


def test_without_a_free_descriptor_it_waits_for_one():
    folder = Vm("mode=halt", serial="none")
    path = os.path.join(folder.dir, "c.sock")
    with folder, Vm("mode=echo", serial="socket:" + path) as v:
        q = v.qmp()
        is_served(reconnect(path), b"it runs")
        before = resource.prlimit(v.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(v.pid, resource.RLIMIT_NOFILE, (3, before[1]))
        waits = [connect(path) for _ in range(3)]
        ticks = main_ticks(v.pid)
        time.sleep(1)
        check(main_ticks(v.pid) - ticks < 4, "it spins meanwhile")
        equal(q.execute("query-status")["running"], True, "running")
        resource.prlimit(v.pid, resource.RLIMIT_NOFILE, before)
        is_served(waits[0], b"hello")


def flooded(v, more):
    return start(command("mode=flood") + list(more), stdin=subprocess.DEVNULL)


def test_a_limit_of_file_sizes_ends_no_vm():
    with Vm(serial="none") as v:
        path, sock = os.path.join(v.dir, "log"), os.path.join(v.dir, "flood")
        p = flooded(v, ["--serial", "file:" + path, "--qmp", sock])
        try:
            resource.prlimit(p.pid, resource.RLIMIT_FSIZE, (20000, 20000))
            with Qmp(sock) as q:
                wait_until(lambda: os.path.getsize(path) >= 20000, "the file is full")
                time.sleep(0.2)
                equal(q.execute("query-status")["running"], True, "running")
                q.execute("quit")
            equal(p.wait(patience(10)), 0, "status")
        finally:
            p.kill()
            p.wait()


def test_a_file_of_a_given_size_keeps_the_newest():
    with Vm(serial="none") as v:
        path, sock = os.path.join(v.dir, "log"), os.path.join(v.dir, "flood")
        p = flooded(v, ["--serial", "file:%s,size=16K" % path, "--qmp", sock])
        try:
            with Qmp(sock) as q:
                wait_until(lambda: os.path.exists(path + ".old") and
                           os.path.getsize(path + ".old") == 8192, "the first half is full")
                for _ in range(20):
                    check(os.path.getsize(path) <= 8192, "it is too large")
                    time.sleep(0.01)
                equal(q.execute("query-status")["running"], True, "running")
                q.execute("quit")
            equal(p.wait(patience(10)), 0, "status")
        finally:
            p.kill()
            p.wait()
    for size, text in (("x", "'x' is not a size"), ("4K", "less than the minimum, 8K")):
        p = start(command() + ["--serial", "file:log,size=" + size], stderr=subprocess.PIPE)
        err = p.communicate(timeout=patience(10))[1].decode()
        check(text in err and p.returncode == 2, "%r, %d", err, p.returncode)


def read_to_end(fd):
    got = b""
    while True:
        check(select.select([fd], [], [], patience(10))[0], "no end of the output")
        data = os.read(fd, 65536)
        if not data:
            return got
        got += data


def test_while_nobody_reads_the_vmm_goes_on_and_then_nothing_is_missing():
    with Vm("mode=halt", serial="none") as folder:
        path = os.path.join(folder.dir, "other")
        r, w = os.pipe()
        fcntl.fcntl(w, F_SETPIPE_SZ, 4096)
        p = start(command("mode=flood") + ["--qmp", path], stdin=subprocess.DEVNULL, stdout=w)
        os.close(w)
        try:
            with Qmp(path) as q:
                wait_until(lambda: q.execute("query-vcpus")[0]["exits"] > FLOOD_EXITS,
                           "the guest runs on", 20)
                equal(q.execute("query-status")["running"], True, "running")
                q.execute("quit")
            text = read_to_end(r).decode()
            equal(p.wait(patience(10)), 0, "status")
        finally:
            p.kill()
            p.wait()
            os.close(r)
        # Pipe and VMM hold up to a page each, and the rest waits in the UART.
        check(len(text) > UART_TX_LEN - 4096, "only %d bytes came", len(text))
        lines = text[:text.rfind("\n")].replace("\r", "").split("\n")
        lines = lines[lines.index("bare: flood 0"):]
        equal(lines, ["bare: flood %d" % i for i in range(len(lines))], "lines")


def test_readers_that_leave_do_not_end_the_vm():
    with Vm(serial="none") as folder:
        path = os.path.join(folder.dir, "other")
        p = start(command("mode=irq") + ["--verbose", "--qmp", path], stdin=subprocess.PIPE,
                  stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            read_until(p.stdout.fileno(), b"bare: ready")
            p.stdout.close()
            p.stderr.close()
            p.stdin.write(b"r")  # the guest says something, which nobody hears
            p.stdin.flush()
            with Qmp(path) as q:
                equal(q.resize(2)["result"], "done", "a resize, which is logged")
                q.execute("quit")
            equal(p.wait(patience(10)), 0, "status")
            check(not os.path.exists(path), "the socket file is still there")
        finally:
            p.kill()
            p.wait()
            p.stdin.close()


def test_a_terminal_that_nobody_reads_holds_nothing_up():
    with Terminal("mode=flood", ["--verbose", "--verbose"]) as t, Qmp(t.path) as q:
        termios.tcflow(t.slave, termios.TCOOFF)  # as Ctrl-S, until the VMM has more than fits
        wait_until(lambda: q.execute("query-vcpus")[0]["exits"] > FLOOD_EXITS,
                   "the guest runs on", 20)
        equal(q.resize(2, **{"timeout-ms": 10})["result"], "timed-out", "a job, which is logged")
        termios.tcflow(t.slave, termios.TCOON)
        for _ in range(20):
            q.execute("query-status")
            time.sleep(0.01)
        flags = fcntl.fcntl(t.slave, fcntl.F_GETFL)
        equal(flags & os.O_NONBLOCK, 0, "O_NONBLOCK of the terminal that others have, too")
        t.process.send_signal(signal.SIGTERM)
        t.ends(0)


def test_a_fifo_without_a_reader_is_refused_at_once():
    with Vm(serial="none") as folder:
        fifo = os.path.join(folder.dir, "fifo")
        os.mkfifo(fifo)
        p = start(command() + ["--serial", "file:" + fifo], stderr=subprocess.PIPE)
        err = p.communicate(timeout=patience(10))[1].decode()
        equal(p.returncode, 1, "status")
        check("--serial file:" + fifo in err, "%r", err)


def test_standard_files_that_are_closed():
    with Vm(serial="none") as v:
        path = os.path.join(v.dir, "other")
        line = command("mode=irq", cpus="sockets=1,maxSockets=4") + ["--qmp", path]
        p = subprocess.Popen(["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh"] + line)
        try:
            with Qmp(path) as q:
                time.sleep(0.1)
                equal(q.resize(3)["result"], "done", "resize 3")
                for fd in range(3):
                    equal(os.readlink("/proc/%d/fd/%d" % (p.pid, fd)), "/dev/null",
                          "fd %d" % fd)
                q.execute("quit")
            equal(p.wait(patience(10)), 0, "status")
        finally:
            p.kill()
            p.wait()


class Terminal:
    """A VMM on a terminal of its own."""

    def __init__(self, append, more):
        self.folder = Vm("mode=halt", serial="none")
        self.path = os.path.join(self.folder.dir, "tty.sock")
        self.master, self.slave = pty.openpty()
        self.before = termios.tcgetattr(self.slave)
        self.process = start(command(append, more=more) + ["--qmp", self.path],
                             stdin=self.slave, stdout=self.slave, stderr=self.slave)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        os.close(self.master)
        os.close(self.slave)
        self.folder.close()

    def type(self, text):
        os.write(self.master, text)

    def expect(self, text):
        return read_until(self.master, text)

    def flags(self):
        return termios.tcgetattr(self.slave)[3] & (termios.ICANON | termios.ECHO | termios.ISIG)

    def ends(self, status):
        try:
            equal(self.process.wait(patience(10)), status, "status")
        except subprocess.TimeoutExpired:
            check(False, "the VMM still runs")
        equal(termios.tcgetattr(self.slave), self.before, "the terminal afterwards")


def on_a_terminal(act, status, append="mode=irq", more=()):
    with Terminal(append, more) as t:
        t.expect(b"bare: ready")
        equal(t.flags(), 0, "ICANON, ECHO and ISIG while the guest has the terminal")
        act(t)
        t.ends(status)


def quit_by_qmp(t):
    with Qmp(t.path) as q:
        q.execute("quit")


def test_the_terminal_is_restored_after_quit():
    on_a_terminal(quit_by_qmp, 0)


def test_the_terminal_is_restored_after_power_off():
    on_a_terminal(lambda t: t.type(b"p"), 0)


def test_the_terminal_is_restored_after_a_triple_fault():
    on_a_terminal(lambda t: t.type(b"t"), 4, more=["--on-reset", "exit"])


def test_the_terminal_is_restored_after_sigterm():
    on_a_terminal(lambda t: t.process.send_signal(signal.SIGTERM), 0)


def test_the_terminal_is_restored_after_sigabrt_and_sigsegv():
    for s in (signal.SIGABRT, signal.SIGSEGV):
        on_a_terminal(lambda t, s=s: t.process.send_signal(s), -s)


def test_ctrl_a_x_quits_and_ctrl_a_twice_is_one_ctrl_a():
    def act(t):
        t.type(b"a\x01\x01b")
        t.expect(b"a\x01b")
        t.type(b"\x03\x1a")  # Ctrl-C and Ctrl-Z are the guest's
        t.expect(b"\x03\x1a")
        t.type(b"\x01x")

    on_a_terminal(act, 0, "mode=echo")
