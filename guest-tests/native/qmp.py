"""qmp: a client of the control socket. Every wait is bounded."""

import json
import os
import socket
import time

# How many times longer a wait may last where the host itself is emulated (by nested, beside this).
SLOW = int(os.environ.get("SLOW") or 1)


class QmpError(Exception):
    """An error reply; desc and error_class are the VMM's."""

    def __init__(self, error):
        super().__init__(error["desc"])
        self.desc = error["desc"]
        self.error_class = error["class"]


class QmpClosed(Exception):
    """The VMM closed the connection."""


class QmpTimeout(Exception):
    """What was waited for did not come."""


def patience(seconds):
    """The most seconds to wait here for what takes so many at most where nothing is emulated."""
    return seconds * SLOW


class Qmp:
    """One connection. Events that come while a reply is awaited are kept in order."""

    def __init__(self, path, timeout=10, negotiate=True):
        self.timeout = timeout
        self.events = []
        self.last_id = 0
        self.buffer = b""
        self.socket = connect(path, timeout)
        self.greeting = self._next_message(self._deadline(None))
        if negotiate:
            self.execute("qmp_capabilities")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def _deadline(self, timeout):
        return time.monotonic() + patience(self.timeout if timeout is None else timeout)

    def send_bytes(self, data):
        self.socket.settimeout(patience(self.timeout))
        self.socket.sendall(data)

    def _next_message(self, deadline):
        while b"\n" not in self.buffer:
            left = deadline - time.monotonic()
            if left <= 0:
                raise QmpTimeout("no message came in time")
            self.socket.settimeout(left)
            try:
                got = self.socket.recv(1 << 16)
            except socket.timeout:
                continue
            except ConnectionResetError:
                got = b""
            if not got:
                raise QmpClosed("the VMM closed the connection")
            self.buffer += got
        line, self.buffer = self.buffer.split(b"\n", 1)
        return json.loads(line.decode("utf-8"))

    def next_reply(self, timeout=None):
        """The next message that is no event: a reply, whole."""
        deadline = self._deadline(timeout)
        while True:
            message = self._next_message(deadline)
            if "event" not in message:
                return message
            message["received"] = time.monotonic()
            self.events.append(message)

    def send(self, command, arguments=None):
        """Sends a command without waiting; returns its id."""
        self.last_id += 1
        request = {"execute": command, "id": self.last_id}
        if arguments is not None:
            request["arguments"] = arguments
        self.send_bytes(json.dumps(request).encode() + b"\n")
        return self.last_id

    def execute(self, command, arguments=None, timeout=None):
        """Sends a command; returns the value of "return" or raises QmpError."""
        wanted = self.send(command, arguments)
        reply = self.next_reply(timeout)
        if reply.get("id") != wanted:
            raise AssertionError("reply to another request: %r" % reply)
        if "error" in reply:
            raise QmpError(reply["error"])
        return reply["return"]

    def error(self, command, arguments=None):
        """Sends a command that must be refused; returns the QmpError."""
        try:
            result = self.execute(command, arguments)
        except QmpError as e:
            return e
        raise AssertionError("%s %r was not refused: %r" % (command, arguments, result))

    def wait_event(self, name, timeout=None, where=lambda data: True):
        """Takes the oldest event of this name whose data suits; the others stay."""
        deadline = self._deadline(timeout)
        looked = 0
        while True:
            for i in range(looked, len(self.events)):
                e = self.events[i]
                if e["event"] == name and where(e.get("data", {})):
                    return self.events.pop(i)
            looked = len(self.events)
            try:
                message = self._next_message(deadline)
            except QmpTimeout:
                raise QmpTimeout("no event %s; the last ones: %s" % (
                    name, [(e["event"], e.get("data")) for e in self.events[-6:]])) from None
            if "event" not in message:
                raise AssertionError("a reply that nobody asked for: %r" % message)
            message["received"] = time.monotonic()
            self.events.append(message)

    def resize(self, sockets, timeout=None, **more):
        """Asks for a number of sockets and waits for the end; returns its data."""
        job = self.execute("resize", dict({"sockets": sockets}, **more))["job"]
        return self.wait_event("HOTPLUG_COMPLETED", timeout,
                               lambda d: d["job"] == job)["data"]


def connect(path, timeout=10):
    """A connection to the socket at path, as soon as somebody listens there."""
    deadline = time.monotonic() + patience(timeout)
    while True:
        s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            s.connect(path)
            return s
        except (FileNotFoundError, ConnectionRefusedError):
            s.close()
            if time.monotonic() > deadline:
                raise QmpTimeout("nobody listens at %s" % path) from None
            time.sleep(0.001)
