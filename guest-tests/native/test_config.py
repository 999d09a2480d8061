"""The host configuration: where maxSockets comes from when the VM does not say."""

import json
import os
import tempfile

from test_spec import run
from vm import GUEST, Vm, check, equal


class Config:
    """A file for --config."""

    def __init__(self, **keys):
        fd, self.path = tempfile.mkstemp(prefix="hs-config-")
        os.write(fd, json.dumps(keys).encode())
        os.close(fd)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.unlink(self.path)


def limit(cpus, **keys):
    """(maxSockets, where it comes from) of a VM on a host with this configuration."""
    with Config(**keys) as c, Vm(cpus=cpus, more=("--config", c.path)) as v:
        q = v.ready().qmp()
        t = q.execute("query-topology")
        refusal = q.error("resize", {"sockets": t["max-sockets"] + 1}).desc
        check("(%s)" % t["max-sockets-source"] in refusal,
              "%r does not say where the limit comes from", refusal)
        return t["max-sockets"], t["max-sockets-source"]


def test_status_and_refusals_say_where_the_limit_comes_from():
    of_host = "by the host configuration's maxCpuSockets"
    equal(limit("sockets=2", maxCpuSockets=6, maxHotplugRatio=2), (6, of_host), "host's value")
    equal(limit("sockets=2,maxSockets=5", maxCpuSockets=6), (5, "set for the VM"), "the VM's")
    equal(limit("sockets=3", maxCpuSockets=2),
          (3, "as many as sockets, which are more than " + of_host[3:] + " 2"), "raised")
    equal(limit("sockets=2", maxHotplugRatio=3),
          (6, "by the host configuration 3 x sockets"), "ratio")
    equal(limit("sockets=2,cores=2", maxVcpus=12),
          (6, "by default 4 x sockets, within the host configuration's maximum of 12 vCPUs"),
          "cap")


def test_what_kvm_cannot_do_is_refused_with_its_source():
    with Config(maxCpuSockets=1000000) as c:
        status, err = run("--kernel", GUEST, "--config", c.path)
        equal(status, 2, "exit status")
        for part in ("maxSockets 1000000 (by the host configuration's maxCpuSockets)",
                     "KVM on this host", "at most"):
            check(part in err, "%r lacks %r", err, part)


def test_a_bad_configuration_is_refused_with_file_and_key():
    with Config(maxSocket=4) as c:
        status, err = run("--kernel", GUEST, "--config", c.path)
        equal(status, 2, "exit status")
        check(c.path + ": 'maxSocket' is not known" in err, "stderr: %r", err)
    status, err = run("--kernel", GUEST, "--config", c.path)
    equal(status, 2, "exit status")
    check(c.path + ": No such file" in err, "stderr: %r", err)
