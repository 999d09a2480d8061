"""A VM from a KubeVirt manifest."""

import os
import tempfile

from test_spec import quit_vm, run
from vm import GUEST, Vm, check, equal, states

MANIFEST = """\
apiVersion: kubevirt.io/v1
kind: VirtualMachine
metadata:
  name: vm1
spec:
  runStrategy: Always
  template:
    spec:
      domain:
        cpu: {cpu}
        resources:
          requests:
            memory: 64Mi
        devices:
          disks:
            - name: root
        firmware:
          kernelBoot:
            kernelArgs: mode=irq
            container:
              kernelPath: {kernel}
      volumes: []
"""

IGNORED = ("ignored, as it means nothing here: spec.runStrategy, spec.template.spec.volumes, "
           "spec.template.spec.domain.devices\n")
CPU = "spec.template.spec.domain.cpu"


class Manifest:
    """A manifest in a file of its own."""

    def __init__(self, cpu, kernel=GUEST):
        fd, self.path = tempfile.mkstemp(prefix="hs-manifest-", suffix=".yaml")
        os.write(fd, MANIFEST.replace("{cpu}", cpu).replace("{kernel}", kernel).encode())
        os.close(fd)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.unlink(self.path)

    def vm(self, *more):
        """Only --manifest, --qmp and --serial, and what is given."""
        return Vm(None, cpus=None, kernel=None, more=("--manifest", self.path) + more)

    def refused(self, *more):
        """What stderr says, without the warning and the manifest's name."""
        status, err = run("--manifest", self.path, *more)
        equal(status, 2, "exit status")
        start = "hotsocket: %s: " % self.path
        return err.splitlines()[-1].removeprefix(start)


def test_the_guest_has_its_topology_and_memory():
    with Manifest("{sockets: 2, cores: 2, threads: 1, maxSockets: 4}") as m, m.vm() as v:
        q = v.ready().qmp()
        v.wait_online({i: i for i in range(1, 4)})
        equal(states(q), ["online"] * 4 + ["absent"] * 4, "states")
        t = q.execute("query-topology")
        equal([t[k] for k in ("sockets", "cores", "threads", "max-sockets",
                              "max-sockets-source")],
              [2, 2, 1, 4, "set for the VM"], "topology")
        check("bare: cmdline mode=irq\n" in v.console(), "kernelArgs")
        check("-0x3ffffff" in v.console(), "64 MiB of memory")
        equal(q.resize(4)["result"], "done", "resize 4")
        check("maxSockets 4 (set for the VM)" in q.error("resize", {"sockets": 5}).desc,
              "maxSockets")
        quit_vm(v, q)
        equal(v.stderr(), "hotsocket: warning: %s: %s" % (m.path, IGNORED), "stderr")


def test_zeros_are_ones_and_the_command_line_comes_first():
    with Manifest("{sockets: 0, cores: 0, threads: 0, maxSockets: 0}") as m:
        with m.vm() as v:
            t = v.ready().qmp().execute("query-topology")
            equal((t["vcpus"], t["max-sockets"], t["max-sockets-source"]),
                  (1, 4, "by default 4 x sockets"), "vCPUs and limit")
        with m.vm("--cpus", "sockets=3,maxSockets=6", "--append", "mode=irq more") as v:
            t = v.ready().qmp().execute("query-topology")
            equal((t["sockets"], t["max-sockets"]), (3, 6), "sockets")
            check("bare: cmdline mode=irq more\n" in v.console(), "--append")


def test_what_contradicts_is_refused_with_its_path():
    with Manifest("{sockets: 10, maxSockets: 8}") as m:
        equal(m.refused(), CPU + ".sockets: CPU sockets 10 is greater than the maximum sockets "
              "allowed, maxSockets 8 (set for the VM); ask for 1 to 8, or start the VM with a "
              "larger maxSockets", "refusal")
        with m.vm("--cpus", "maxSockets=12") as v:
            equal(v.ready().qmp().execute("query-topology")["sockets"], 10, "sockets")
    with Manifest("{sockets: -1}") as m:
        equal(m.refused(), CPU + ".sockets: CPU sockets -1 is less than the minimum, 1; "
              "give 1 or more", "refusal")
    with Manifest("{maxSockets: 1000000}") as m:
        check(m.refused().startswith(CPU + ": CPU maxSockets 1000000 (set for the VM) x "),
              "what KVM cannot do")
    with Manifest("{cores: 2, cores: 3}") as m:
        equal(m.refused(), "line 10: duplicate key 'cores'; keep one", "refusal")
    with Manifest("&a {cores: 2}\n        memory: *a") as m:
        check("aliases are not read" in m.refused(), "alias")
    with Manifest("{}", kernel="") as m:
        check("kernel" in m.refused(), "no kernel")
        check("exclude each other" in m.refused("--spec", "/dev/null"), "two files")
