"""Documents of the index as far as a message alone decides them: its words, people and names, ready to be added.

Made by whoever parsed the message, in another process too (`parsing`); number, folders and mailboxes come later, from
the catalogue (`index.document_of`). What each field holds is in README.md §7.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import zstandard

from archive.mail.attached import FileText
from archive.mail.extract import Address, Extract
from archive.query.analysis import prepare

MOST_NAMES = 2_000
PACKED_BYTES = 64 << 20


@dataclass(slots=True)
class Draft:
    """The texts of each field, none empty, each on its own, so that no phrase reaches from one into the next."""

    texts: dict[str, list[str]]
    files: bytes = b""
    has_attachment: bool = False


def draft_of(text: Extract) -> Draft:
    """The draft of one message."""
    texts: dict[str, list[str]] = {}
    head: list[str] = []
    if text.subject:
        head = [prepare(text.subject)]
        texts["subject"] = head[:1]
    for name, people in (("from", text.from_), ("to", text.to), ("cc", text.cc)):
        if people:
            _add_people(texts, head, name, people)
    if text.attachment_names or text.files:
        names = [prepare(name) for name in names_of(text)]
        head += names
        texts["attachment"] = [*names, *(prepare(each.text) for each in text.files if each.text)]
    if head:
        texts["head"] = head
    if text.body:
        texts["body"] = [prepare(text.body)]
    if text.message_id:
        texts["msgid"] = [text.message_id[:1000]]
    if reasons := {each.reason for each in text.files if each.reason}:
        texts["unread"] = ["any", *sorted(reasons)]  # the query language asks for any
    return Draft(texts, pack_files(text.files) if text.files else b"", text.has_attachment)


def _add_people(texts: dict[str, list[str]], head: list[str], name: str, people: Sequence[Address]) -> None:
    known = [_person(each.name, each.address) for each in people]
    shown = [words for words, _terms in known if words]
    texts[name] = shown
    head += shown
    terms = known[0][1] if len(known) == 1 else dict.fromkeys(itertools.chain(*(terms for _words, terms in known)))
    if terms:
        texts[f"address_{name}"] = list(terms)


@lru_cache(maxsize=8192)
def _person(name: str, address: str) -> tuple[str, tuple[str, ...]]:
    """A person's words and terms; the same few write to the same few."""
    return prepare(f"{name} {address}" if name else address), tuple(address_terms(address))


def address_terms(address: str) -> Iterable[str]:
    """Of an address: itself, its local part as `local@`, its domain and each parent domain as `@domain`."""
    address = address.lower()[:500]
    local, at, domain = address.rpartition("@")
    if not at:
        return ()
    labels = domain.split(".")
    domains = ("@" + ".".join(labels[i:]) for i in range(max(len(labels) - 1, 1)))
    return dict.fromkeys((address, f"{local}@", *domains))


def names_of(text: Extract) -> list[str]:
    """The names of attached files, and of those in them."""
    names = [*text.attachment_names, *(each.name for each in text.files if each.name)]
    return list(dict.fromkeys(names))[:MOST_NAMES]


def pack_files(files: Sequence[FileText]) -> bytes:
    """What a document keeps of the attached files, so that a page can say which of them matched, and which were not
    read."""
    said = [[each.name, each.text, each.reason] for each in files]
    return zstandard.compress(json.dumps(said, ensure_ascii=False).encode("utf-8", "replace"), 3)


def unpack_files(packed: bytes) -> list[FileText]:
    """The inverse of `pack_files`."""
    said = json.loads(zstandard.decompress(packed, max_output_size=PACKED_BYTES))
    return [FileText(*each) for each in said]
