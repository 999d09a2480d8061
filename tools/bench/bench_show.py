"""bench_show: what a bench has measured, for people and for programs."""

import json
import os
import statistics
import subprocess
import sys

# What --plot draws: key of a row and its name there.
PLOTTED = (("add-uevent", "request to uevent"), ("add-online", "request to online"),
           ("remove", "removal to DEVICE_DELETED"))


LIMIT = "the guest's own offline to online"
BAR = 48  # characters of the longest one


PROGRESS = "bench: "


def progress(text):
    print(PROGRESS + text, file=sys.stderr, flush=True)


class Row:
    """One thing: values of hotsocket, and of QEMU where it was measured, too."""

    def __init__(self, what, unit, values, below=None, n=None, qemu=(), key=None,
                 possible=None, ratio_below=None, limit=None):
        self.what, self.unit, self.below = what, unit, below
        self.key, self.possible, self.ratio_below = key, possible, ratio_below
        self.n = n or len(values)
        self.values, self.qemu = sorted(values), sorted(qemu)
        self.limit = sorted(limit or ())  # what nobody can beat, of the same VMs

    @staticmethod
    def spread(values):
        """(min, median, max) as text."""
        if not values:
            return ("", "-", "")
        median = "%.1f" % statistics.median(values)
        if len(values) == 1:
            return ("", median, "")
        return ("%.1f" % values[0], median, "%.1f" % values[-1])

    def ratio(self, other=None):
        """hotsocket to QEMU, or to other; None where one of them is missing."""
        other = self.qemu if other is None else other
        if not self.values or not other or statistics.median(other) == 0:
            return None
        return statistics.median(self.values) / statistics.median(other)

    def verdict(self):
        median = statistics.median(self.values) if self.values else None
        texts = []
        if self.below is not None and median is not None:
            texts.append("below %g: %s" % (self.below, "yes" if median < self.below else "NO"))
        if self.ratio_below is not None and self.ratio() is not None:
            texts.append("at most %g of QEMU: %s" % (
                self.ratio_below, "yes" if self.ratio() <= self.ratio_below else "NO"))
        if self.limit and self.values:
            times = self.ratio(self.limit)
            texts.append("within 1.3 of the limit: %s (%.2f)" % (
                "yes" if times <= 1.3 else "NO", times))
        return ", ".join(texts)

    def cells(self):
        ratio = self.ratio()
        return ((self.what, self.unit) + self.spread(self.values) + self.spread(self.qemu) +
                ("" if ratio is None else "%.2g" % ratio, str(self.n), self.verdict()))

    def object(self):
        o = {"what": self.what, "unit": self.unit, "n": self.n, "target": self.below,
             "hotsocket": numbers(self.values), "qemu": numbers(self.qemu),
             "ratio": self.ratio(), "target-ratio": self.ratio_below}
        if self.key is not None:
            o.update({"key": self.key, "possible-cpus": self.possible})
        return o


def numbers(values):
    if not values:
        return None
    return {"min": values[0], "median": statistics.median(values), "max": values[-1],
            "n": len(values)}


def print_table(rows):
    head = ("", "unit", "min", "hotsocket", "max", "min", "QEMU", "max", "ratio", "n", "target")
    left = (0, 1, len(head) - 1)
    lines, possible = [head], None
    for r in rows:
        if r.possible != possible:
            possible = r.possible
            title = "hotsocket alone" if possible is None else "%d possible CPUs" % possible
            lines.append((title,) + ("",) * (len(head) - 1))
        lines.append(r.cells())
    width = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    for line in lines:
        print("  ".join(x.ljust(w) if i in left else x.rjust(w)
                        for i, (x, w) in enumerate(zip(line, width))).rstrip())


def lines_of(r):
    """What is drawn of a row: (name, values), those that there are."""
    three = (("hotsocket", r.values), ("QEMU", r.qemu), (LIMIT, r.limit))
    return [(name, values) for name, values in three if values]


def print_bars(rows):
    """The medians, for a terminal."""
    for key, name in PLOTTED:
        drawn = [r for r in rows if r.key == key and r.values]
        bars = [(r.possible, vmm, statistics.median(values)) for r in drawn
                for vmm, values in lines_of(r)]
        longest = max((ms for _, _, ms in bars), default=0)
        if longest > 0:
            print("\n%s, ms, by the number of possible CPUs" % name)
        for possible, vmm, ms in bars:
            print("%5d  %-*s  %s %.0f" % (possible, len(LIMIT), vmm,
                                          "#" * round(BAR * ms / longest), ms))


def plot(rows, path):
    """In a process of its own: python3-matplotlib is for Debian's Python."""
    setup = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "setup")
    subprocess.run([setup, "plot"], check=True)
    lines = {}
    for r in rows:
        for vmm, values in lines_of(r) if r.key in dict(PLOTTED) else ():
            lines.setdefault(r.key, {}).setdefault(vmm, []).append(
                [r.possible, values[0], statistics.median(values), values[-1]])
    subprocess.run(["/usr/bin/python3", os.path.abspath(__file__), path],
                   input=json.dumps(lines).encode(), check=True)
    progress("%s is written" % path)


def paint(path, lines):
    import matplotlib
    matplotlib.use("Agg")
    from matplotlib import pyplot
    figure, axes = pyplot.subplots(1, len(PLOTTED), figsize=(12, 4))
    for axis, (key, name) in zip(axes, PLOTTED):
        for vmm, points in sorted(lines.get(key, {}).items()):
            x, low, y, high = zip(*points)
            axis.errorbar(x, y, yerr=[[b - a for a, b in zip(low, y)],
                                      [b - a for a, b in zip(y, high)]],
                          label=vmm, marker="o", capsize=3)
        axis.set(title=name, xlabel="possible CPUs", ylabel="ms", ylim=(0, None))
        axis.legend()
    figure.tight_layout()
    figure.savefig(path, dpi=100)


if __name__ == "__main__":
    paint(sys.argv[1], json.load(sys.stdin))
