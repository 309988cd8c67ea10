"""What tests of profiles stand on: profiles against a real Dovecot, runs of them, and what is in the archive then."""

from __future__ import annotations

from typing import Any

from accounts.actors import Actor
from archive import engines
from archive.models import Profile, ProfileRun, Store
from archive.services.profiles import keeping
from archive.services.profiles.arguments import ProfileArguments
from domains.models import Mailbox
from domains.services.mailboxes import ensure_mailbox
from jobs.models import Task
from jobs.services import run_here
from tests.dovecot_server import PASSWORD, Dovecot


def make_mailbox(address: str) -> Mailbox:
    return ensure_mailbox(Actor.system(), address)[0]


def server_values(dovecot: Dovecot, **more: Any) -> dict[str, Any]:
    """How to reach the server over checked TLS."""
    return {
        "host": "127.0.0.1", "port": dovecot.imaps, "security": "tls", "ca_certificate": dovecot.authority.pem,
        "password": PASSWORD, **more,
    }  # fmt: skip


def imap_profile(dovecot: Dovecot, address: str, **more: Any) -> Profile:
    """From the server's mailbox of an address into the archive of the same."""
    make_mailbox(address)
    values = server_values(dovecot, user_name=address, mailbox=address) | more
    return keeping.create_profile(Actor.system(), name=f"Mail of {address}", kind="imap", values=values)


def run(profile: Profile) -> ProfileRun:
    """Run it as the shell does; the result."""
    task = run_here(Actor.console(), "RunProfile", ProfileArguments(id=profile.pk))
    found = ProfileRun.objects.filter(task=task).first()
    assert found is not None, (task.state, task.error)
    return found


def run_well(profile: Profile) -> ProfileRun:
    """The same, with nothing wrong."""
    found = run(profile)
    assert (found.outcome, found.error) == ("succeeded", ""), (found.outcome, found.error)
    assert found.task is not None
    assert found.task.state == Task.State.COMPLETED
    return found


def archived(address: str) -> dict[str, list[bytes]]:
    """What the archive of an address holds: folder -> the messages, byte for byte, sorted."""
    mailbox = Mailbox.objects.get(address=address)
    found: dict[str, list[bytes]] = {}
    for store in Store.objects.all():
        opened = engines.open_store(store)
        for folder in opened.folders(mailbox.pk):
            rows = list(opened.iterate(None, mailboxes={mailbox.pk}, folder=folder.number))
            if rows:
                found.setdefault(folder.path, []).extend(opened.read(row.number) for row in rows)
    return {path: sorted(messages) for path, messages in found.items()}


def all_of(address: str) -> list[bytes]:
    return sorted(message for messages in archived(address).values() for message in messages)


def message(number: int, *, words: str = "", size: int = 0) -> bytes:
    """A message like no other, with CRLF as servers send them."""
    body = f"This is number {number}. {words}\r\n" + "x" * size + "\r\n"
    return (
        f"From: Ann <ann@example.net>\r\nTo: Bob <bob@example.org>\r\nSubject: Number {number}\r\n"
        f"Date: Sat, 31 Jan 2004 10:{number // 60 % 60:02d}:{number % 60:02d} +0000\r\n"
        f"Message-ID: <{number}@example.net>\r\n\r\n{body}"
    ).encode()
