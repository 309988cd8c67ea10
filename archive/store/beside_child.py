"""The process that parses batches for a large import: its loop. Started by `beside`, and nowhere imported."""

from __future__ import annotations

import contextlib
import gc
import marshal
import signal
import socket
import struct
import sys
from collections.abc import Sequence

from .beside import ANSWER, ORDER, ORDER_BYTES, Slot, read_whole, write_whole
from .parsing import parse_plainly

# Parsing makes many small objects and no cycles.
GC_OBJECTS = 200_000


def serve(door: socket.socket, slots: Sequence[Slot]) -> None:
    """Answer orders until the other side goes away."""
    door.send(ANSWER.pack(0))
    while order := door.recv(ORDER_BYTES):
        number, with_texts, count = ORDER.unpack_from(order)
        sizes = struct.unpack_from(f"<{count}Q", order, ORDER.size)
        data, at, raws = read_whole(slots[number].there, sum(sizes)), 0, list[bytes]()
        for size in sizes:
            raws.append(data[at : at + size])
            at += size
        answer = marshal.dumps(parse_plainly(raws, with_texts=bool(with_texts)))
        write_whole(slots[number].back, answer)
        door.send(ANSWER.pack(len(answer)))


def main(arguments: Sequence[str]) -> None:
    """arguments: the numbers of the open files: the door, then two for each slot."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # meant for all of a terminal: the other side decides
    gc.set_threshold(GC_OBJECTS, *gc.get_threshold()[1:])
    door, *files = map(int, arguments)
    slots = [Slot(*files[at : at + 2]) for at in range(0, len(files), 2)]
    with contextlib.suppress(ConnectionError):
        serve(socket.socket(fileno=door), slots)


if __name__ == "__main__":
    main(sys.argv[1:])
