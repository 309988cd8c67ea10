"""What a digest mail tells of each message, in the present language; and what a preview shows where there is nothing.

Not for links (`making`) nor for how a mail looks (`letter`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.translation import gettext as _

from config.kit.nav import Text
from config.kit.templatetags.kit import day_text
from domains.policy.facts import Direction
from domains.policy.reasons import Code
from gateway import wording
from gateway.models import Recipient
from gateway.release_options import Way, Ways
from gateway.services.held import is_infected

MOST_LISTED = 100
COVERS = timedelta(days=31)  # a first mail tells of no more
SETTLES = timedelta(minutes=15)  # what came in just now may not be there yet; the next mail has it


@dataclass(frozen=True, slots=True)
class Item:
    """One message. way: how its reader comes by it; url: its link, "" where there is none."""

    subject: str
    sender: str
    envelope: str  # the envelope sender where it is another one
    verdict: Text
    tone: str
    why: str
    received_at: datetime
    way: Way
    url: str = ""

    @property
    def when(self) -> str:
        """When it came in, in the reader's time."""
        return f"{day_text(self.received_at, timezone.now())}, {timezone.localtime(self.received_at):%H:%M}"

    @property
    def note(self) -> str:
        """What is said where there is no link."""
        return "" if self.url else _("Only an administrator can release it.")


@dataclass(frozen=True, slots=True)
class Found:
    """What a mail would tell: rows, newest first, and how many there are that it doesn't list."""

    rows: Sequence[Recipient]
    more: int = 0

    @property
    def count(self) -> int:
        return len(self.rows) + self.more


def find(mailbox_id: int, since: datetime, until: datetime) -> Found:
    """What lies in quarantine and was received later than `since`, not later than `until`; two queries at most."""
    held = Recipient.objects.filter(
        mailbox_id=mailbox_id, state=Recipient.State.HELD, received_at__gt=since, received_at__lte=until,
        direction=Direction.INCOMING.value,
    )  # fmt: skip
    rows = list(held.select_related("message").defer("message__facts").order_by("-received_at", "-pk")[:MOST_LISTED])
    more = held.count() - MOST_LISTED if len(rows) == MOST_LISTED else 0
    return Found(rows, max(0, more))


def item_of(row: Recipient, ways: Ways, url: str = "") -> Item:
    """A message as the mail tells of it."""
    message = row.message
    sender, envelope = one_line(message.header_from or message.sender), one_line(message.sender)
    return Item(
        subject=one_line(message.subject[:200]),
        sender=sender,
        envelope=envelope if envelope.lower() != sender.lower() else "",
        verdict=wording.CATEGORIES.get(row.category, row.category),
        tone=wording.CATEGORY_TONES.get(row.category, "warn"),
        why=wording.decided_because(row.decision),
        received_at=row.received_at,
        way=ways.way(row, infected=is_infected(row)),
        url=url,
    )


def one_line(text: str) -> str:
    """A stranger's words in one line, without what turns a line round or breaks it: nobody writes lines of ours."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())


def examples() -> list[Item]:
    """For a preview where nothing real may or can be shown."""
    now, url = timezone.now(), "#"
    words, tones = wording.CATEGORIES, wording.CATEGORY_TONES
    spam = wording.why({"code": Code.SPAM, "data": {"score": 9.0, "limit": 5.0}})
    file = wording.why({"code": Code.ATTACHMENT_DENIED, "data": {"piece": "invoice.exe"}})
    virus = wording.why({"code": Code.VIRUS, "data": {"names": "Eicar-Test-Signature"}})
    return [
        Item(
            _("You have won"), "prizes@lottery.example", "bounces@mail.lottery.example", words["spam"], tones["spam"],
            spam, now - timedelta(hours=2), Way.ITSELF, url,
        ),
        Item(
            _("Your invoice"), "billing@partner.example", "", words["bad_attachment"], tones["bad_attachment"], file,
            now - timedelta(hours=9), Way.REQUEST, url,
        ),
        Item(
            _("Your parcel"), "parcel@delivery.example", "", words["virus"], tones["virus"], virus,
            now - timedelta(hours=11), Way.NOT,
        ),
    ]  # fmt: skip
