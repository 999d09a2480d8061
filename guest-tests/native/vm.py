"""vm: the real binary, run in a folder of its own, with the bare-metal guest."""

import ctypes
import fcntl
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from qmp import Qmp, patience

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(TOP, os.environ.get("B") or "build/" + os.uname().machine)
BINARY = os.path.join(BUILD, "hotsocket")
# A sanitizer's build is in a folder of its own: its memory and its wake-ups are not the VMM's.
SANITIZED = os.path.basename(BUILD) != os.uname().machine
GUEST = os.path.join(BUILD, "guest", "bare.elf")
NESTED = os.path.join(TOP, "guest-tests", "native", "nested")

LONG = os.environ.get("LENGTH") == "long"  # the lane of that name

KVM_GET_API_VERSION = 0xAE00
KVM_CHECK_EXTENSION, KVM_CAP_MAX_VCPUS = 0xAE03, 66
PR_SET_PDEATHSIG = 1

libc = ctypes.CDLL(None)
running = []  # every Vm that was made and not closed


class Failure(AssertionError):
    """What a test expected did not happen."""


class Skip(Exception):
    """This host cannot show it; the text says why."""


def kvm_missing():
    """Why there is no usable KVM, or None."""
    try:
        fd = os.open("/dev/kvm", os.O_RDWR | os.O_CLOEXEC)
    except OSError as e:
        return "/dev/kvm: %s" % e.strerror
    try:
        version = fcntl.ioctl(fd, KVM_GET_API_VERSION, 0)
    except OSError as e:
        return "/dev/kvm: %s" % e.strerror
    finally:
        os.close(fd)
    return None if version == 12 else "/dev/kvm speaks API version %d" % version


def goes_nested(missing):
    """Whether what needs a KVM that is missing here is to run by NESTED, which is said then."""
    nested = bool(missing) and os.uname().machine == "x86_64" and "SLOW" not in os.environ
    if nested:
        print("where: nested, because %s" % missing, file=sys.stderr, flush=True)
    return nested


def kvm_max_vcpus():
    fd = os.open("/dev/kvm", os.O_RDWR | os.O_CLOEXEC)
    try:
        return fcntl.ioctl(fd, KVM_CHECK_EXTENSION, KVM_CAP_MAX_VCPUS)
    finally:
        os.close(fd)


def short_or_long(short, long):
    """A count: the first in "make test", the second in LANE=long."""
    return long if LONG else short


def check(condition, text, *args):
    if not condition:
        raise Failure(text % args if args else text)


def equal(found, expected, what):
    check(found == expected, "%s: expected %r, found %r", what, expected, found)


def wait_until(condition, what, timeout=10):
    """Returns what condition() returns as soon as that is true."""
    deadline = time.monotonic() + patience(timeout)
    while True:
        got = condition()
        if got:
            return got
        check(time.monotonic() < deadline, "not within %g s: %s", patience(timeout), what)
        time.sleep(0.002)


def at_rest(look):
    """What look() finds as soon as it finds the same for half a second."""
    def same():
        found = look()
        time.sleep(0.5)
        return found if look() == found else None

    return wait_until(same, "it is at rest")


def _before_exec():
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for s in signal.SIGINT, signal.SIGHUP:  # who runs the tests may ignore them
        signal.signal(s, signal.SIG_DFL)


def command(append="", cpus="sockets=1,maxSockets=8", memory=None, kernel=GUEST, more=()):
    """The command line without --qmp and --serial; what is None is left out."""
    line = [BINARY]
    if kernel is not None:
        line += ["--kernel", kernel]
    if append is not None:
        line += ["--append", append]
    if cpus is not None:
        line += ["--cpus", cpus]
    if memory is not None:
        line += ["--memory", memory]
    return line + list(more)


def start(line, **how):
    """Popen of a VMM that cannot outlive us."""
    return subprocess.Popen(line, preexec_fn=_before_exec, **how)


class Vm:
    """One VMM. Its console is stdio (a pipe in, a file out), unless serial says otherwise."""

    def __init__(self, append="mode=irq", serial="stdio", faults=False, **spec):
        self.dir = tempfile.mkdtemp(prefix="hs-native-")
        self.socket = os.path.join(self.dir, "qmp")
        self.console_file = os.path.join(self.dir, "console")
        self.stderr_file = os.path.join(self.dir, "stderr")
        self.faults = faults  # the guest may meet some
        self.clients = []
        line = command(append, **spec)
        line += ["--qmp", self.socket, "--serial", serial]
        running.append(self)
        with open(self.console_file, "wb") as out, open(self.stderr_file, "wb") as err:
            self.started = time.monotonic()
            self.process = start(line, stdin=subprocess.PIPE, stdout=out, stderr=err)
        self.pid = self.process.pid

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        try:
            if kind is None and not self.faults:
                found = re.findall(r"bare:.*FAULT.*", self.console())
                check(not found, "the guest met a fault: %s", found)
            if kind is None and SANITIZED:
                self.check_reports()
        finally:
            if kind is not None:
                self.keep_words()
            self.close()

    def close(self):
        if self in running:
            running.remove(self)
        for q in self.clients:
            q.close()
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        shutil.rmtree(self.dir, ignore_errors=True)

    def check_reports(self):
        """What a sanitizer says while the VMM runs, and at its end."""
        self.process.terminate()
        self.wait_exit(20)
        found = re.search(r"Sanitizer|runtime error", self.stderr())
        check(not found, "a sanitizer reports: %s", self.stderr()[:6000])

    last_words = ""  # of the VM that a failed test had last

    def keep_words(self):
        Vm.last_words = "status %s\nstderr: %s\nconsole ends: %s" % (
            self.process.poll(), self.stderr(), self.console()[-1500:])

    def qmp(self, **how):
        q = Qmp(self.socket, **how)
        self.clients.append(q)
        return q

    def console(self):
        """What came so far; a line's end that is half there is not."""
        with open(self.console_file, "rb") as f:
            text = f.read().decode("utf-8", "replace")
        return text.removesuffix("\r").replace("\r\n", "\n")

    def stderr(self):
        with open(self.stderr_file, "rb") as f:
            return f.read().decode("utf-8", "replace")

    def type(self, text):
        self.process.stdin.write(text.encode())
        self.process.stdin.flush()

    def wait_console(self, pattern, timeout=10, after=0):
        """Waits for the pattern in the console's whole lines; returns the match."""
        found = re.compile(pattern, re.M)

        def look():
            text = self.console()
            return found.search(text, after, text.rfind("\n") + 1)

        return wait_until(look, "%r on the console" % pattern, timeout)

    def ready(self):
        self.wait_console("^bare: ready$")
        return self

    def ask(self, byte, pattern):
        """Types one byte; returns the match of what the guest then says."""
        at = len(self.console())
        self.type(byte)
        return self.wait_console(pattern, after=at)

    def report(self):
        """What the guest sees: (CPUs online, one character per possible CPU)."""
        m = self.ask("r", r"^bare: report online (\d+) view (\S+)$")
        return int(m[1]), m[2]

    def wait_exit(self, timeout=10):
        try:
            return self.process.wait(patience(timeout))
        except subprocess.TimeoutExpired:
            raise Failure("the VMM still runs after %g s" % patience(timeout)) from None

    def online_lines(self):
        """{index: APIC id} of the CPUs that the guest says it started."""
        return {int(i): int(a) for i, a in re.findall(
            r"^bare: cpu (\d+) apic (\d+) online$", self.console(), re.M)}

    def wait_online(self, expected):
        """Waits until the guest has started exactly these: {index: APIC id}."""
        wait_until(lambda: len(self.online_lines()) >= len(expected),
                   "%d CPUs started by the guest, it has %r" % (
                       len(expected), self.online_lines()))
        equal(self.online_lines(), expected, "CPUs that the guest started")

    def threads(self):
        """Names of the process's threads, some of which may be KVM's own."""
        return sorted(name for name, _ in tasks(self.pid))

    def vcpu_threads(self):
        return sorted(int(n[5:]) for n in self.threads() if n.startswith("vcpu/"))

    def fds(self):
        return len(os.listdir("/proc/%d/fd" % self.pid))

    def rss_kib(self):
        with open("/proc/%d/status" % self.pid, encoding="ascii") as f:
            return int(re.search(r"VmRSS:\s+(\d+)", f.read())[1])

    def check_growth(self, rss_kib, most_kib):
        """Against an earlier rss_kib(). A sanitizer keeps for a while what was freed."""
        grown = self.rss_kib() - rss_kib
        check(SANITIZED or abs(grown) <= most_kib, "the VMM grew by %d KiB", grown)

    def host_state(self, q):
        """What a refused request must not change."""
        return {"topology": q.execute("query-topology"), "vcpus": vcpus(q),
                "threads": self.threads(), "fds": self.fds()}


PF_EXITING = 4  # of a task's flags: set before the thread can be joined, and it is listed after


def tasks(pid):
    """(name, clock ticks of CPU time) of each thread that does not end just now."""
    found = []
    for task in os.listdir("/proc/%d/task" % pid):
        try:
            with open("/proc/%d/task/%s/stat" % (pid, task), encoding="ascii") as f:
                name, rest = f.read().split("(", 1)[1].rsplit(")", 1)
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has ended
        fields = rest.split()
        if not int(fields[6]) & PF_EXITING:
            found.append((name, int(fields[11]) + int(fields[12])))
    return found


def traced(pid):
    """Whether each thread has a tracer."""
    for task in os.listdir("/proc/%d/task" % pid):
        with open("/proc/%d/task/%s/status" % (pid, task), encoding="ascii") as f:
            if "TracerPid:\t0\n" in f.read():
                return False
    return True


def vcpu_ticks(pid):
    """Clock ticks of CPU time that the VMM's vCPU threads used."""
    return sum(ticks for name, ticks in tasks(pid) if name.startswith("vcpu/"))


def vcpus(q):
    """query-vcpus without what changes by itself."""
    found = q.execute("query-vcpus")
    for v in found:
        v.get("ost", {}).pop("age-us", None)
        v.pop("exits", None)
    return found


def states(q):
    return [v["state"] for v in q.execute("query-vcpus")]
