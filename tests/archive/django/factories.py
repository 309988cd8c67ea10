"""Archived mail for tests: real stores, real messages, written here."""

from __future__ import annotations

from collections.abc import Iterable
from email.message import EmailMessage
from pathlib import Path

from accounts.actors import Actor
from accounts.models import User
from archive import engines
from archive.models import Store
from archive.services.stores import current_store
from archive.store import Ingest
from config.kit import secrets
from domains.models import Mailbox
from tests.factories import make_mailbox


def make_raw(
    subject: str = "Lunch on Friday",
    body: str = "Shall we meet at noon?\n",
    *,
    sender: str = "Ann Example <ann@example.net>",
    to: str = "Bob Example <bob@example.org>",
    date: str = "Sat, 31 Jan 2004 10:00:00 +0000",
    number: int = 1,
    html: str | None = None,
    attachments: Iterable[tuple[str, bytes]] = (),
) -> bytes:
    """The bytes of one well-formed message."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"], message["Date"] = sender, to, subject, date
    message["Message-ID"] = f"<{number}.{abs(hash(subject)) % 10_000}@example.net>"
    message.set_content(body)
    if html is not None:
        message.add_alternative(html, subtype="html")
    for name, data in attachments:
        message.add_attachment(data, maintype="application", subtype="octet-stream", filename=name)
    return message.as_bytes()


def make_mails(count: int, *, word: str = "budget") -> list[bytes]:
    """Different messages, one a day, the last one newest."""
    return [
        make_raw(
            f"Report {n}",
            f"The {word} of week {n}.\n",
            number=n,
            date=f"{1 + n % 28:02d} {('Jan', 'Feb', 'Mar', 'Apr')[n // 28 % 4]} {2005 + n // 112} 10:00:00 +0000",
        )
        for n in range(count)
    ]


def make_mbox(messages: Iterable[bytes]) -> bytes:
    """An mboxrd file of messages that have no line beginning with From."""
    return b"".join(
        b"From ann@example.net Sat Jan 31 10:00:00 2004\n" + raw.rstrip(b"\n") + b"\n\n" for raw in messages
    )


def ensure_keys() -> None:
    """The recovery key that `up` makes at its first start."""
    if not secrets.has_recovery_key():
        secrets.make_recovery_key()


def make_store() -> Store:
    """The current store, empty at its first use in a test."""
    ensure_keys()
    engines.close_all()
    return current_store(Actor.system())


def archive(
    owner: User | Mailbox, messages: Iterable[bytes], *, folder: str = "Inbox", index: bool = True
) -> list[str]:
    """Put messages into somebody's archive; their public ids in order. Without `index` they can't be searched."""
    store = make_store()
    mailbox = owner if isinstance(owner, Mailbox) else make_mailbox(owner)
    opened = engines.open_store(store)
    opened.mailbox(mailbox.pk, mailbox.address)
    with Ingest(opened, mailbox.pk, index="feed" if index else "no") as ingest:
        for raw in messages:
            ingest.put(folder, content=raw)
    return [f"{store.pk}:{outcome.number}" for outcome in ingest.outcomes()]


def folder_of(public_id: str) -> tuple[int, int]:
    """(store, folder number) of a message's first placement."""
    store_id, _, number = public_id.partition(":")
    row = engines.open_store(Store.objects.get(pk=store_id)).row(int(number))
    assert row is not None
    return int(store_id), row.placements[0][0]


def write(path: Path, data: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path
