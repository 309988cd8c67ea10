"""What rules say to whoever wrote: the answer of who is away.

Called while a message is filed, in the same transaction; what can't be said is a step of the passport and keeps nothing
from being filed. An answer goes to each sender once in its time, whatever comes at the same moment.

Not for refusals (`gateway.refusing`).

Source: RFC 5230 §4 and §5 (answers), RFC 3834 (their marks).
"""

from __future__ import annotations

import logging
import re
from dataclasses import replace
from datetime import datetime, timedelta
from email.charset import QP, Charset
from email.header import Header
from email.mime.text import MIMEText
from email.utils import format_datetime, parseaddr, quote
from hashlib import sha256
from typing import Any

from django.db import connection, transaction
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from domains.models import DomainName, Mailbox
from domains.selectors.identities import Identity, identity_of
from gateway.bounces import report, sending
from gateway.flow import Judged, Reply, Route
from gateway.keys import new_key
from gateway.models import Message, Recipient, Step
from gateway.naming import own_domain
from gateway.resolving import notice_route, resolve
from gateway.rule_layers import DOMAIN, SERVER
from gateway.steps import Kind, step
from gateway.storable import storable

_UTF8: Any = Charset("utf-8")
_UTF8.body_encoding = QP
_SPECIAL = re.compile(r"[^\w '!#$%&*+/=?^`{|}~-]")
_MESSAGE_ID = re.compile(r"<[\x21-\x3b\x3d\x3f-\x7e]{1,500}>")
log = logging.getLogger("postkeep.gateway")

_ONCE = """
    INSERT INTO gateway_vacationanswer AS v (mailbox_id, handle, address, until)
    VALUES (%(mailbox)s, %(handle)s, %(address)s, %(until)s)
    ON CONFLICT (mailbox_id, handle, address) DO UPDATE SET until = excluded.until WHERE v.until <= %(now)s
    RETURNING id
"""


def answer(recipient: Recipient, judged: Judged) -> None:
    """Say what the rules of this delivery say to its sender."""
    ruled, message = judged.ruled, recipient.message
    if ruled is None:
        return
    try:
        with transaction.atomic():
            if ruled.reply is not None:
                _reply(recipient, ruled.reply, message)
    except Exception:
        log.exception("the sender of %s can't be answered", message.key)
        step(Kind.PROBLEM, message, recipient, data={"text": _("Its sender could not be answered.")}).save()


def _reply(recipient: Recipient, reply: Reply, message: Message) -> None:
    box = Mailbox.objects.select_related("user").filter(pk=reply.mailbox_id).first()
    routes = [] if box is None else _routes(box, message.sender)
    if box is None or not routes or not _is_first(reply, message.sender):
        return
    if not _may_say(box, reply):
        reply = replace(reply, sender="")
    now = timezone.now()
    language = box.user.language if box.user is not None else ""
    with translation.override(language or translation.get_language()):
        made, subject = _made(box, reply, message, now)
    sent, _items = sending.post(
        made_bytes=made, subject=subject, message_id="", routes=routes, at=now, about=message,
        header_from=parseaddr(reply.sender)[1] or box.address,
    )  # fmt: skip
    data = {"notice": "away", "to": message.sender, "message": sent.key}
    Step.objects.bulk_create([step(Kind.NOTICED, message, recipient, data=data)])


def _may_say(box: Mailbox, reply: Reply) -> bool:
    """Whether a rule may answer as who it says: an identity of the mailbox, or for the rules of whoever looks after
    its domain, any address there. Our signature stands under it."""
    claimed = parseaddr(reply.sender)[1]
    if not claimed:
        return not reply.sender
    if reply.level in (DOMAIN, SERVER):
        return DomainName.objects.filter(domain=box.domain_id, name=claimed.rpartition("@")[2].lower()).exists()
    return identity_of(box, claimed) is not Identity.NONE


def _is_first(reply: Reply, address: str) -> bool:
    """Whether they haven't had this answer in its time; they have it from now on."""
    now = timezone.now()
    values: dict[str, Any] = {
        "mailbox": reply.mailbox_id,
        "handle": sha256(reply.handle.encode("utf-8", "replace")).hexdigest(),
        "address": storable(address.lower(), 320),
        "until": now + timedelta(seconds=reply.seconds),
        "now": now,
    }
    with connection.cursor() as cursor:
        cursor.execute(_ONCE, values)
        return cursor.fetchone() is not None


def _routes(box: Mailbox, to: str) -> list[Route]:
    found = resolve(to, "")
    if found.is_ours:
        return list(found.routes)
    if found.refusal is not None and found.refusal.code == 553:
        return []
    return [notice_route(to, domain_id=box.domain_id, customer_id=box.customer_id, mailbox_id=box.pk)]


def _made(box: Mailbox, reply: Reply, message: Message, now: datetime) -> tuple[bytes, str]:
    """The bytes of an answer, and its subject."""
    made: Any = MIMEText(reply.text.replace("\r\n", "\n"), "plain", _UTF8)
    name, address = parseaddr(reply.sender)
    shown = name or (box.name if not address else "")
    subject = " ".join((reply.subject or _("Automatic answer: %(subject)s") % {"subject": message.subject}).split())
    sender = address or box.address
    made["From"] = f"{_phrase(shown)} <{sender}>" if shown.strip() else f"<{sender}>"
    made["To"] = f"<{message.sender}>" if message.sender.isascii() else Header(message.sender, "utf-8").encode()
    made["Subject"] = Header(subject[:300], "utf-8").encode()
    made["Date"] = format_datetime(now)
    made["Message-ID"] = f"<{new_key()}@{own_domain()}>"
    if _MESSAGE_ID.fullmatch(message.message_id):
        made["In-Reply-To"] = made["References"] = message.message_id
    made["Auto-Submitted"] = "auto-replied (vacation)"
    return report.as_bytes(made), subject[:300]


def _phrase(name: str) -> str:
    clean = " ".join(name.split())
    if not clean.isascii():
        return Header(clean, "utf-8").encode()
    return f'"{quote(clean)}"' if _SPECIAL.search(clean) else clean
