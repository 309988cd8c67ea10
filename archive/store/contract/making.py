"""What tests put into a store."""

from __future__ import annotations

import base64
import hashlib

from archive.mail.extract import extract

from ..adding import Incoming
from ..describe import describe
from ..indexer import Indexer
from ..splitting import Split
from ..store import Store


def mail(subject: str = "Hello", body: str = "Some text.", *, sender: str = "ann@example.org", date: str = "") -> bytes:
    """A small well-formed message."""
    when = f"Date: {date}\r\n" if date else ""
    head = f"From: {sender}\r\nTo: bob@example.net\r\nSubject: {subject}\r\n{when}"
    return f"{head}Message-ID: <{subject.replace(' ', '.')}@example.org>\r\n\r\n{body}\r\n".encode()


def letter(name: str, *attached: bytes, line: int = 76, ending: bytes = b"\r\n") -> bytes:
    """A message with files attached, as mail programs encode them: lines of base64."""
    lines = [b"From: ann@example.org", b"To: bob@example.net", b"Subject: " + name.encode(), b"MIME-Version: 1.0"]
    lines += [b'Content-Type: multipart/mixed; boundary="=limit="', b"", b"--=limit=", b"Content-Type: text/plain", b""]
    lines += [b"Here is " + name.encode()]
    for at, content in enumerate(attached):
        text = base64.b64encode(content)
        lines += [b"--=limit=", b"Content-Type: application/octet-stream; name=file%d.bin" % at]
        lines += [b"Content-Transfer-Encoding: base64", b"Content-Disposition: attachment", b""]
        lines += [text[start : start + line] for start in range(0, len(text), line)]
    return ending.join([*lines, b"--=limit=--", b""])


def noise(seed: int, size: int) -> bytes:
    """Bytes that can't be compressed, the same for the same seed."""
    return hashlib.shake_256(b"%d" % seed).digest(size)


def incoming(store: Store, content: bytes, folder: int, *, date: int | None = None) -> Incoming:
    """A message as `Store.add` takes it."""
    text = extract(content)
    when = date if date is not None else text.date if text.date is not None else 1_000_000_000
    split = Split.of(lambda at, length: content[at : at + length], len(content), store)
    return Incoming(
        sha256=hashlib.sha256(content).digest(),
        size=len(content),
        date=when,
        folder=folder,
        frames=lambda: split.frames(store),
        description=describe(text),
        parts=split.parts(store),
    )


def keep(store: Store, folder: int, *contents: bytes) -> list[int]:
    """Keep messages in one batch; their numbers."""
    return [one.number for one in store.add([incoming(store, content, folder) for content in contents])]


def bring_index(store: Store) -> None:
    with Indexer(store) as indexer:
        indexer.advance()
