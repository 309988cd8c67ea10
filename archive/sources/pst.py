"""Outlook data files (PST, OST): their messages as Internet messages, read by libpff in a process of its own.

The parser of this hostile format runs with bounds on memory and processor time and no rights beyond reading; if it
dies, the file is named and the run goes on. Messages kept no bytes of their own there: they are put together from what
the file holds (the transport header where it is kept, the bodies, the attachments), always the same way, so that
reading a file again finds the same messages. Not for the way mail in other files is kept byte for byte.

`python -m archive.sources.pst PATH` is the process: it writes frames to stdout.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, cast

from archive.sources import pst_items
from archive.sources.model import SPOOL_OVER_BYTES, Found, Rejected
from archive.sources.names import shown
from archive.sources.spool import open_spool, rewind, write_spool

_HERE = Path(__file__).resolve().parent.parent.parent
_FRAME = struct.Struct("<IQ")  # bytes of JSON, bytes of message
MEMORY_BYTES = 1 << 30
CPU_SECONDS = 6 * 3600
MOST_MESSAGE_BYTES = 1 << 30
FATAL = "the file can't be read"


def read_pst(path: Path, *, spool_dir: Path, stop: Callable[[], bool] = lambda: False) -> Iterator[Found | Rejected]:
    """Every message of a file, folder by folder, and what can't be read; `offset` is the item's number in the file.

    Never raises for anything the file holds. Raises: SpoolFailed.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", "archive.sources.pst", str(path)],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=_HERE,
        env={"PYTHONPATH": str(_HERE), "PATH": os.environ.get("PATH", ""), "LANG": "C.UTF-8"},
    )  # fmt: skip
    assert process.stdout is not None
    try:
        yield from _frames(cast(BinaryIO, process.stdout), path, spool_dir, stop)
        if not stop() and process.wait(60) != 0:
            yield Rejected(shown(str(path)), None, f"{FATAL}: its reader died ({process.returncode})")
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        process.stdout.close()


def _frames(stream: BinaryIO, path: Path, spool_dir: Path, stop: Callable[[], bool]) -> Iterator[Found | Rejected]:
    name = shown(str(path))
    while not stop():
        head = stream.read(_FRAME.size)
        if len(head) < _FRAME.size:
            return
        told_bytes, size = _FRAME.unpack(head)
        if told_bytes > 1 << 20 or size > MOST_MESSAGE_BYTES:
            return
        told = json.loads(stream.read(told_bytes))
        if told.get("reason"):
            yield Rejected(name, told.get("id"), str(told["reason"]))
            continue
        content, spool = None, None
        if size <= SPOOL_OVER_BYTES:
            content = stream.read(size)
        else:
            spool = open_spool(spool_dir)
            left = size
            while left and (piece := stream.read(min(left, 1 << 20))):
                write_spool(spool, piece)
                left -= len(piece)
            rewind(spool)
        yield Found(name, told["id"], told["folder"], content, spool, size, told.get("received_at"))


# --- the process -------------------------------------------------------------------------------------------------


def _bound() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with contextlib.suppress(OSError):
        os.nice(5)


def _write(out: BinaryIO, told: dict[str, object], message: bytes = b"") -> None:
    text = json.dumps(told).encode()
    out.write(_FRAME.pack(len(text), len(message)) + text + message)
    out.flush()


def main() -> int:
    """The child. Everything it says is a frame."""
    _bound()
    out = sys.stdout.buffer
    try:
        for told, message in pst_items.items(sys.argv[1]):
            _write(out, told, message)
    except BrokenPipeError:
        return 0
    except Exception as error:  # a damaged file: said, and what came before stays
        _write(out, {"reason": f"{FATAL}: {str(error)[:300]}"})
    return 0


if __name__ == "__main__":
    sys.exit(main())
