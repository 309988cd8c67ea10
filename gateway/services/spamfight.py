"""Sending a misjudged message to those who look after the filters: whole, as an attachment of a mail of ours.

Where it goes is an option; who sends it may read the message (their own, or one whose owner's archive stands open to
them), because others get to read it by this. It is reported too, so that scanners learn. Source of the names:
send_spamfight_spam_mail and send_spamfight_clean_mail of the Cleanmail API, which doesn't describe them.
"""

from __future__ import annotations

from email.message import EmailMessage
from email.utils import format_datetime, make_msgid

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import audit, options
from accounts.actors import Actor
from accounts.errors import Forbidden
from accounts.options import DOWN_TO_DOMAIN
from accounts.optiontypes import OptionType
from archive.store.errors import StoreError
from config.kit import mailing
from gateway import wording
from gateway.bounces.sending import post
from gateway.content import DamagedContent
from gateway.digests.items import one_line
from gateway.errors import BadRelease, CopyGone, GatewayError
from gateway.flow import Body, Route
from gateway.learning import Verdict
from gateway.models import Message, Recipient
from gateway.naming import own_domain
from gateway.resolving import notice_route, resolve
from gateway.selectors.quarantine import reading_of
from gateway.services import quarantine
from gateway.services.held import is_infected, require_handling
from gateway.services.opening import open_copy

ADDRESSES = {Verdict.SPAM: "SPAMFIGHT_SPAM_ADDRESS", Verdict.CLEAN: "SPAMFIGHT_CLEAN_ADDRESS"}
MOST_BYTES = 20 << 20


class NotSent(GatewayError):
    """The message was not sent to anybody; the text says why."""


def register() -> None:
    """Define the options; called when the app starts."""
    group = gettext_lazy("Quarantine")
    for verdict, label in (
        (Verdict.SPAM, gettext_lazy("Missed spam is sent to")),
        (Verdict.CLEAN, gettext_lazy("Mail that was no spam is sent to")),
    ):
        options.define(
            ADDRESSES[verdict], OptionType.EMAIL, levels=DOWN_TO_DOMAIN, default="", group=group, label=label,
            help=gettext_lazy("Whole messages go there when somebody reports them so; empty: they are sent to nobody."),
        )  # fmt: skip


def find_recipient(actor: Actor, message: str, recipient: str = "") -> Recipient:
    """The row of a message (by its key or Message-ID) of somebody, or of the actor. Raises: NotSent."""
    text = message.strip()
    named = Q(message__key=text) | (Q(message__message_id=text) if "@" in text else Q(pk__in=[]))
    rows = Recipient.objects.filter(named).select_related("message", "mailbox__user", "mailbox__domain")
    if recipient:
        rows = rows.filter(Q(address=recipient.lower()) | Q(mailbox__address=recipient.lower()))
    else:
        rows = rows.filter(mailbox__user_id=actor.user.pk if actor.user is not None else 0)
    for row in rows.order_by("-pk")[:100]:
        if reading_of(actor, row).allowed:
            return row
    raise NotSent(_("There is no such message that you may read."), field="message")


def address_for(recipient: Recipient, verdict: Verdict) -> str:
    """Where it would go. Raises: NotSent (nowhere)."""
    found = str(options.value(ADDRESSES[verdict], recipient.mailbox) or "")
    if not found:
        raise NotSent(_("Nobody has said to whom such messages are sent (an option of the domain)."))
    return found


def offered(actor: Actor, recipient: Recipient, verdict: Verdict) -> str:
    """Where a page offers to send it; "" where it doesn't."""
    if is_infected(recipient) or not reading_of(actor, recipient).allowed:
        return ""
    return str(options.value(ADDRESSES[verdict], recipient.mailbox) or "")


def send(actor: Actor, recipient: Recipient, verdict: Verdict) -> Message:
    """Report it and send it on; our own mail that carries it.

    Raises: Forbidden, NotSent, BadRelease (infected), CopyGone, StoreUnavailable.
    """
    require_handling(actor, recipient)
    if not reading_of(actor, recipient).allowed:
        raise Forbidden("who may not read a message doesn't send it to others")
    if is_infected(recipient):
        raise BadRelease(_("Infected mail isn't sent to anybody."))
    to = address_for(recipient, verdict)
    routes = _routes(to, recipient)
    with transaction.atomic():
        quarantine.report(actor, recipient, verdict)
        copy = open_copy(actor, recipient)
        if copy.size_bytes > MOST_BYTES:
            raise NotSent(_("The message is too large to be sent on."))
        try:
            body = copy.body()
        except (StoreError, DamagedContent) as error:
            raise CopyGone(str(error)) from error
        try:
            with translation.override(settings.LANGUAGE_CODE):
                made = _mail(recipient, verdict, body, to)
        finally:
            body.close()
        sent, _queued = post(
            made_bytes=made.as_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"), subject=str(made["Subject"]),
            message_id=str(made["Message-ID"]), routes=routes, at=timezone.now(), about=recipient.message,
            header_from=_sender(),
        )  # fmt: skip
        audit.record(
            actor, "quarantine.spamfight", recipient, message=recipient.message.key, verdict=verdict.value, to=to
        )
    return sent


def _sender() -> str:
    return mailing.address() or f"postmaster@{own_domain()}"


def _routes(to: str, recipient: Recipient) -> list[Route]:
    """Raises: NotSent."""
    found = resolve(to, "")
    if found.is_ours:
        if not found.routes:
            raise NotSent(_("The address %(address)s leads to nobody.") % {"address": to})
        return list(found.routes)
    return [notice_route(to, domain_id=recipient.domain_id, customer_id=recipient.customer_id)]


def _mail(recipient: Recipient, verdict: Verdict, body: Body, to: str) -> EmailMessage:
    """The text says what we thought of it; the message goes along as it came, in base64: no server touches it."""
    message, made = recipient.message, EmailMessage()
    made["From"], made["To"] = _sender(), to
    about = _("Missed spam") if verdict is Verdict.SPAM else _("No spam")
    made["Subject"] = one_line(f"{about}: {message.subject}")[:200]
    made["Date"], made["Message-ID"] = format_datetime(timezone.now()), make_msgid(domain=own_domain())
    made["Auto-Submitted"] = "auto-generated"
    lines = [
        _("Key: %(key)s") % {"key": message.key},
        _("From: %(sender)s") % {"sender": one_line(message.header_from or message.sender)},
        _("Recipient: %(address)s") % {"address": recipient.address},
        _("Verdict: %(verdict)s") % {"verdict": wording.CATEGORIES.get(recipient.category, recipient.category)},
        wording.decided_because(recipient.decision),
    ]
    made.set_content("\n".join(lines) + "\n")
    made.add_attachment(body.read(), maintype="application", subtype="octet-stream", filename=message.key + ".eml")
    return made
