"""Clients of the control socket, good and bad."""

import socket
import time

from qmp import Qmp, QmpClosed, connect, patience
from vm import Vm, check, equal, states, vcpus, wait_until


def test_two_clients_at_once_see_the_same_job():
    with Vm(cpus="sockets=1,maxSockets=4") as v:
        v.ready()
        a, b = v.qmp(), v.qmp()
        end = a.resize(3)
        seen = b.wait_event("HOTPLUG_COMPLETED")["data"]
        equal(seen, end, "what the other client saw")
        equal([e["data"]["phase"] for e in b.events if e["event"] == "HOTPLUG_PHASE"],
              ["accepted", "plugged", "registered", "online"], "phases, for the other client")
        equal(vcpus(a), vcpus(b), "query-vcpus")


def test_the_job_goes_on_when_its_client_leaves():
    with Vm("mode=irq noreg", cpus="sockets=1,maxSockets=4") as v:
        v.ready()
        a, b = v.qmp(), v.qmp()
        job = a.execute("resize", {"sockets": 3})["job"]
        a.close()
        time.sleep(0.05)
        equal(b.execute("query-topology")["job"]["job"], job, "the running job")
        v.type("g")
        end = b.wait_event("HOTPLUG_COMPLETED")["data"]
        equal((end["job"], end["result"]), (job, "done"), "the end")
        check("job" not in b.execute("query-topology"), "query-topology still has a job")


def test_no_command_and_no_event_before_the_negotiation():
    with Vm(cpus="sockets=1,maxSockets=4") as v:
        v.ready()
        mute = v.qmp(negotiate=False)
        equal(mute.error("query-status").error_class, "CommandNotFound", "class")
        v.qmp().resize(2)
        equal(mute.execute("qmp_capabilities"), {}, "return")
        equal(mute.events, [], "events before the negotiation")
        equal(mute.error("qmp_capabilities").error_class, "CommandNotFound", "class")


def beside_a_resize(garbage, after=None):
    """A client that misbehaves, beside one that wants a resize."""
    with Vm(cpus="sockets=1,maxSockets=8") as v:
        q = v.ready().qmp()
        equal(q.resize(2)["result"], "done", "resize 2")
        fds, rss = v.fds(), v.rss_kib()
        with Qmp(v.socket) as bad:
            garbage(bad)
            begun = time.monotonic()
            equal(q.resize(4)["result"], "done", "resize 4 beside the bad client")
            check(time.monotonic() - begun < patience(8), "it took %.1f s", time.monotonic() - begun)
            if after is not None:
                after(bad)
        wait_until(lambda: v.fds() == fds + 4,  # a vCPU has two
                   "the bad client's fd is closed: %d to %d" % (
            fds, v.fds()))
        v.check_growth(rss, 4096)
        equal(states(q), ["online"] * 4 + ["absent"] * 4, "states")


def answers_again(bad):
    """Behind its garbage a client is served as before."""
    bad.send_bytes(b"\n")
    while True:
        bad.send("query-status")
        reply = bad.next_reply()
        if "return" in reply:
            return
        equal(reply["error"]["class"], "GenericError", "class")


def test_ten_megabytes_without_a_newline():
    beside_a_resize(lambda bad: bad.send_bytes(b"a" * (10 << 20)))
    beside_a_resize(lambda bad: bad.send_bytes(b'{"execute": "' + b"a" * (10 << 20)))


def test_text_that_is_not_utf_8():
    def garbage(bad):
        bad.send_bytes(b'{"execute": "\xff\xfe\xc0\x80"}\n\xf5\x00\x01\n')
        check("error" in bad.next_reply(), "not refused")

    beside_a_resize(garbage)


def test_deep_nesting():
    beside_a_resize(lambda bad: bad.send_bytes(b"[" * 1000000))
    beside_a_resize(lambda bad: bad.send_bytes(b'{"a":' * 200000))


def test_garbage_costs_its_sender_one_line():
    def garbage(bad):
        for line in (b"{]\n", b"nonsense\n", b"[" * 100 + b"\n", b"1\n", b'"x"\n', b"[]\n"):
            bad.send_bytes(line)
            check("error" in bad.next_reply(), "%r is not refused", line)
        equal(bad.execute("query-status")["status"], "running", "status")

    beside_a_resize(garbage)


def test_a_client_that_never_reads():
    def garbage(bad):
        bad.socket.settimeout(0.2)
        request = b'{"execute": "query-vcpus"}\n' * 1000
        try:
            for _ in range(200):
                bad.socket.sendall(request)
        except socket.timeout:
            pass

    beside_a_resize(garbage)


def test_a_client_that_sends_half_a_request_and_waits():
    beside_a_resize(lambda bad: bad.send_bytes(b'{"execute": "resi'))


def test_a_client_that_leaves_in_the_middle_of_a_request():
    def garbage(bad):
        for _ in range(50):
            s = connect(bad.socket.getpeername())
            s.sendall(b'{"execute": "qmp_capabilities"}{"execute": "query-vc')
            s.close()

    beside_a_resize(garbage)


def test_the_sixty_fifth_client_is_told_so_and_harms_nobody():
    with Vm() as v:
        first = v.ready().qmp()
        many = [Qmp(v.socket) for _ in range(63)]
        s = connect(v.socket)
        s.settimeout(patience(5))
        check(b"too many clients" in s.recv(1000), "no such text")
        equal(s.recv(1000), b"", "the rest of the connection")
        s.close()
        equal(first.execute("query-status")["running"], True, "running")
        for q in many:
            q.close()
        wait_until(lambda: can_talk(v), "a client is served again")


def can_talk(v):
    try:
        with Qmp(v.socket) as q:
            return q.execute("query-status")
    except (QmpClosed, KeyError):
        return False
