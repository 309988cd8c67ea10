"""Attachments that messages share: one mailbox in a store that keeps them once, and in one that doesn't.

The mailbox is invented: threads in which a file goes round, newsletters with one body, and files that come only once.
Real mailboxes differ; the table says what was put in. Not for mail without attachments (`ingesting`, `sizing`).
"""

from __future__ import annotations

import base64
import hashlib
import random
import time
from collections.abc import Iterator
from pathlib import Path

from archive.store import Ingest, Keys, Store
from archive.store.layout import Head, read_head
from archive.store.operations import statistics
from benchmarks.figures import Target, table
from benchmarks.section import Bench, Result

TITLE = "Shared attachments"
THREADS, ALONE, CIRCULARS = 60, 120, 8
WORDS = ("minutes", "offer", "invoice", "plan", "contract", "report", "drawing", "the", "of", "for", "and", "please")
MOST_SLOWER = 1.25


def mailbox() -> Iterator[bytes]:
    """The messages, the same ones each time."""
    chance = random.Random(4)  # noqa: S311 - a mailbox, no secret
    for thread in range(THREADS):
        files = [_file(chance) for _ in range(chance.choice((1, 1, 2)))]
        for reply in range(chance.randrange(2, 9)):
            yield _letter(chance, f"Re: thread {thread} {reply}", files, chance.choice((76, 76, 72)))
    for number in range(ALONE):
        yield _letter(chance, f"file {number}", [_file(chance)], 76)
    for number in range(CIRCULARS):
        body = "\r\n".join(" ".join(chance.choices(WORDS, k=11)) for _ in range(800))
        for to in range(25):
            yield f"Received: from mail by host{to} with id {chance.random()}\r\nTo: user{to}@example.org\r\n" \
                  f"Subject: circular {number}\r\n\r\n{body}\r\n".encode()  # fmt: skip


def _file(chance: random.Random) -> bytes:
    """As PDF, pictures and office files are: hardly to be compressed, 30 KB to 2 MB."""
    return chance.randbytes(int(30_000 * 2 ** (chance.random() * 6)))


def _letter(chance: random.Random, subject: str, files: list[bytes], line: int) -> bytes:
    head = f"From: a{chance.randrange(90)}@example.org\r\nSubject: {subject}\r\nMIME-Version: 1.0\r\n"
    text = " ".join(chance.choices(WORDS, k=200))
    parts = [f'{head}Content-Type: multipart/mixed; boundary="limit"\r\n\r\n--limit\r\n\r\n{text}'.encode()]
    for file in files:
        encoded = base64.b64encode(file)
        lines = b"\r\n".join(encoded[at : at + line] for at in range(0, len(encoded), line))
        parts.append(b"--limit\r\nContent-Transfer-Encoding: base64\r\n\r\n" + lines)
    return b"\r\n".join([*parts, b"--limit--", b""])


def measure(bench: Bench, known: Result) -> Result:
    mails = list(mailbox())
    found: Result = {"messages": len(mails), "raw_bytes": sum(map(len, mails)), "once": [], "whole": []}
    for number in range(bench.rounds):
        for kind in ("once", "whole"):
            with bench.scratch("sharing") as folder:
                found[kind].append(_one(folder, mails, shares=kind == "once"))
            bench.say(f"sharing: {kind} {number}: {found[kind][-1]}")
    return found


def _one(folder: Path, mails: list[bytes], *, shares: bool) -> Result:
    keys = Keys(master=hashlib.sha256(b"bench").digest(), recovery_public=hashlib.sha256(b"recovery").digest())
    with Store.create(folder / "store", folder / "work", keys) as store:
        if not shares:  # as a store of the format before
            head = read_head(store.backend)
            store.backend.put("store.json", Head(2, head.identity, head.created).as_bytes())
    with Store.open(folder / "store", folder / "work", keys) as store:
        begun = time.perf_counter()
        with Ingest(store, 1, index="no") as ingest:
            for mail in mails:
                ingest.put("Inbox", content=mail)
        kept = time.perf_counter()
        read = sum(len(store.read(number)) for number in store.catalogue.numbers())
        done = time.perf_counter()
        figures = statistics.run(store, statistics.plan(store)).numbers
        return {
            "stored_bytes": figures["stored_bytes"], "attachments": figures["attachments"],
            "shared_bytes": figures["attachments_shared_bytes"], "ingest_s": kept - begun, "read_s": done - kept,
            "read_bytes": read,
        }  # fmt: skip


def _median(rounds: list[Result], name: str) -> float:
    return float(sorted(one[name] for one in rounds)[len(rounds) // 2])


def tables(found: Result) -> str:
    raw = found["raw_bytes"]
    rows = [
        (
            words,
            f"{_median(found[kind], 'stored_bytes') / 1e6:,.1f}",
            f"{_median(found[kind], 'stored_bytes') / raw:.3f}",
            f"{raw / 1e6 / _median(found[kind], 'ingest_s'):,.0f}",
            f"{raw / 1e6 / _median(found[kind], 'read_s'):,.0f}",
        )
        for kind, words in (("once", "attachments kept once"), ("whole", "each message whole (format 2)"))
    ]
    first = found["once"][0]
    text = (
        f"An invented mailbox: {found['messages']:,} mails, {raw / 1e6:,.1f} MB raw; {THREADS} threads in which one or "
        f"two files go round in 2 to 8 mails, {ALONE} files that come once, {CIRCULARS} circulars to 25 people each. "
        f"{first['attachments']} attachments and bodies are kept; sharing them saves "
        f"{first['shared_bytes'] / 1e6:,.1f} MB of their bytes.\n\n"
    )
    return text + table(("", "MB in the store", "÷ raw", "archived, MB/s", "read, MB/s"), rows)


def targets(found: Result) -> list[Target]:
    slower = _median(found["once"], "ingest_s") / _median(found["whole"], "ingest_s")
    share = _median(found["once"], "stored_bytes") / _median(found["whole"], "stored_bytes")
    return [
        Target("size with attachments kept once ÷ without, invented mailbox", share, 0.6),
        Target("time to archive with attachments kept once ÷ without", slower, MOST_SLOWER),
    ]
