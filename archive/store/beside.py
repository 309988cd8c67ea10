"""Parsing in a process of its own, beside this one: a large import keeps two processors busy, not one.

This side; the other one is `beside_child`. A batch's bytes go over in an open file in memory, and what they say comes
back in another, so that neither side waits for the other to read a pipe. The process knows nothing of the store and
holds nothing worth keeping: where it dies or is silent, its batches are parsed here. It ends when this side goes away,
however that ends.
Why: docs/decisions/0044-parsing-beside.md.
"""

from __future__ import annotations

import marshal
import os
import select
import socket
import struct
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .parsing import Parsed, from_plain

SLOTS = 3
SILENCE_SECONDS = 180.0
LARGE_FILE_BYTES = 16 << 20
ORDER = struct.Struct("<BBI")  # slot, whether texts are wanted, number of sizes (u64 each) that follow
ANSWER = struct.Struct("<Q")
ORDER_BYTES = 64 << 10
_ROOT = Path(__file__).resolve().parent.parent.parent


@dataclass(slots=True)
class Slot:
    """The two files that one batch at a time goes through."""

    there: int
    back: int

    @classmethod
    def make(cls) -> Slot:
        return cls(_memory_file("there"), _memory_file("back"))

    def close(self) -> None:
        os.close(self.there)
        os.close(self.back)


class Beside:
    """This side. Batches are answered in the order they were sent, at most SLOTS at a time. For one thread."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._door = ours
        self._slots = [Slot.make() for _ in range(SLOTS)]
        self._free = list(range(SLOTS))
        self._sent: list[int] = []
        self._is_up = False
        files = [fd for slot in self._slots for fd in (slot.there, slot.back)]
        with theirs:
            inherited = [theirs.fileno(), *files]
            self._process = subprocess.Popen(
                [sys.executable, "-s", "-P", "-B", "-m", f"{__name__}_child", *map(str, inherited)],
                env={"PYTHONPATH": str(_ROOT), "LC_ALL": "C.UTF-8"},
                pass_fds=inherited,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd="/",
            )

    @property
    def has_room(self) -> bool:
        """Whether it takes a batch now: it is up, and not all its slots are taken. Raises: OSError."""
        if not self._is_up:
            try:
                self._is_up = bool(self._door.recv(ANSWER.size, socket.MSG_DONTWAIT))
            except BlockingIOError:
                return False
            if not self._is_up:
                raise OSError("the parsing process did not start")
        return bool(self._free)

    def send(self, raws: Sequence[bytes], *, with_texts: bool) -> None:
        """Hand over a batch of as small as an order can name, where there `has_room`. Raises: OSError."""
        number = self._free.pop()
        self._sent.append(number)
        slot = self._slots[number]
        sizes = list(map(len, raws))
        write_whole(slot.there, b"".join(raws))
        order = ORDER.pack(number, with_texts, len(sizes)) + struct.pack(f"<{len(sizes)}Q", *sizes)
        self._door.send(order)

    def receive(self) -> list[Parsed]:
        """What the oldest batch says. Raises: OSError, ValueError (it died, is silent, or makes no sense)."""
        number = self._sent.pop(0)
        if not select.select([self._door], [], [], SILENCE_SECONDS)[0]:
            raise TimeoutError("the parsing process is silent")
        said = self._door.recv(ANSWER.size)
        if len(said) != ANSWER.size:
            raise OSError("the parsing process went away")
        data = read_whole(self._slots[number].back, ANSWER.unpack(said)[0])
        values = marshal.loads(data)  # noqa: S302 - of our own process
        self._free.append(number)
        return [from_plain(value) for value in values]

    def close(self) -> None:
        """End the process."""
        self._door.close()
        self._process.kill()
        self._process.wait()
        for slot in self._slots:
            slot.close()


def _memory_file(name: str) -> int:
    if hasattr(os, "memfd_create"):
        return os.memfd_create(name)
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


def write_whole(file: int, data: bytes) -> None:
    """The file's new content. It is cut first where it has been large, so that it doesn't stay so."""
    if os.fstat(file).st_size > LARGE_FILE_BYTES:
        os.ftruncate(file, 0)
    if os.pwrite(file, data, 0) != len(data):
        raise OSError("no memory for a batch of messages")


def read_whole(file: int, size: int) -> bytes:
    data = os.pread(file, size, 0)
    if len(data) != size:
        raise OSError("a batch of messages is cut short")
    return data
