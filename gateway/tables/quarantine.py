"""How lists of quarantined and recent mail look: of one's own, and of those an administrator looks after."""

from __future__ import annotations

from django.db.models import Q
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from config.kit.list_big import BigListing
from config.kit.list_fields import Choice, Custom, Main, Text, Time
from config.kit.listing import Listing
from config.kit.lookups import like_escaped
from config.kit.tables import Empty
from config.kit.templatetags.kit import state_html
from domains.tables.fields import Belongs, domains_named
from gateway.models import Recipient, ReleaseRequest
from gateway.release_options import KINDS
from gateway.selectors.remembered import held_has, narrowed, sender_has
from gateway.wording import CATEGORIES, CATEGORY_TONES, decided_because

CHOICES = [(each.value, CATEGORIES[each]) for each in KINDS]


def _own_url(row: Recipient) -> str:
    return reverse("gateway:own-item", args=[row.pk])


def _url(row: Recipient) -> str:
    return reverse("gateway:quarantine-item", args=[row.pk])


def _subject(row: Recipient) -> str:
    return row.message.subject or _now("no subject")


def from_shown(row: Recipient) -> str:
    """Both: whom the message says it is from, and who sent it."""
    shown, sender = row.message.header_from, row.message.sender
    if not sender or sender.lower() == shown.lower():
        return shown or sender or _now("nobody")
    note = _now("sent by %(sender)s") % {"sender": sender}
    return format_html('<span class="mono">{}</span><br><span class="muted small">{}</span>', shown or "–", note)


def _from_plain(row: Recipient) -> str:
    return row.message.header_from or row.message.sender


def _verdict(row: Recipient) -> str:
    label, tone = str(CATEGORIES.get(row.category, row.category)), CATEGORY_TONES.get(row.category, "warn")
    reason = decided_because(row.decision)
    return format_html('{}<br><span class="muted small">{}</span>', state_html(row.category, label, tone), reason)


def score_text(row: Recipient) -> str:
    return "" if row.score is None else f"{row.score:.1f}"


def _fields(main: Main, *, held: bool) -> tuple[Main | Custom | Choice | Time | Text, ...]:
    return (
        main,
        Custom(
            "from",
            _("From"),
            show=from_shown,
            export=_from_plain,
            find=_from_held if held else sender_has,
            css="cell-wrap",
        ),
        Choice("verdict", _("Verdict"), path="category", choices=CHOICES, filter=True, show=_verdict, css="cell-wrap"),
        Custom("score", _("Score"), show=score_text, export=score_text, search=False, css="cell-number"),
        Time("received", _("Received"), path="received_at", sort=True),
        Text("sender", _("Envelope sender"), path="message__sender", mono=True, shown=False),
    )


def _searching(text: str) -> Q:
    """A part of subject or sender; a `*` is one here."""
    like = f"%{like_escaped(text)}%"
    return Q(message__subject__ilike=like) | Q(message__header_from__ilike=like) | Q(message__sender__ilike=like)


def _from_held(text: str) -> Q:
    return narrowed(text, sender_has(text))


def _listing(name: str, caption: object, empty: Empty, *, managed: bool, held: bool = False) -> BigListing[Recipient]:
    main = Main("subject", _("Subject"), path="message__subject", show=_subject, url=_url if managed else _own_url)
    whose = (
        Text("recipient", _("Recipient"), path="address", folded=True, mono=True),
        Belongs("domain", _("Domain"), path="mailbox__domain_id", key="domain_id", find=domains_named, column=False),
    )
    fields = _fields(main, held=held)
    return BigListing(
        name,
        (*fields[:2], *whose, *fields[2:]) if managed else fields,
        sort="-received",
        caption=caption,  # type: ignore[arg-type]
        placeholder=_("Words of subject or sender, or verdict:spam, from:name@example.org …"),
        words=held_has if held else _searching,
        first_step=empty,
        nothing=_("No message like this"),
    )


_CLEAR = Empty(
    _("Nothing is in quarantine"),
    _("Mail that was judged harmful or unwanted is kept here for a while, and can be released."),
    "shield-check",
)
_NONE_RELEASED = Empty(
    _("Nothing was released"), _("What is released from quarantine is listed here."), "paper-airplane"
)
_NO_RECENT = Empty(
    _("No recent mail is kept"),
    _("Copies of what came in are kept for some days, so that they can be delivered again."),
    "clock",
)
OWN = _listing("gateway.own", _("Quarantine"), _CLEAR, managed=False, held=True)
OWN_RELEASED = _listing("gateway.own-released", _("Released"), _NONE_RELEASED, managed=False)
OWN_RECENT = _listing("gateway.own-recent", _("Recent mail"), _NO_RECENT, managed=False)
MANAGED = _listing("gateway.quarantine", _("Quarantine"), _CLEAR, managed=True, held=True)
RELEASED = _listing("gateway.released", _("Released mail"), _NONE_RELEASED, managed=True)
RECENT = _listing("gateway.recent", _("Recent mail"), _NO_RECENT, managed=True)


def _request_subject(row: ReleaseRequest) -> str:
    return row.recipient.message.subject or _now("no subject")


def _request_url(row: ReleaseRequest) -> str:
    return reverse("gateway:quarantine-item", args=[row.recipient_id])


def _request_verdict(row: ReleaseRequest) -> str:
    """The word alone: the reason of who asks needs the room."""
    category = row.recipient.category
    return state_html(category, str(CATEGORIES.get(category, category)), CATEGORY_TONES.get(category, "warn"))


def _request_category(row: ReleaseRequest) -> str:
    return row.recipient.category


REQUESTS: Listing[ReleaseRequest] = Listing(
    "gateway.requests",
    (
        Main("subject", _("Subject"), path="recipient__message__subject", show=_request_subject, url=_request_url),
        Text("recipient", _("Asked by"), path="recipient__address", mono=True),
        Text("why", _("Reason"), long=True),
        Custom("verdict", _("Verdict"), show=_request_verdict, export=_request_category, search=False, css="cell-wrap"),
        Choice("state", _("State"), choices=ReleaseRequest.State.choices, filter=True),
        Time("asked", _("Asked"), path="requested_at", sort=True),
        Text("by", _("Decided by"), path="decided_by_label", shown=False),
        Text("answer", _("Answer"), long=True, shown=False),
    ),
    sort="-asked",
    caption=_("Requests for release"),
    first_step=Empty(
        _("Nobody asks for anything"),
        _("Where people may not release a message themselves, they can ask for it; you decide here."),
        "hand-raised",
    ),
    nothing=_("No request like this"),
)
