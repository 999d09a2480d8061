"""The command lines of the systemd unit, within what the unit allows."""

import os
import re
import shlex
import shutil
import signal
import subprocess
import tempfile

from ctl import CTL
from qmp import Qmp, patience
from sandbox import KVM_GROUP, USER, Sandbox, setting
from test_manifest import MANIFEST
from vm import BINARY, GUEST, Vm, check, equal, wait_until

PROBE = """
import socket
def tried(what):
    try:
        what()
        return "yes"
    except OSError as e:
        return str(e.errno)
print(*map(tried, (lambda: open("/dev/kvm", "rb+", 0), lambda: socket.socket(socket.AF_UNIX),
                   lambda: socket.socket(socket.AF_INET), lambda: open("/etc/x", "w"),
                   lambda: open("/dev/tty"), lambda: __import__("os").nice(1),
                   lambda: __import__("mmap").mmap(-1, 4096, prot=7))))
"""


def environment(**more):
    """LeakSanitizer would trace its process, which the unit's filter forbids."""
    return dict(os.environ, ASAN_OPTIONS="detect_leaks=0", **more)


class Unit:
    """The unit's folders and programs in one folder, which its user owns."""

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="hs-unit-", dir="/tmp")
        self.processes = []

    def __enter__(self):
        try:
            return self.fill()
        except BaseException:
            self.__exit__()
            raise

    def fill(self):
        self.sandbox = Sandbox(self.dir)
        os.mkdir(self.path("vm1"))
        os.chmod(self.dir, 0o755)
        os.chown(self.path("vm1"), USER, USER)
        for program in (BINARY, CTL, GUEST):
            shutil.copy(program, self.dir)
        with open(self.path("vm1.yaml"), "w", encoding="ascii") as f:
            f.write(MANIFEST.replace("{cpu}", "{sockets: 2, maxSockets: 8}").replace(
                "{kernel}", self.path("bare.elf")))
        return self

    def __exit__(self, *_):
        for p in self.processes:
            if p.poll() is None:
                p.kill()
            p.wait()
        shutil.rmtree(self.dir)

    def path(self, *names):
        return os.path.join(self.dir, *names)

    def words(self, line):
        """A command of the unit as systemd would take it apart, with our folder for its ones."""
        for theirs in ("/usr/local/bin", "/etc/hotsocket", "/run/hotsocket"):
            line = line.replace(theirs, self.dir)
        return [w.replace("$$", "$") for w in shlex.split(line)]

    def run(self, words, **env):
        """(exit status, stdout, stderr) of a command in the sandbox."""
        p = self.sandbox.popen(words, env=environment(**env), stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.processes.append(p)
        out, err = p.communicate(timeout=patience(20))
        return p.returncode, out, err

    def start(self):
        self.log = self.path("log")
        with open(self.log, "wb") as log:
            p = self.sandbox.popen(self.words(setting("ExecStart")[0]), env=environment(),
                                   stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.processes.append(p)
        sock = self.path("vm1", "vm1.sock")
        wait_until(lambda: os.path.exists(sock) or p.poll() is not None, "control socket")
        check(p.poll() is None, "it ended: %s", self.said())
        return p, Qmp(sock)

    def said(self):
        with open(self.log, encoding="utf-8") as f:
            return f.read()


def credentials(pid):
    with open("/proc/%d/status" % pid, encoding="ascii") as f:
        return {k: v.split() for k, v in re.findall(r"^(\w+):\t(.*)$", f.read(), re.M)}


def test_the_sandbox_holds():
    with Unit() as u:
        status, out, err = u.run(["/usr/bin/python3", "-c", PROBE])
        equal((status, err), (0, ""), "the probe")
        equal(out.split()[:6], ["yes", "yes", "1", "30", "2", "1"],
              "kvm, AF_UNIX; AF_INET, writing to /etc, another device, nice")
        check(out.split()[6] in ("13", "yes"), "memory that is writable and executable: %s", out)


def test_it_runs_and_grows_and_ends_by_sigterm():
    with Unit() as u:
        p, q = u.start()
        c = credentials(p.pid)
        equal((c["Uid"], c["Groups"]), ([str(USER)] * 4, [str(KVM_GROUP)]), "user, groups")
        equal((c["CapEff"], c["CapBnd"]), (["0" * 16], ["0" * 16]), "capabilities")
        equal((c["Seccomp"], c["NoNewPrivs"]), (["2"], ["1"]), "filter")
        with open("/proc/%d/net/dev" % p.pid, encoding="ascii") as f:
            equal(re.findall(r"^ *(\w+):", f.read(), re.M), ["lo"], "network devices")
        equal(q.resize(8)["result"], "done", "resize 8")
        equal(q.resize(3)["result"], "done", "resize 3")
        equal(q.execute("query-vm")["metadata"]["name"], "vm1", "name")
        p.send_signal(getattr(signal, setting("KillSignal")[0]))
        equal(p.wait(patience(10)), 0, "exit status")
        equal([len(u.said().splitlines()), os.listdir(u.path("vm1"))], [1, []],
              "lines on stderr (what the manifest has in vain), files left: %r" % u.said())


def test_a_stop_asks_the_guest_first():
    with Unit() as u:
        p, q = u.start()
        stop = setting("ExecStop")[0]
        check(stop.startswith("-") and " --timeout 60'" in stop, "ExecStop: %r", stop)
        words = u.words(stop[1:].replace("--timeout 60", "--timeout 0.5"))
        status, _, err = u.run(words, MAINPID=str(p.pid))
        equal((status, "timed out" in err), (3, True), "this guest ignores it: %r" % err)
        q.wait_event("POWERDOWN")
        equal(u.run(words, MAINPID=""), (0, "", ""), "a stop after the end")
        q.execute("quit")
        equal(p.wait(patience(10)), 0, "exit status")


def test_another_user_is_not_served():
    with Vm() as v, Unit() as u:
        status, _, err = u.run(u.words("/usr/local/bin/hotsocketctl -s %s status" % v.socket))
        equal((status, "Permission denied" in err), (1, True), "%r" % err)
