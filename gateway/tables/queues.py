"""The list of what waits to leave."""

from __future__ import annotations

from typing import Any

from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from config.kit.list_big import BigListing
from config.kit.list_fields import Main, State, Text, Time
from config.kit.list_query import Op, Value
from config.kit.list_ranges import Number
from config.kit.listing import View
from config.kit.tables import Empty
from gateway.models import QueueItem

TONES = {"waiting": "busy", "held": "warn"}


def either_case(path: str, op: Op, value: Value) -> Q:
    """From its beginning, as it was typed and in small letters: addresses are kept as they were said."""
    text = value.text.rstrip("*")
    lookup = "exact" if op == "=" else "startswith"
    found = Q()
    for form in sorted({text, text.lower()}):
        found |= Q(**{f"{path}__{lookup}": form})
    return found


class Address(Text):
    """An address from its beginning."""

    def compare(self, op: Op, value: Value) -> Q:
        return either_case(self.orm_path, op, value)

    def word(self, value: Value) -> Q:
        return self.compare(":", value)


class MainAddress(Main):
    """The same, as the row's name."""

    def compare(self, op: Op, value: Value) -> Q:
        return either_case(self.orm_path, op, value)

    def word(self, value: Value) -> Q:
        return self.compare(":", value)


def _sender(row: QueueItem) -> Any:
    return row.sender or "<>"


def _place(row: QueueItem) -> Any:
    return getattr(row, "place", "") or row.destination


FIELDS = (
    MainAddress("to", _("To"), path="address", words=True, long=True, url="gateway:queue-item"),
    Address("from", _("Envelope sender"), path="sender", show=_sender, long=True),
    Text("subject", _("Subject"), path="message__subject", long=True, search=False),
    Text("destination", _("Destination"), whole=True, show=_place, mono=True),
    Text("queue", _("Queue"), whole=True, shown=False),
    State("state", _("State"), choices=tuple(QueueItem.State.choices), tones=TONES, filter=True),
    Number("tries", _("Tries"), path="attempts", search=False),
    Text("answer", _("Last answer"), path="last_reply", long=True, search=False),
    Time("next", _("Next try"), path="next_at", search=False),
    Time("came", _("Came"), path="created_at", sort=True),
    Text("key", pgettext_lazy("of a message", "Key"), path="message__key", whole=True, column=False),
)

QUEUED: BigListing[QueueItem] = BigListing(
    "gateway.queue",
    FIELDS,
    sort="came",
    caption=_("Queues"),
    placeholder=_("Beginning of the recipient's address"),
    views=(View(_("Held back"), "state=held"), View(_("Older than a day"), "q=came<-1d")),
    first_step=Empty(
        _("Nothing waits to leave"),
        _("Messages on their way out are listed here until their server has taken them."),
        "queue-list",
    ),
    nothing=_("No message like this"),
)
