"""A log that nobody reads: it holds nobody up."""

import os
import socket
import subprocess
import tempfile

from vm import GUEST, Vm, command, equal, running, start

REQUESTS = 1200  # each is a line or more with --verbose; a socket here was full after 280


class Unread(Vm):
    """A VM whose stderr is this fd, which nobody reads."""

    def __init__(self, fd):  # pylint: disable=super-init-not-called
        self.dir = tempfile.mkdtemp(prefix="hs-native-")
        self.socket = os.path.join(self.dir, "qmp")
        self.console_file = os.path.join(self.dir, "console")
        self.stderr_file = os.devnull
        self.faults, self.clients = False, []
        running.append(self)
        line = command("mode=irq", cpus="sockets=1,maxSockets=2", kernel=GUEST,
                       more=("--verbose",)) + ["--qmp", self.socket, "--serial", "stdio"]
        with open(self.console_file, "wb") as out:
            self.process = start(line, stdin=subprocess.PIPE, stdout=out, stderr=fd)
        self.pid = self.process.pid


def ends_though_full(ours, theirs):
    with Unread(theirs) as v:
        theirs.close()
        q = v.qmp()
        v.ready()
        for _ in range(REQUESTS // 2):
            for sockets in (2, 1):
                equal(q.resize(sockets)["result"], "done", "resize")
        equal(q.execute("query-status")["running"], True, "running")
        v.process.terminate()
        equal(v.wait_exit(), 0, "exit status")
        ours.close()


def test_a_socket_as_stderr_that_nobody_reads():
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    ends_though_full(ours, theirs)


def test_a_pipe_as_stderr_that_nobody_reads():
    ours, theirs = os.pipe()
    ends_though_full(os.fdopen(ours, "rb"), os.fdopen(theirs, "wb"))
