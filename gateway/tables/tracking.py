"""Lists of messages by recipient: what came, what went, and what became of it."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar, TypeVar

from django.db.models import Model, Q, QuerySet
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from config.kit.list_big import BigAsked, BigListing, Exact, ilike
from config.kit.list_fields import Beginning, Choice, Field, Main, State, Time
from config.kit.list_query import BadTerm, Op, Term, Value, parse
from config.kit.list_ranges import Number
from config.kit.list_state import Likely
from config.kit.listing import View
from config.kit.preferences import ListMemory
from config.kit.tables import Empty
from domains.tables.fields import Belongs, domains_named
from gateway.models import Recipient
from gateway.models.subject_words import has_words, words_of
from gateway.selectors.remembered import address_is, message_id_is
from gateway.wording import CATEGORIES, CATEGORY_TONES, DIRECTIONS, STATE_TONES

M = TypeVar("M", bound=Model)
_SENDER = _("From")
_LEAST = 2
_COUNT_TO = 200


class _Address(Beginning):
    """An address from its beginning."""

    def compare(self, op: Op, value: Value) -> Q:
        return address_is(self.orm_path, value.text.rstrip("*"), whole=op == "=")


@dataclass(frozen=True, eq=False, kw_only=True)
class _Subject(Main):
    """Words of the subject from their beginning, by an index of them; in quotes one after the other."""

    example_value: ClassVar[str] = ":start"

    def compare(self, op: Op, value: Value) -> Q:
        words = words_of(value.text)
        if (value.text.startswith("*") and not value.literal) or len("".join(words)) < _LEAST:
            raise BadTerm(_now("Words of a subject are found from their beginning, by two letters or digits at least."))
        found = has_words(self.orm_path, words, in_order=value.literal or "*" not in value.text)
        return found & ilike(self.orm_path, value, whole=True) if op == "=" else found


class _MessageId(Exact):
    """With or without its angle brackets."""

    def matches(self, op: Op, value: Value) -> Q:
        return super().matches(op, value._replace(literal=True))  # the bracket it begins with compares nothing

    def compare(self, op: Op, value: Value) -> Q:
        return message_id_is(self.orm_path, value.text)


def _subject(row: Recipient) -> str:
    return row.message.subject or str(_("(no subject)"))


def _sender(row: Recipient) -> Any:
    return row.message.header_from or row.message.sender or "<>"


FIELDS = (
    _Subject("subject", _("Subject"), path="message__subject", show=_subject, url="gateway:passport"),
    _Address("from", _SENDER, path="message__header_from", show=_sender, long=True),
    _Address("sender", _("Envelope sender"), path="message__sender", shown=False, long=True),
    _Address("to", _("To"), path="address", words=True, long=True),
    Belongs("domain", _("Domain"), path="mailbox__domain_id", key="domain_id", find=domains_named, column=False),
    Choice("direction", _("Direction"), choices=tuple(DIRECTIONS.items()), filter=True, shown=False),
    State(
        "verdict", _("Verdict"), path="category", choices=tuple(CATEGORIES.items()), tones=CATEGORY_TONES, filter=True
    ),
    State("state", _("State"), choices=tuple(Recipient.State.choices), tones=STATE_TONES, filter=True),
    Number("score", _("Score"), shown=False, search=False),
    _MessageId("id", _("Message-ID"), path="message__message_id", column=False),
    Exact("key", pgettext_lazy("of a message", "Key"), path="message__key", column=False),
    Time("received", _("Received"), path="received_at", sort=True),
)

_MESSAGE_TIME = Time("received", _("Received"), path="message__received_at")
_RECENT = timedelta(days=30)


@dataclass(frozen=True, eq=False)
class _AskedOfMessages(BigAsked):
    """A word that PostgreSQL would look up in all messages that ever had it, for a page of the newest, is asked with
    the message's own time: the one that was asked for, else the last month, which mostly fills the first page.

    Not always: where it walks through the newest and soon meets the word, it would then look up a whole month's.
    """

    @functools.cached_property
    def _terms(self) -> list[Term]:
        typed = [Term(name, ":", tuple(map(Value, values))) for name, values in self.filters.items()]
        try:
            return [*typed, *parse(self.text)]
        except BadTerm:
            return typed

    def likely(self, rows: QuerySet[M]) -> Likely[M] | None:
        words = [each for each in self._terms if _names(each, "subject") and not each.negated]
        times = [each for each in self._terms if _names(each, _MESSAGE_TIME.name)]
        is_alone = len(words_of(" ".join(value.text for each in words for value in each.values))) == 1
        is_plain = is_alone and all(_names(each, "subject") or _names(each, "domain") for each in self._terms)
        if not words or not (times or is_plain) or self.sort != self.listing.sort:
            return None
        if not sorts(rows, self.size):
            return None
        if times:
            by_name: dict[str, Field] = {_MESSAGE_TIME.name: _MESSAGE_TIME}
            return Likely(rows.filter(*(self._field(by_name, each) for each in times)), are_all=True)
        since = timezone.now() - _RECENT
        return Likely(rows.filter(received_at__gte=since, message__received_at__gte=since))


def sorts(rows: QuerySet[Any], count: int) -> bool:
    """Whether PostgreSQL would look all of them up for so many of the newest."""
    return "Sort Key" in rows.order_by("-received_at", "-pk")[:count].explain()


def _names(term: Term, name: str) -> bool:
    return term.field.casefold() == name


class _Messages(BigListing[Recipient]):
    def ask(self, actor: Any, params: QueryDict, memory: ListMemory | None = None) -> _AskedOfMessages:
        return _AskedOfMessages(self, self.fields_for(actor), params, memory or ListMemory())


TRACKED = _Messages(
    "gateway.tracking",
    FIELDS,
    sort="-received",
    count_to=_COUNT_TO,
    counts_in_time=True,
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

OWN = _Messages(
    "gateway.own-mail",
    FIELDS,
    sort="-received",
    count_to=_COUNT_TO,
    counts_in_time=True,
    caption=_("My messages"),
    placeholder=_("Beginning of the recipient's address"),
    views=(View(_("In quarantine"), "state=held"), View(_("Sent"), "direction=outgoing")),
    first_step=Empty(
        _("No message yet"), _("What was sent to you and by you through the gateway is listed here."), "envelope"
    ),
    nothing=_("No message like this"),
)
