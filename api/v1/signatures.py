"""Signatures for programs: people's own, and what their mail gets now (for webmail, mail clients).

Not for templates and rules of places (`signature_places`).
"""

from __future__ import annotations

import base64
import binascii
from typing import Annotated, Literal

from pydantic import Field

from accounts.actors import Actor
from accounts.permissions import EndUserRight, Right
from accounts.scopes import ScopeRef
from api.errors import Fault, Invalid
from api.operations import Created, Group
from api.schemas import Answer, Body, left_out
from api.v1 import subjects
from domains.models import Mailbox
from gateway.models import OwnSignature, SignaturePicture
from gateway.selectors import signatures as selectors
from gateway.services import signature_pictures, signatures
from gateway.signature_previews import effective_for

group = Group("Signatures", "People's own signatures, and what their mail gets now.")
Name = Annotated[str, Field(min_length=1, max_length=100)]
Html = Annotated[str, Field(max_length=100_000, examples=["<p>{{ name }}<br>{{ title }}</p>"])]
Words = Annotated[str, Field(max_length=20_000)]

_seeing = subjects.mailbox(own=True)
_changing = subjects.mailbox(Right.MANAGE_USERS, own=EndUserRight.MANAGE_SIGNATURE)


class OwnBody(Body):
    """A signature of a person's own. text: empty, it is made of the HTML."""

    name: Name
    html: Html
    text: Words = ""
    is_default: bool = False


class OwnChange(Body):
    """What is left out stays as it is."""

    name: Name = left_out()
    html: Html = left_out()
    text: Words = left_out()
    is_default: bool = left_out()


class OwnAnswer(Answer):
    """is_default: goes with the person's mail."""

    id: int
    name: str
    html: str
    text: str
    is_default: bool


class PictureAnswer(Answer):
    """reference: what stands in the HTML of a signature that shows it."""

    id: int
    name: str
    reference: str
    content_type: str
    width: int
    height: int


class PictureBody(Body):
    """A picture in Base64: PNG, JPEG, GIF or WebP."""

    name: Name
    data: Annotated[str, Field(max_length=3_000_000)]


class InlinePicture(Answer):
    """A picture of the signature: in the HTML it is `cid:` and this id; data is Base64."""

    cid: str
    name: str
    content_type: str
    data: str


class EffectiveAnswer(Answer):
    """What a message gets: HTML and text of all blocks, their names, and the pictures in the HTML."""

    html: str
    text: str
    names: list[str]
    is_inside: bool
    pictures: list[InlinePicture]


class EffectiveQuery(Body):
    """To whom, and whether it is a reply."""

    to: Annotated[str, Field(max_length=320, examples=["bob@example.net"])] = ""
    reply: Literal["true", "false"] = "false"


def _own(row: OwnSignature) -> OwnAnswer:
    return OwnAnswer(id=row.pk, name=row.name, html=row.html, text=row.text, is_default=row.is_default)


def picture_answer(row: SignaturePicture) -> PictureAnswer:
    """A picture as programs see it."""
    kept = row.content
    return PictureAnswer(
        id=row.pk, name=row.name, reference=row.reference, content_type=kept.content_type, width=kept.width,
        height=kept.height,
    )  # fmt: skip


def pictures_answer(owner: Mailbox | ScopeRef) -> list[PictureAnswer]:
    """All pictures of a mailbox or a place, without their bytes."""
    rows = signature_pictures.pictures_of(owner).select_related("content").defer("content__data")
    return [picture_answer(row) for row in rows]


def own_of(actor: Actor, user_id: int, signature_id: int) -> OwnSignature:
    """`admit` of reading one."""
    return _of_person(_seeing(actor, user_id), signature_id)


def own_changed(actor: Actor, user_id: int, signature_id: int) -> OwnSignature:
    """`admit` of changing one."""
    return _of_person(_changing(actor, user_id), signature_id)


def _of_person(mailbox: Mailbox, signature_id: int) -> OwnSignature:
    found = subjects.one(selectors.list_own(mailbox), signature_id)
    found.mailbox = mailbox
    return found


def picture_changed(actor: Actor, user_id: int, picture_id: int) -> SignaturePicture:
    """`admit` of deleting a person's picture."""
    return subjects.one(signature_pictures.pictures_of(_changing(actor, user_id)), picture_id)


@group.get("/users/{int:userId}/signatures", admit=_seeing)
def own_signature_list(actor: Actor, mailbox: Mailbox) -> list[OwnAnswer]:
    """List a user's own signatures."""
    return [_own(row) for row in selectors.list_own(mailbox)]


@group.post("/users/{int:userId}/signatures", admit=_changing)
def own_signature_add(actor: Actor, mailbox: Mailbox, body: OwnBody) -> Created[OwnAnswer]:
    """Add a signature to a user's own; the first one goes with their mail."""
    row = signatures.create_own(actor, mailbox, body.model_dump())
    return Created(_own(row), f"/users/{mailbox.user_id}/signatures/{row.pk}")


@group.get("/users/{int:userId}/signatures/{int:signatureId}", admit=own_of)
def own_signature_detail(actor: Actor, own: OwnSignature) -> OwnAnswer:
    """Read one of a user's own signatures."""
    return _own(own)


@group.patch("/users/{int:userId}/signatures/{int:signatureId}", admit=own_changed)
def own_signature_change(actor: Actor, own: OwnSignature, body: OwnChange) -> None:
    """Change one of a user's own signatures, or make it the one that goes with their mail."""
    signatures.update_own(actor, own, body.changes())


@group.delete("/users/{int:userId}/signatures/{int:signatureId}", admit=own_changed)
def own_signature_delete(actor: Actor, own: OwnSignature) -> None:
    """Delete one of a user's own signatures."""
    signatures.delete_own(actor, own)


@group.get("/users/{int:userId}/signature", admit=_seeing)
def signature_effective(actor: Actor, mailbox: Mailbox, query: EffectiveQuery) -> EffectiveAnswer:
    """Read what a user's mail gets now: for webmail and mail clients that show or place it themselves.

    The gateway recognises a signature that is there already, and adds no second one.
    """
    found = effective_for(mailbox, query.to, is_reply=query.reply == "true")
    pictures = {each.cid: each for block in found.blocks for each in block.pictures}
    return EffectiveAnswer(
        html=found.html,
        text=found.text,
        names=[block.name for block in found.blocks],
        is_inside=found.is_inside,
        pictures=[
            InlinePicture(cid=each.cid, name=each.name, content_type=each.content_type, data=_based(each.data))
            for each in pictures.values()
        ],
    )


def _based(data: bytes) -> str:
    return base64.b64encode(data).decode()


@group.get("/users/{int:userId}/signature-pictures", admit=_seeing)
def own_picture_list(actor: Actor, mailbox: Mailbox) -> list[PictureAnswer]:
    """List the pictures of a user's own signatures."""
    return pictures_answer(mailbox)


@group.post("/users/{int:userId}/signature-pictures", admit=_changing)
def own_picture_add(actor: Actor, mailbox: Mailbox, body: PictureBody) -> Created[PictureAnswer]:
    """Upload a picture for a user's own signatures; it is written anew from its pixels."""
    row = signature_pictures.add_picture(actor, mailbox, name=body.name, raw=decoded(body.data))
    return Created(picture_answer(row), f"/users/{mailbox.user_id}/signature-pictures/{row.pk}")


@group.delete("/users/{int:userId}/signature-pictures/{int:pictureId}", admit=picture_changed)
def own_picture_delete(actor: Actor, picture: SignaturePicture) -> None:
    """Delete a picture that no signature shows."""
    signature_pictures.delete_picture(actor, picture)


def decoded(data: str) -> bytes:
    """A picture sent in Base64. Raises: Invalid."""
    try:
        return base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError) as error:
        text = "Write the picture as Base64."
        raise Invalid(f"data: {text}", faults=[Fault("data", text)]) from error
