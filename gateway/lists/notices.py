"""What a list writes to people: confirmations, help, what waits for a moderator, what was refused. From the empty
sender, so that nothing comes back, and marked as written by a program.
"""

from __future__ import annotations

from email.charset import QP, Charset
from email.header import Header
from email.mime.text import MIMEText
from email.utils import format_datetime, formataddr
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from accounts import links
from accounts.secrets import token_hash
from domains.models import MailingList, Subscriber
from gateway.bounces import report, sending
from gateway.bounces.deciding import is_genuine
from gateway.flow import Route, Ways
from gateway.keys import new_key
from gateway.lists import addresses
from gateway.models import ListPosting
from gateway.resolving import notice_route, resolve
from gateway.wording import list_reason

_UTF8: Any = Charset("utf-8")
_UTF8.body_encoding = QP
MOST_LOCAL = 64


def send_confirmation(found: MailingList, email: str, token: str) -> None:
    """Asks whether they want to be on the list."""
    link = links.public_url() + reverse("domains:list-confirm", args=[token])
    row = found.subscribers.get(confirm_hash=token_hash(token))
    proof = addresses.proof(found.pk, row.pk, addresses.request_of(row.confirm_hash))
    reply = addresses.address(found.address.text, "confirm", proof)
    by_mail = len(reply.rpartition("@")[0]) <= MOST_LOCAL
    lines = [
        _("Somebody, perhaps you, asked that %(email)s be put on the mailing list %(list)s.")
        % {"email": email, "list": found.address.text},
        "",
        _("If it was you, open this page and press the button, within %(hours)d hours:")
        % {"hours": found.confirm_hours},
        link,
    ]
    if by_mail:
        lines += ["", _("Or just answer this message.")]
    lines += ["", _("If it wasn't you, do nothing.")]
    _post(found, email, _("Confirm your subscription of %(list)s"), lines, reply_to=reply if by_mail else "")


def send_leave_link(found: MailingList, who: Subscriber) -> None:
    proof = addresses.proof(found.pk, who.pk, "leave")
    link = links.public_url() + reverse("gateway:list-leave", args=[found.pk, proof])
    lines = [
        _("Somebody, perhaps you, asked that %(email)s be taken off the mailing list %(list)s.")
        % {"email": who.email, "list": found.address.text},
        "",
        _("If you want that, open this page and press the button:"),
        link,
    ]
    reply = addresses.address(found.address.text, "unsubscribe", proof)
    _post(found, who.email, _("Leave %(list)s"), lines, reply_to=reply)


def send_help(found: MailingList, email: str) -> None:
    address = found.address.text
    lines = [
        found.address.description or _("This is the mailing list %(list)s.") % {"list": address},
        "",
        _("To be put on it, write to:"),
        addresses.address(address, "subscribe"),
        _("To be taken off it, write to:"),
        addresses.address(address, "unsubscribe"),
        _("To reach who looks after it, write to:"),
        addresses.address(address, "owner"),
    ]
    _post(found, email, _("About %(list)s"), lines)


def tell_moderator(row: ListPosting) -> None:
    """What waits, with a link to where it is decided."""
    found, message = row.list, row.message
    link = links.public_url() + reverse("gateway:list-held", args=[found.pk])
    user = found.owner.user
    with translation.override((user.language if user is not None else "") or settings.LANGUAGE_CODE):
        lines = [
            _("%(sender)s wrote to %(list)s: “%(subject)s”")
            % {"sender": message.header_from or message.sender, "list": found.address.text, "subject": message.subject},
            list_reason(row.why),
            "",
            _("Let it through, or not:"),
            link,
        ]
        _post(found, found.owner.address, _("A message to %(list)s waits for you"), lines, language="")


def tell_refused(row: ListPosting, why: str) -> bool:
    """To whoever wrote, where it was really them and a person; whether a notice is on its way."""
    message = row.message
    if why in ("loop", "automatic", "empty_sender") or not is_genuine(message, message.sender):
        return False
    words = {"subject": message.subject, "list": row.list.address.text}
    lines = [_("Your message “%(subject)s” to %(list)s was not distributed.") % words, list_reason(why)]
    return _post(row.list, message.sender, _("Not distributed by %(list)s"), lines)


def _post(
    found: MailingList, email: str, subject: str, lines: list[str], *, reply_to: str = "", language: str | None = None
) -> bool:
    """Whether somebody gets it."""
    routes = _routes(found, email)
    if not routes:
        return False
    now, address = timezone.now(), found.address.text
    made: Any = MIMEText("\n".join([*lines, ""]), "plain", _UTF8)
    said = " ".join((subject % {"list": address}).split())
    sender = addresses.address(address, "request")
    made["From"] = formataddr((str(Header(found.address.name, "utf-8").encode()) if found.address.name else "", sender))
    made["To"] = f"<{email}>" if email.isascii() else Header(email, "utf-8").encode()
    made["Subject"] = Header(said, "utf-8").encode()
    made["Date"] = format_datetime(now)
    made["Message-ID"] = f"<{new_key()}@{found.address.domain.name}>"
    made["Auto-Submitted"] = "auto-generated"
    if reply_to:
        made["Reply-To"] = f"<{reply_to}>"
    sending.post(
        made_bytes=report.as_bytes(made), subject=said, message_id=str(made["Message-ID"]), routes=routes, at=now,
        about=None, header_from=sender,
    )  # fmt: skip
    return True


def _routes(found: MailingList, email: str) -> list[Route]:
    led = resolve(email, "")
    if led.is_ours:
        return [route for route in led.routes if route.ends is not Ways.LIST]
    if led.refusal is not None and led.refusal.code == 553:
        return []
    domain = found.address.domain
    return [notice_route(email, domain_id=domain.pk, customer_id=domain.customer_id)]
