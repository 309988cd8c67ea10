"""Identities: as whom a user writes. Here everybody has one: their address, their name, and their signature."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.utils.html import linebreaks

from accounts.permissions import Right
from api.james import users
from api.james.answers import PAYLOAD, arguments, body, invalid, not_found, nothing
from api.james.asking import Asked
from domains.models import Mailbox
from domains.services.mailboxes import update_mailbox
from gateway.models import OwnSignature
from gateway.services.signatures import set_signature, update_own


def list_all(asked: Asked) -> HttpResponse:
    return body([_one(users.named(asked))])


def detail(asked: Asked) -> HttpResponse:
    return body(_one(_named(asked, Right.VIEW_USERS)))


def put(asked: Asked) -> HttpResponse:
    """Set name and signature; what isn't said stays. A signature of text alone is made one of HTML."""
    row = _named(asked, Right.MANAGE_USERS)
    given = asked.json()
    if not isinstance(given, dict):
        raise invalid(PAYLOAD, "an identity is an object")
    texts = {name: given.get(name) for name in ("name", "htmlSignature", "textSignature")}
    if any(value is not None and not isinstance(value, str) for value in texts.values()):
        raise invalid(PAYLOAD, "'name', 'htmlSignature' and 'textSignature' are texts")
    if given.get("email") not in (None, row.address) or given.get("replyTo") or given.get("bcc"):
        raise arguments("An identity is its user's address; it answers and copies to nobody else")
    if texts["name"] is not None:
        update_mailbox(asked.actor, row, {"name": texts["name"]})
    html, text = texts["htmlSignature"], texts["textSignature"]
    if html is not None or text is not None:
        set_signature(asked.actor, row, html or _as_html(text or ""))
        own = _signature(row)
        if own is not None and html and text:
            update_own(asked.actor, own, {"text": text})
    return nothing()


def _as_html(text: str) -> str:
    return linebreaks(text, autoescape=True) if text.strip() else ""


def _named(asked: Asked, need: Right) -> Mailbox:
    row = users.named(asked, need=need)
    if asked.named["id"] != str(row.pk):
        raise not_found("The identity does not exist")
    return row


def _signature(row: Mailbox) -> OwnSignature | None:
    return OwnSignature.objects.filter(mailbox=row, is_default=True).select_related("mailbox__domain").first()


def _one(row: Mailbox) -> dict[str, Any]:
    own = _signature(row)
    return {
        "id": str(row.pk),
        "name": row.name,
        "email": row.address,
        "replyTo": None,
        "bcc": None,
        "textSignature": own.text if own is not None else "",
        "htmlSignature": own.html if own is not None else "",
        "sortOrder": 100,
        "mayDelete": False,
    }
