"""Lists of messages by recipient: what came, what went, and what became of it."""

from __future__ import annotations

from typing import Any

from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from config.kit.list_big import BigListing
from config.kit.list_fields import Beginning, Choice, Main, State, Text, Time
from config.kit.list_query import Op, Value
from config.kit.list_ranges import Number
from config.kit.listing import View
from config.kit.tables import Empty
from gateway.models import Recipient
from gateway.wording import CATEGORIES, CATEGORY_TONES, DIRECTIONS, STATE_TONES

_SENDER = _("From")
_VERDICTS = tuple(CATEGORIES.items())


class _Address(Beginning):
    """An address from its beginning; kept as it was written, so both the plain and the small-letter form are asked."""

    def compare(self, op: Op, value: Value) -> Q:
        text = value.text.rstrip("*")
        lookup = "exact" if op == "=" else "startswith"
        forms = {text, text.lower()}
        found = Q()
        for form in sorted(forms):
            found |= Q(**{f"{self.orm_path}__{lookup}": form})
        return found


def _subject(row: Recipient) -> str:
    return row.message.subject or str(_("(no subject)"))


def _sender(row: Recipient) -> Any:
    return row.message.header_from or row.message.sender or "<>"


FIELDS = (
    Main("subject", _("Subject"), path="message__subject", show=_subject, url="gateway:passport"),
    Text("from", _SENDER, path="message__header_from", show=_sender, long=True, search=False),
    _Address("sender", _("Envelope sender"), path="message__sender", shown=False, long=True),
    _Address("to", _("To"), path="address", words=True, long=True),
    Choice("direction", _("Direction"), choices=tuple(DIRECTIONS.items()), filter=True, shown=False),
    State(
        "verdict", _("Verdict"), path="category", choices=tuple(CATEGORIES.items()), tones=CATEGORY_TONES, filter=True
    ),
    State("state", _("State"), choices=tuple(Recipient.State.choices), tones=STATE_TONES, filter=True),
    Number("score", _("Score"), shown=False, search=False),
    Text("id", _("Message-ID"), path="message__message_id", whole=True, column=False),
    Text("key", pgettext_lazy("of a message", "Key"), path="message__key", whole=True, column=False),
    Time("received", _("Received"), path="received_at", sort=True),
)

TRACKED: BigListing[Recipient] = BigListing(
    "gateway.tracking",
    FIELDS,
    sort="-received",
    caption=_("Follow messages"),
    placeholder=_("Beginning of the recipient's address"),
    views=(
        View(_("In quarantine"), "state=held"),
        View(_("On their way"), "state=queued"),
        View(_("Came back"), "state=bounced"),
        View(_("Refused"), "state=refused"),
    ),
    first_step=Empty(
        _("No message has come by yet"),
        _("Every message that goes through the gateway is listed here, with the reasons for what became of it."),
        "envelope",
    ),
    nothing=_("No message like this"),
)

OWN: BigListing[Recipient] = BigListing(
    "gateway.own-mail",
    FIELDS,
    sort="-received",
    caption=_("My messages"),
    placeholder=_("Beginning of the recipient's address"),
    views=(View(_("In quarantine"), "state=held"), View(_("Sent"), "direction=outgoing")),
    first_step=Empty(
        _("No message yet"), _("What was sent to you and by you through the gateway is listed here."), "envelope"
    ),
    nothing=_("No message like this"),
)
