"""Signatures of users."""

from __future__ import annotations

import base64
import binascii
from typing import Annotated

from pydantic import Field

from accounts.actors import Actor
from accounts.permissions import EndUserRight, Right
from api.errors import Fault, Invalid, NotFound
from api.operations import Group
from api.schemas import Answer, Body
from api.v1 import subjects
from domains.models import Mailbox
from gateway.models import OwnSignature
from gateway.services import signatures

group = Group("Signatures", "The HTML signature of what a user writes.", names={"signature": "sign"})


class SignBody(Body):
    """HTML in Base64; what could carry code is taken out."""

    sign: Annotated[str, Field(max_length=200_000, examples=["Um9iZXJ0IFN0YXJrPGJyLz5LaW5nIG9mIHRoZSBub3J0aA=="])]


class Sign(Answer):
    """HTML in Base64."""

    sign: str


_changing = subjects.mailbox(Right.MANAGE_USERS, own=EndUserRight.MANAGE_SIGNATURE)


@group.get("/users/{int:userId}/sign", admit=subjects.mailbox(own=True))
def sign_detail(actor: Actor, mailbox: Mailbox) -> Sign:
    """Read a user's HTML signature.

    404 where there is none.
    """
    html = _default_of(mailbox)
    if not html:
        raise NotFound()
    return Sign(sign=base64.b64encode(html.encode()).decode())


@group.put("/users/{int:userId}/sign", admit=_changing)
def sign_set(actor: Actor, mailbox: Mailbox, body: SignBody) -> Sign:
    """Set a user's HTML signature."""
    try:
        html = base64.b64decode(body.sign, validate=True).decode()
    except (binascii.Error, ValueError) as error:
        text = "Write HTML in UTF-8, as Base64."
        raise Invalid(f"sign: {text}", faults=[Fault("sign", text)]) from error
    kept = signatures.set_signature(actor, mailbox, html)
    return Sign(sign=base64.b64encode(kept.encode()).decode())


@group.delete("/users/{int:userId}/sign", admit=_changing)
def sign_delete(actor: Actor, mailbox: Mailbox) -> None:
    """Delete a user's HTML signature."""
    if not _default_of(mailbox):
        raise NotFound()
    signatures.set_signature(actor, mailbox, "")


def _default_of(mailbox: Mailbox) -> str:
    """The one that goes with the person's mail."""
    rows = OwnSignature.objects.filter(mailbox=mailbox, is_default=True)
    return rows.values_list("html", flat=True).first() or ""
