"""--decompress host: the VMM enters the ELF file that a bzImage has compressed."""

import os
import struct
import tempfile

from test_limits import refused
from vm import GUEST, Vm, command, equal

SETUP = 1024  # bytes of real-mode code
HOST = ("--decompress", "host")


def zstd(data):
    """A frame of blocks that are stored as they are (RFC 8878, 3.1.1)."""
    out = struct.pack("<IBI", 0xFD2FB528, 0xA0, len(data))
    for at in range(0, len(data), 1 << 17):
        block = data[at:at + (1 << 17)]
        last = at + len(block) == len(data)
        out += struct.pack("<I", len(block) << 3 | last)[:3] + block
    return out


def bzimage(packed, size, payload_len=None):
    """What the kernel's build makes of it (Documentation/arch/x86/boot.rst)."""
    payload = packed + struct.pack("<I", size)
    head = bytearray(SETUP)
    for at, form, value in (
            (0x1f1, "B", 1), (0x201, "B", 0x66), (0x202, "4s", b"HdrS"), (0x206, "H", 0x020f),
            (0x236, "H", 1), (0x238, "I", 2047), (0x248, "I", 0),
            (0x24c, "I", len(payload) if payload_len is None else payload_len),
            (0x258, "Q", 1 << 24), (0x260, "I", 1 << 20)):
        struct.pack_into("<" + form, head, at, value)
    return bytes(head) + payload


def elf():
    with open(GUEST, "rb") as f:
        return f.read()


class Image:
    """A file of these bytes."""

    def __init__(self, data):
        self.folder = tempfile.TemporaryDirectory(prefix="hs-native-")
        self.path = os.path.join(self.folder.name, "vmlinuz")
        with open(self.path, "wb") as f:
            f.write(data)

    def __enter__(self):
        return self.path

    def __exit__(self, *_):
        self.folder.cleanup()


def boots(kernel):
    with Vm(kernel=kernel, more=HOST) as v:
        q = v.ready().qmp()
        equal(q.resize(3)["result"], "done", "result")
        at = len(v.console())
        q.execute("system_reset")
        v.wait_console("^bare: ready$", after=at)
        equal(v.report(), (3, "eee-----"), "the guest's view")


def test_a_bzimage_boots_grows_and_boots_again():
    with Image(bzimage(zstd(elf()), len(elf()))) as path:
        boots(path)


def test_what_is_not_compressed_boots_as_ever():
    boots(GUEST)


def test_what_cannot_be_decompressed_is_refused():
    good, size = zstd(elf()), len(elf())
    broken = good[:-5] + b"\xff" * 5
    for data, text in (
            (bzimage(b"\x1f\x8b" + good, size), "not compressed with zstd, all that"),
            (bzimage(good, size, len(good) + 5), "is cut short"),
            (bzimage(good, size, 1 << 31), "is cut short"),
            (bzimage(good, size, 7), "is cut short"),
            (bzimage(good, size, 0), "is cut short"),
            (bzimage(good[:-9], size), "cannot be decompressed: Bad message"),
            (bzimage(broken[:9] + b"\xff" * 3 + broken[12:], size), "cannot be decompressed"),
            (bzimage(good, size - 1), "cannot be decompressed: Bad message"),
            (bzimage(good, size + 1), "cannot be decompressed: Bad message"),
            (bzimage(good, 0), "cannot be decompressed"),
            (bzimage(zstd(b"no kernel" * 1000), 9000), "nor, decompressed, an x86 ELF file")):
        with Image(data) as path:
            refused(command(kernel=path, more=HOST), 1, path, text)
