"""sandbox: what tools/dist/systemd/hotsocket@.service allows, made without systemd.

A user and a network of its own, no capabilities, a file system that cannot be written but for one
folder, no device but kvm, null and random numbers, and the unit's own list of system calls. Root
alone can make it.
"""

import ctypes
import os
import re
import resource
import shutil
import signal
import socket
import stat
import subprocess

from vm import PR_SET_PDEATHSIG, TOP, Skip, libc

UNIT = os.path.join(TOP, "tools/dist/systemd/hotsocket@.service")
USER, KVM_GROUP = 61184, 61185  # of systemd's range for DynamicUser

CLONE_NEWNS, CLONE_NEWIPC, CLONE_NEWNET = 0x20000, 0x8000000, 0x40000000
MS_BIND, MS_REC, MS_PRIVATE = 0x1000, 0x4000, 0x40000
SYS_MOUNT_SETATTR, AT_FDCWD, AT_RECURSIVE, MOUNT_ATTR_RDONLY = 442, -100, 0x8000, 1
PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS, PR_SET_MDWE = 24, 38, 65
SCMP_ALLOW, SCMP_EPERM, SCMP_EQ = 0x7FFF0000, 0x00050001, 4


def setting(name):
    """The values of one key of the unit, with vm1 as the instance."""
    with open(UNIT, encoding="utf-8") as f:
        return [v.replace("%i", "vm1") for v in re.findall("^%s=(.*)$" % name, f.read(), re.M)]


def syscalls():
    """The names that SystemCallFilter allows; a line with ~ takes some away."""
    tool = shutil.which("systemd-analyze")
    if tool is None:
        raise Skip("no systemd-analyze here, which knows the sets of system calls")
    sets, name = {}, None
    out = subprocess.run([tool, "--no-pager", "syscall-filter"], capture_output=True, text=True,
                         check=True).stdout
    for line in out.splitlines():
        if line.startswith("@"):
            name = sets.setdefault(line.strip(), [])
        elif name is not None and line.startswith("    ") and "#" not in line:
            name.append(line.strip())

    def expand(word):
        return set().union(*map(expand, sets[word])) if word.startswith("@") else {word}

    allowed = expand("@default")
    for line in setting("SystemCallFilter"):
        words = set().union(*map(expand, line.lstrip("~").split()))
        allowed = allowed - words if line.startswith("~") else allowed | words
    return allowed | {"execve"}  # systemd itself always keeps it


class Compare(ctypes.Structure):
    _fields_ = [("arg", ctypes.c_uint), ("op", ctypes.c_int),
                ("a", ctypes.c_uint64), ("b", ctypes.c_uint64)]


def must(result, what):
    if result < 0:
        raise OSError(ctypes.get_errno(), "%s: %d" % (what, result))


class Sandbox:
    """Made before the fork; enter() is what the child does before it becomes the program."""

    def __init__(self, folder):
        if os.getuid() != 0:
            raise Skip("only root can make the unit's sandbox")
        self.folder = folder
        self.allowed = syscalls()
        try:
            self.seccomp = ctypes.CDLL("libseccomp.so.2")
        except OSError:
            raise Skip("no libseccomp here (Debian package libseccomp2)") from None
        self.seccomp.seccomp_init.restype = ctypes.c_void_p

    def popen(self, line, **how):
        return subprocess.Popen(line, preexec_fn=self.enter, **how)

    def enter(self):
        must(libc.unshare(CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWNET), "unshare")
        must(libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None), "private mounts")
        self.devices()
        folder = self.folder.encode()
        must(libc.mount(folder, folder, None, MS_BIND, None), "bind mount")
        self.writable(b"/", False)
        self.writable(folder, True)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        for cap in range(64):
            libc.prctl(PR_CAPBSET_DROP, cap, 0, 0, 0)
        os.setgroups([KVM_GROUP])
        os.setresgid(USER, USER, USER)
        os.setresuid(USER, USER, USER)
        os.umask(0o077)
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        libc.prctl(PR_SET_MDWE, 1, 0, 0, 0)  # where the kernel has it: 6.3
        must(libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no new privileges")
        self.filter()

    def devices(self):
        kvm = os.stat("/dev/kvm").st_rdev
        must(libc.mount(b"dev", b"/dev", b"tmpfs", 0, None), "a /dev")
        os.umask(0)
        for name, mode, dev in (("null", 0o666, os.makedev(1, 3)),
                                ("urandom", 0o666, os.makedev(1, 9)), ("kvm", 0o660, kvm)):
            os.mknod("/dev/" + name, stat.S_IFCHR | mode, dev)
        os.chown("/dev/kvm", 0, KVM_GROUP)

    def writable(self, path, yes):
        attr = (ctypes.c_uint64 * 4)(0 if yes else MOUNT_ATTR_RDONLY,
                                     MOUNT_ATTR_RDONLY if yes else 0, 0, 0)
        must(libc.syscall(SYS_MOUNT_SETATTR, AT_FDCWD, path, 0 if yes else AT_RECURSIVE, attr,
                          ctypes.c_size_t(32)), "mount_setattr")

    def filter(self):
        lib = self.seccomp
        ctx = ctypes.c_void_p(lib.seccomp_init(SCMP_EPERM))
        unix = Compare(0, SCMP_EQ, socket.AF_UNIX, 0)
        for name in self.allowed:
            number = lib.seccomp_syscall_resolve_name(name.encode())
            if number >= 0:
                must(lib.seccomp_rule_add_array(ctx, SCMP_ALLOW, number, int(name == "socket"),
                                                ctypes.byref(unix)), name)
        must(lib.seccomp_load(ctx), "the filter")
