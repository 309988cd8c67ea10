"""Making one mailbox's digest: its row, its links, and the mail in the queue, in one transaction.

So a mail is never sent twice for a moment, and what it told is never forgotten, whenever a process dies. Where the
mailbox has forwards the mail goes with them: it goes where the person reads their mail. Not for when (`command`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from django.conf import settings
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone, translation

from accounts import links
from accounts.models import User
from accounts.secrets import new_token, token_hash
from config.kit import branding, mailing
from config.kit.mailing import Letter
from domains.models import Mailbox
from gateway.bounces.sending import post
from gateway.digests.items import COVERS, SETTLES, Found, find, item_of
from gateway.digests.letter import Around, as_letter
from gateway.digests.options import OFTEN, Plan
from gateway.digests.times import zone_for
from gateway.models import Digest, DigestLink, Recipient
from gateway.naming import own_domain
from gateway.release_options import Way, ways_of
from gateway.resolving import resolve
from gateway.services.held import is_infected


class Outcome(StrEnum):
    """What came of it."""

    SENT = "sent"
    NOTHING = "nothing"  # nothing new
    BEFORE = "before"  # this moment had its mail already
    NOWHERE = "nowhere"  # the address leads to nobody just now


@dataclass(frozen=True, slots=True)
class Reader:
    """Whom the mail is for. `mailbox.user` is loaded and is not None."""

    mailbox: Mailbox
    plan: Plan

    @property
    def person(self) -> User:
        assert self.mailbox.user is not None
        return self.mailbox.user

    @property
    def language(self) -> str:
        return self.person.language or settings.LANGUAGE_CODE


def password_mark(person: User) -> str:
    """Of the password somebody has now: another one gives another mark."""
    return token_hash(person.get_session_auth_hash())


def due_digest(reader: Reader, due_at: datetime) -> Outcome:
    """The mail of a moment of the schedule."""
    box = reader.mailbox
    known = Digest.objects.filter(mailbox=box, due_at=due_at).exists()
    if known:
        return Outcome.BEFORE
    last = Digest.objects.filter(mailbox=box).exclude(covers_until=None).order_by("-made_at").first()
    begin, end = due_at - COVERS, timezone.now() - SETTLES
    if last is not None and last.covers_until is not None:
        begin = max(begin, last.covers_until)
    found = find(box.pk, begin, end)
    if not found.rows:
        return Outcome.NOTHING
    try:
        return _make(reader, found, lambda: Digest.objects.create(
            mailbox=box, due_at=due_at, covers_until=end, items=found.count
        ))  # fmt: skip
    except IntegrityError:  # another process was faster
        return Outcome.BEFORE


def digest_now(reader: Reader) -> Outcome:
    """What lies in quarantine at this moment, new or not, because the person asked; the schedule goes on as ever."""
    now = timezone.now()
    found = find(reader.mailbox.pk, now - COVERS, now)
    if not found.rows:
        return Outcome.NOTHING
    return _make(reader, found, lambda: Digest.objects.create(mailbox=reader.mailbox, items=found.count))


def _make(reader: Reader, found: Found, create: Callable[[], Digest]) -> Outcome:
    routes = resolve(reader.mailbox.address, "").routes
    if not routes:
        return Outcome.NOWHERE
    with transaction.atomic():
        digest = create()
        address = f"postmaster@{own_domain()}"
        letter, sender = _letter(reader, found, digest)
        raw, message_id = mailing.written(
            reader.mailbox.address, letter, name=reader.person.name, sender=sender, address=address
        )
        digest.message, _queued = post(
            made_bytes=raw, subject=letter.subject, message_id=message_id, routes=routes, at=timezone.now(),
            header_from=mailing.address() or address,
        )  # fmt: skip
        digest.save(update_fields=["message"])
    return Outcome.SENT


def _letter(reader: Reader, found: Found, digest: Digest) -> tuple[Letter, str]:
    """In the reader's language and time; and the name it comes from."""
    ways = ways_of(reader.mailbox)
    offered = [row for row in found.rows if ways.way(row, infected=is_infected(row)) is not Way.NOT]
    urls = _links(reader, offered, digest)
    language = reader.language
    with translation.override(language), timezone.override(zone_for(reader.plan)):
        brand = branding.of_person(reader.person, language)
        items = [item_of(row, ways, urls.get(row.pk, "")) for row in found.rows]
        often = "" if digest.due_at is None else str(OFTEN[reader.plan.often])
        around = Around(reader.mailbox.address, found.count, reader.plan.link_days, often, brand)
        return as_letter(items, around), brand.name or "Postkeep"


def _links(reader: Reader, rows: Sequence[Recipient], digest: Digest) -> dict[int, str]:
    """A new address for each message; it stands in the mail and nowhere else."""
    mark, until = password_mark(reader.person), digest.made_at + timedelta(days=reader.plan.link_days)
    tokens = {row.pk: new_token() for row in rows}
    DigestLink.objects.bulk_create(
        DigestLink(
            digest=digest, recipient=row, token_hash=token_hash(tokens[row.pk]), password_mark=mark, expires_at=until
        )
        for row in rows
    )
    home = links.public_url().rstrip("/")
    return {pk: home + reverse("gateway:digest-link", args=[token]) for pk, token in tokens.items()}
