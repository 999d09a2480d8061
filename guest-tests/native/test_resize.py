"""CPUs come while the guest runs."""

import resource
import time

from qmp import patience
from vm import Skip, Vm, check, equal, kvm_max_vcpus, states, vcpus, wait_until

STEPS = ["request-read", "fd-created", "thread-up", "line-raised", "block-read",
         "acknowledged", "ost", "started", "online"]
PHASES = ["accepted", "plugged", "registered", "online"]


def job_is_whole(q, job, cpus):
    """The events of a job that was done: its phases in order, and the times rise."""
    events = [e for e in q.events if e["event"] == "HOTPLUG_PHASE" and
              e["data"]["job"] == job["job"]]
    q.events = [e for e in q.events if e not in events]
    equal([e["data"]["phase"] for e in events], PHASES, "phases")
    times = [e["data"]["elapsed-us"] for e in events] + [job["elapsed-us"]]
    equal(times, sorted(times), "elapsed-us of the phases, in order")
    equal(times[0], 0, "elapsed-us of accepted")
    check(times[-1] < patience(10) * 1e6, "it took %d us", times[-1])
    for e in events:
        equal(e["data"]["cpus"], cpus, "the job's CPUs in phase " + e["data"]["phase"])
    equal((job["result"], job["phase"], job["cpus"]), ("done", "online", cpus), "the end")
    steps = {s["step"]: s["elapsed-us"] for s in job["trace"]}
    equal(sorted(steps), sorted(STEPS), "steps of the trace")
    equal(list(steps.values()), sorted(steps.values()), "their times, in order")
    equal((steps["ost"], steps["online"]), (times[2], times[3]), "the phases in the trace")
    check("message" not in job, "a job that was done complains: %r", job)


def grows(spec, steps, ids, append="mode=irq", per_socket=1):
    """Resizes step by step; ids are the APIC ids of all possible CPUs."""
    with Vm(append, cpus=spec) as v:
        q = v.ready().qmp()
        have = boot = q.execute("query-topology")["sockets"]
        for sockets in steps:
            job = q.resize(sockets)
            new = list(range(have * per_socket, sockets * per_socket))
            job_is_whole(q, job, new)
            equal((job["from-sockets"], job["sockets"], job["vcpus"]),
                  (have, sockets, sockets * per_socket), "what the job says of itself")
            have = sockets
        n = have * per_socket
        v.wait_online({i: ids[i] for i in range(1, n)})
        equal(states(q), ["online"] * n + ["absent"] * (len(ids) - n), "states")
        equal([x["arch-id"] for x in vcpus(q)], list(ids), "arch-id of query-vcpus")
        check(boot < have, "nothing was added")
        equal(v.vcpu_threads(), list(range(n)), "vCPU threads")


def test_one_to_eight_step_by_step():
    grows("sockets=1,maxSockets=8", [2, 4, 8], range(8))


def test_one_to_forty_one_by_one():
    grows("sockets=1,maxSockets=40", range(2, 41), range(40))


def test_one_to_eight_in_one_go():
    grows("sockets=1,maxSockets=8", [8], range(8))


def test_a_guest_that_polls_gets_them_too():
    grows("sockets=1,maxSockets=8", [3, 8], range(8), append="mode=smp")


def test_a_socket_of_three_cores_and_two_threads():
    ids = [8 * s + 2 * c + t for s in range(3) for c in range(3) for t in range(2)]
    grows("sockets=1,cores=3,threads=2,maxSockets=3", [2, 3], ids, per_socket=6)


def test_three_hundred_possible_cpus_and_the_last_one():
    with Vm("mode=irq", cpus="sockets=1,maxSockets=300") as v:
        v.ready()
        v.wait_console("^bare: x2apic$")
        q = v.qmp()
        equal(add(q, 299, "last")["cpus"], [299], "the job's CPUs")
        equal(q.resize(3)["cpus"], [1], "the CPU that a resize to three adds")
        v.wait_online({1: 1, 299: 299})
        equal(states(q), ["online"] * 2 + ["absent"] * 297 + ["online"], "states")


def test_an_id_above_255_that_waits_takes_no_start_meant_for_its_low_bits():
    with Vm("mode=irq ostfail", cpus="sockets=1,maxSockets=300") as v:
        q = v.ready().qmp()
        equal(add(q, 299, "waits")["result"], "refused", "the add that the guest fails")
        v.type("g")
        v.report()  # it has read that, too
        equal(add(q, 299 - 256, "runs")["result"], "done", "the add of the other")
        v.wait_online({43: 43})


def test_1024_possible_cpus_and_the_last_one_comes_goes_and_comes_again():
    most = kvm_max_vcpus()
    if most < 1024:
        raise Skip("KVM on this host has at most %d vCPUs" % most)
    with Vm(cpus="sockets=1,maxSockets=1024") as v:
        q = v.ready().qmp()
        alone, both = (1, "e" + 1023 * "-"), (2, "e" + 1022 * "-" + "e")
        for _ in range(3):
            job = add(q, 1023, "last")
            equal((job["result"], job["cpus"]), ("done", [1023]), "the add")
            equal(v.report(), both, "the guest's view")
            q.execute("device_del", {"id": "last"})
            equal(q.wait_event("HOTPLUG_COMPLETED")["data"]["result"], "done", "the removal")
            equal(v.report(), alone, "the guest's view")
        equal(v.online_lines(), {1023: 1023}, "the CPU that the guest started")
        add(q, 1023, "last")
        at = len(v.console())
        q.execute("system_reset")
        v.wait_console("^bare: ready$", after=at)
        v.wait_console("^bare: cpu 1023 apic 1023 online$", after=at)
        equal(q.resize(3)["cpus"], [1], "the CPU that a resize after a reset adds")


def add(q, socket, name):
    equal(q.execute("device_add", {"driver": "host-x86_64-cpu", "id": name,
                                   "socket-id": socket}), {}, "return of device_add")
    return q.wait_event("HOTPLUG_COMPLETED")["data"]


def test_device_add_takes_any_free_socket_and_resize_fills_the_gaps():
    with Vm(cpus="sockets=1,cores=2,maxSockets=6") as v:
        q = v.ready().qmp()
        equal(add(q, 4, "blue")["cpus"], [8, 9], "CPUs of socket 4")
        ost = [e["data"]["info"]["device"] for e in q.events if e["event"] == "ACPI_DEVICE_OST"]
        equal(ost, ["blue", "blue"], "device in ACPI_DEVICE_OST")
        equal(add(q, 2, "green")["cpus"], [4, 5], "CPUs of socket 2")
        equal(q.resize(5)["cpus"], [2, 3, 6, 7], "CPUs that fill up to five sockets")
        paths = {h["props"]["socket-id"]: h.get("qom-path")
                 for h in q.execute("query-hotpluggable-cpus")}
        p = "/machine/peripheral/"
        equal(paths, {0: p + "socket-0", 1: p + "socket-1", 2: p + "green",
                      3: p + "socket-3", 4: p + "blue", 5: None}, "qom-path by socket")
        v.wait_online({i: i for i in range(1, 10)})


def test_above_the_maximum_is_refused_with_value_limit_source_and_remedy():
    with Vm(cpus="sockets=7,maxSockets=8") as v:
        q = v.ready().qmp()
        equal(q.resize(8)["result"], "done", "resize 8")
        text = q.error("resize", {"sockets": 9}).desc
        for part in ("sockets 9", "maxSockets 8", "set for the VM", "ask for 1 to 8",
                     "larger maxSockets"):
            check(part in text, "%r lacks %r", text, part)
    with Vm(cpus="sockets=2") as v:
        text = v.ready().qmp().error("resize", {"sockets": 9}).desc
        check("by default 4 x sockets" in text, "%r lacks the source of the limit", text)


def test_the_number_that_is_there_is_done_at_once():
    with Vm(cpus="sockets=2,maxSockets=4") as v:
        q = v.ready().qmp()
        v.wait_online({1: 1})
        job = q.execute("resize", {"sockets": 2})
        equal((job["state"], job["result"], job["cpus"]), ("completed", "done", []), "reply")


def test_at_any_early_moment():
    for ms in range(0, 201, 20):
        with Vm(cpus="sockets=1,maxSockets=4") as v:
            q = v.qmp()
            time.sleep(ms / 1000)
            equal(q.resize(3)["result"], "done", "resize %d ms after the start" % ms)
            v.wait_online({1: 1, 2: 2})
            equal(states(q), ["online"] * 3 + ["absent"], "states, %d ms" % ms)


def test_what_the_host_cannot_make_is_refused_whole_and_works_later():
    with Vm(cpus="sockets=1,cores=4,maxSockets=4") as v:
        q = v.ready().qmp()
        before = v.host_state(q)
        soft, hard = resource.prlimit(v.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(v.pid, resource.RLIMIT_NOFILE, (v.fds() + 2, hard))
        text = q.error("resize", {"sockets": 2}).desc
        check("cannot make vCPU" in text and "nothing was changed" in text, "%r", text)
        after = v.host_state(q)
        # An id that KVM gave stays taken, so its fd is kept for the next request.
        check(0 <= after.pop("fds") - before.pop("fds") <= 3, "fds")
        equal(after, before, "the VM after the refusal")
        equal(v.report(), (4, "eeee" + 12 * "-"), "the guest's view")
        resource.prlimit(v.pid, resource.RLIMIT_NOFILE, (soft, hard))
        equal(q.resize(2)["result"], "done", "the same resize later")
        v.wait_online({i: i for i in range(1, 8)})


def test_two_hundred_sockets_in_one_go():
    with Vm(cpus="sockets=1,maxSockets=200", memory="64M") as v:
        q = v.ready().qmp()
        equal(q.resize(200, timeout=20)["result"], "done", "resize 200")
        v.wait_online({i: i for i in range(1, 200)})
        wait_until(lambda: states(q) == ["online"] * 200, "all online")
