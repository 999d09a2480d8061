"""ctl: hotsocketctl, as a user calls it."""

import json
import os
import subprocess

from qmp import patience
from vm import BUILD, check

CTL = os.path.join(BUILD, "hotsocketctl")


def ctl(v, *args, status=0):
    """Its output; it must end with this status."""
    p = subprocess.run([CTL, "-s", v.socket] + list(args), stdin=subprocess.DEVNULL,
                       capture_output=True, timeout=patience(20), check=False)
    check(p.returncode == status, "hotsocketctl %r: status %d, %s",
          args, p.returncode, p.stderr.decode())
    return p.stdout.decode()


def document(v, *args):
    return json.loads(ctl(v, *args, "-o", "json"))


def events(v):
    """(type, reason, count, message) of each, the oldest first."""
    return [(e["type"], e["reason"], e["count"], e["message"])
            for e in document(v, "events")["items"]]


def condition(v, kind):
    """(status, reason, message, time) of one condition."""
    found = [c for c in document(v, "get")["status"]["conditions"] if c["type"] == kind]
    check(len(found) == 1, "conditions %s: %r", kind, found)
    c = found[0]
    return c["status"], c["reason"], c["message"], c["lastTransitionTime"]


def topology(v):
    """(wanted sockets, sockets that the guest has)"""
    vm = document(v, "get")
    return (vm["spec"]["domain"]["cpu"]["sockets"],
            vm["status"]["currentCPUTopology"]["sockets"])


def metrics(text):
    """{series: value}"""
    return dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
