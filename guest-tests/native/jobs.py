"""Adds and removals as a client asks for them, and what it checks of each."""

from qmp import patience
from vm import check, equal, states, wait_until

PHASES = ["requested", "offlining", "ejected", "parked"]  # of a removal


def job_events(q, job):
    """Takes the events of this job."""
    events = [e for e in q.events if e["event"] == "HOTPLUG_PHASE" and e["data"]["job"] == job]
    q.events = [e for e in q.events if e not in events]
    return [e["data"] for e in events]


def removal_is_whole(q, job, cpus):
    """The events of a removal that was done: its phases in order, and the times rise."""
    events = job_events(q, job["job"])
    equal([e["phase"] for e in events], PHASES, "phases")
    times = [e["elapsed-us"] for e in events] + [job["elapsed-us"]]
    equal(times, sorted(times), "elapsed-us of the phases, in order")
    check(times[-1] < patience(10) * 1e6, "it took %d us", times[-1])
    for e in events:
        equal((e["operation"], e["cpus"]), ("remove", cpus), "phase " + e["phase"])
    equal((job["result"], job["phase"], job["cpus"]), ("done", "parked", cpus), "the end")
    check("message" not in job, "a job that was done complains: %r", job)


def deleted(q):
    """Takes the DEVICE_DELETED events: [(id, by-guest)], and looks at their paths."""
    found = [e["data"] for e in q.events if e["event"] == "DEVICE_DELETED"]
    q.events = [e for e in q.events if e["event"] != "DEVICE_DELETED"]
    for d in found:
        equal(d["path"], "/machine/peripheral/" + d["device"], "path")
    return [(d["device"], d["by-guest"]) for d in found]


def sockets(first, last, by_guest=False):
    return [("socket-%d" % i, by_guest) for i in range(first, last + 1)]


def add(q, socket, name):
    q.execute("device_add",
              {"driver": "host-x86_64-cpu", "id": name, "socket-id": socket})
    job = q.wait_event("HOTPLUG_COMPLETED")["data"]
    equal(job["result"], "done", "device_add of socket %d: %r" % (socket, job))


def remove(q, name, **more):
    q.execute("device_del", dict({"id": name}, **more))
    return q.wait_event("HOTPLUG_COMPLETED")["data"]


def resize(q, to):
    job = q.resize(to)
    equal(job["result"], "done", "resize %d: %r" % (to, job))
    return job


def grown(v, to):
    """A client of the VM that has so many sockets now, all online."""
    q = v.ready().qmp()
    resize(q, to)
    q.events.clear()
    return q


def wait_states(q, expected):
    wait_until(lambda: states(q) == expected, "states %r, they are %r" % (
        expected, states(q)), 5)


def ignored(q):
    return q.execute("query-topology")["guest-writes-ignored"]


def go(v):
    """Types 'g' and waits until the guest has read it."""
    v.type("g")
    v.report()


def use(v):
    return v.vcpu_threads(), v.fds()
