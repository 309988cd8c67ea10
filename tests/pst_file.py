"""Writes small Outlook data files (PST, Unicode) for tests: folders with messages, their properties, attachments.

Enough for a reader to find its way, written by us from the published format; not for anything that is to be kept.

Source: MS-PST §2.2.2 (header, pages, blocks), §2.3 (heap, trees, property and table contexts), §2.4 (messaging).
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

TEXT, BINARY, NUMBER, TIME, FLAG = 0x001F, 0x0102, 0x0003, 0x0040, 0x000B
Value = str | bytes | int | datetime | bool
Attachment = tuple[str, str, bytes]
STORE_NODE, NAMES_NODE, ROOT_NODE = 0x21, 0x61, 0x122


@dataclass(slots=True)
class PstMessage:
    """Properties by tag, and attachments (name, kind, bytes)."""

    properties: Mapping[int, Value]
    attachments: Sequence[Attachment] = ()


@dataclass(slots=True)
class PstFolder:
    name: str
    messages: Sequence[PstMessage] = ()
    folders: Sequence[PstFolder] = field(default_factory=list)


def mail(subject: str, body: str, *, header: str = "", attachments: Sequence[Attachment] = ()) -> PstMessage:
    """A message with a sender and a date."""
    properties: dict[int, Value] = {
        0x001A: "IPM.Note", 0x0037: subject, 0x1000: body, 0x0C1A: "Ann Example", 0x0C1F: "ann@example.net",
        0x0C1E: "SMTP", 0x0E04: "Bob Example", 0x0E06: datetime(2010, 5, 1, 10, tzinfo=UTC), 0x0E07: 1,
        0x1035: f"<{subject.replace(' ', '.')}@example.net>",
    }  # fmt: skip
    if header:
        properties[0x007D] = header
    return PstMessage(properties, attachments)


def write_pst(path: Path, folders: Sequence[PstFolder]) -> Path:
    """The file, with these folders at the top."""
    path.write_bytes(_Writer().build(folders))
    return path


def _crc(data: bytes) -> int:
    return zlib.crc32(data, 0xFFFFFFFF) ^ 0xFFFFFFFF


def _signature(offset: int, block: int) -> int:
    value = (offset ^ block) & 0xFFFFFFFF
    return (value >> 16) ^ (value & 0xFFFF)


class _Writer:
    def __init__(self) -> None:
        self.file = bytearray(0x4600)
        self.blocks: list[tuple[int, int, int]] = []  # block, offset, size
        self.nodes: list[tuple[int, int, int, int]] = []  # node, data, sub, parent
        self.next_block = 0x4
        self.next_index = 0x400

    def build(self, folders: Sequence[PstFolder]) -> bytes:
        self.node(STORE_NODE, self.properties({0x3001: "A store", 0x0FF9: b"x" * 16}), 0, 0)
        named = struct.pack("<IHH", 0x8233, 1 << 1, 0)  # one name, of a number, in the usual set
        names: dict[int, Value] = {0x0001: 251, 0x0002: bytes(16), 0x0003: named, 0x0004: bytes(4)}
        self.node(NAMES_NODE, self.properties(names), 0, 0)
        self.folder(ROOT_NODE, ROOT_NODE, PstFolder("", (), folders))
        bbt_block, nbt_block = 0x1000, 0x1004
        nodes = [struct.pack("<QQQII", *node, 0) for node in sorted(self.nodes)]
        nbt = self.tree(0x81, 32, nodes, nbt_block)
        blocks = [struct.pack("<QQHHI", block, at, size, 2, 0) for block, at, size in sorted(self.blocks)]
        bbt = self.tree(0x80, 24, blocks, bbt_block)
        self.header(nbt, bbt)
        return bytes(self.file)

    def folder(self, node: int, parent: int, folder: PstFolder) -> None:
        shown: dict[int, Value] = {
            0x3001: folder.name,
            0x3602: len(folder.messages),
            0x3603: 0,
            0x360A: bool(folder.folders),
        }
        self.node(node, self.properties(shown), 0, parent)
        below = [(self.index(0x02), each) for each in folder.folders]
        held = [(self.index(0x04), each) for each in folder.messages]
        for number, each in below:
            self.folder(number, node, each)
        for number, message in held:
            self.message(number, node, message)
        self.node(node - 0x02 + 0x0D, self.table([number for number, _ in below]), 0, 0)
        self.node(node - 0x02 + 0x0E, self.table([number for number, _ in held]), 0, 0)

    def index(self, kind: int) -> int:
        self.next_index += 1
        return self.next_index << 5 | kind

    def message(self, node: int, parent: int, message: PstMessage) -> None:
        subs = []
        if message.attachments:
            numbers = [0x8025 + 0x20 * at for at in range(len(message.attachments))]
            subs.append((0x671, self.table(numbers), 0))
            for number, (name, kind, data) in zip(numbers, message.attachments, strict=True):
                shown: dict[int, Value] = {
                    0x3701: data,
                    0x3705: 1,
                    0x3707: name,
                    0x3704: name,
                    0x370E: kind,
                    0x0E20: len(data),
                }
                subs.append((number, self.properties(shown), 0))
        self.node(node, self.properties(message.properties), self.sub_nodes(subs) if subs else 0, parent)

    def node(self, node: int, data: int, sub: int, parent: int) -> None:
        self.nodes.append((node, data, sub, parent))

    # Blocks and pages

    def block(self, data: bytes, *, internal: bool = False) -> int:
        number = self.next_block | (2 if internal else 0)
        self.next_block += 4
        offset = len(self.file)
        padded = (len(data) + 16 + 63) // 64 * 64
        trailer = struct.pack("<HHIQ", len(data), _signature(offset, number), _crc(data), number)
        self.file += data + bytes(padded - len(data) - 16) + trailer
        self.blocks.append((number, offset, len(data)))
        return number

    def sub_nodes(self, subs: Sequence[tuple[int, int, int]]) -> int:
        entries = b"".join(struct.pack("<QQQ", *sub) for sub in sorted(subs))
        return self.block(struct.pack("<BBHI", 2, 0, len(subs), 0) + entries, internal=True)

    def page(self, kind: int, size: int, level: int, entries: Sequence[bytes], number: int) -> tuple[int, int]:
        self.file += bytes(-len(self.file) % 512)
        offset = len(self.file)
        body = b"".join(entries)
        most = 488 // size
        body += bytes(488 - len(body)) + struct.pack("<BBBBI", len(entries), most, size, level, 0)
        signature = _signature(offset, number)
        self.file += body + struct.pack("<BBHIQ", kind, kind, signature, _crc(body), number)
        return number, offset

    def tree(self, kind: int, size: int, entries: Sequence[bytes], number: int) -> tuple[int, int]:
        """Leaves, and one page above them where one isn't enough."""
        most = 488 // size
        leaves = [entries[at : at + most] for at in range(0, len(entries), most)]
        made = [self.page(kind, size, 0, leaf, number + 8 * (at + 1)) for at, leaf in enumerate(leaves)]
        if len(made) == 1:
            return made[0]
        above = [leaf[0][:8] + struct.pack("<QQ", *where) for leaf, where in zip(leaves, made, strict=True)]
        return self.page(kind, 24, 1, above, number)

    def header(self, nbt: tuple[int, int], bbt: tuple[int, int]) -> None:
        root = struct.pack("<IQQQQQQQQBBH", 0, len(self.file), 0x4400, 0, 0, *nbt, *bbt, 2, 0, 0)
        body = struct.pack("<HHHBBII", 0x4D53, 23, 19, 1, 1, 0, 0)
        body += struct.pack("<QQI", 0, 0x2000, 1) + bytes(128) + bytes(8) + root + bytes(4)
        body += b"\xff" * 256 + struct.pack("<BBHQ", 0x80, 0, 0, self.next_block)
        head = struct.pack("<II", 0x4E444221, _crc(body[:471])) + body + struct.pack("<I", _crc(body[:516])) + bytes(36)
        self.file[: len(head)] = head

    # Properties and tables

    def properties(self, values: Mapping[int, Value]) -> int:
        heap = _Heap(0xBC)
        entries = []
        heap.add(b"")  # the tree's header comes first
        heap.add(b"")
        for tag, value in sorted(values.items()):
            kind, data = _encoded(value)
            if kind in (NUMBER, FLAG):
                entries.append(struct.pack("<HHI", tag, kind, int.from_bytes(data, "little")))
            else:
                entries.append(struct.pack("<HHI", tag, kind, heap.add(data) if data else 0))
        heap.items[0] = struct.pack("<BBBBI", 0xB5, 2, 6, 0, heap.place(2))
        heap.items[1] = b"".join(entries)
        return self.block(heap.built(heap.place(1)))

    def table(self, rows: Sequence[int]) -> int:
        """A table whose rows have their number, and nothing else."""
        heap = _Heap(0x7C)
        columns = struct.pack("<HHHBB", NUMBER, 0x67F2, 0, 4, 0) + struct.pack("<HHHBB", NUMBER, 0x67F3, 4, 4, 1)
        for _ in range(4):
            heap.add(b"")
        index = b"".join(struct.pack("<II", row, at) for at, row in enumerate(rows))
        heap.items[1] = struct.pack("<BBBBI", 0xB5, 4, 4, 0, heap.place(3) if rows else 0)
        heap.items[2] = index
        heap.items[3] = b"".join(struct.pack("<IIB", row, 1, 0xC0) for row in rows)
        shape = struct.pack("<BBHHHH", 0x7C, 2, 8, 8, 8, 9)
        heap.items[0] = shape + struct.pack("<III", heap.place(2), heap.place(4) if rows else 0, 0) + columns
        return self.block(heap.built(heap.place(1)))


class _Heap:
    def __init__(self, signature: int) -> None:
        self.signature = signature
        self.items: list[bytes] = []

    def add(self, data: bytes) -> int:
        self.items.append(data)
        return self.place(len(self.items))

    @staticmethod
    def place(number: int) -> int:
        return number << 5

    def built(self, root: int) -> bytes:
        offsets, body = [12], b""
        for item in self.items:
            body += item
            offsets.append(12 + len(body))
        body += bytes(len(body) % 2)
        head = struct.pack("<HBBI4s", 12 + len(body), 0xEC, self.signature, root, bytes(4))
        table = struct.pack("<HH", len(self.items), 0) + b"".join(struct.pack("<H", at) for at in offsets)
        return head + body + table


def _encoded(value: Value) -> tuple[int, bytes]:
    if isinstance(value, bool):
        return FLAG, bytes([value])
    if isinstance(value, int):
        return NUMBER, value.to_bytes(4, "little")
    if isinstance(value, datetime):
        ticks = int((value - datetime(1601, 1, 1, tzinfo=UTC)).total_seconds()) * 10_000_000
        return TIME, ticks.to_bytes(8, "little")
    if isinstance(value, bytes):
        return BINARY, value
    return TEXT, value.encode("utf-16-le")
