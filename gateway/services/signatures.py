"""Writes of people's own signatures: by themselves, where domain and setting let them, and by who manages people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts import audit
from accounts.actors import Actor
from accounts.permissions import EndUserRight, Right
from config.kit.versions import change
from domains.errors import Invalid, LimitReached, Taken, WrongState
from domains.models import Mailbox
from domains.services.forwards import require_over_mailbox
from gateway.models import OwnSignature, SignaturePicture
from gateway.services.signature_html import checked_html, checked_text
from gateway.signature_books import worth_in
from gateway.signatures.choosing import Own

MOST_OWN = 20
FIRST_NAME = "Signature"


def require_own_signatures(actor: Actor, mailbox: Mailbox) -> None:
    """Whether somebody may change this person's own signatures. Raises: Forbidden."""
    require_over_mailbox(actor, mailbox, EndUserRight.MANAGE_SIGNATURE, Right.MANAGE_USERS)


def are_own_used(mailbox: Mailbox) -> bool:
    """Whether people there have signatures of their own at all."""
    return worth_in(mailbox.domain_id, mailbox.customer_id) is not Own.NEVER


def create_own(actor: Actor, mailbox: Mailbox, values: Mapping[str, Any]) -> OwnSignature:
    """name, html, text, is_default; the first one is the default.

    Raises: Forbidden, Invalid, Taken, WrongState, LimitReached.
    """
    require_own_signatures(actor, mailbox)
    _require_used(mailbox)
    checked = _checked(mailbox, values)
    with transaction.atomic():
        Mailbox.objects.select_for_update(of=("self",)).get(pk=mailbox.pk)
        there = OwnSignature.objects.filter(mailbox=mailbox)
        if there.count() >= MOST_OWN:
            raise LimitReached(_("At most %(most)d signatures.") % {"most": MOST_OWN})
        is_default = checked.pop("is_default") or not there.exists()
        row = _saved(OwnSignature(mailbox=mailbox, **checked))
        if is_default:
            _make_default(row)
        audit.record(actor, "signature.create", mailbox, name=row.name)
    return row


def update_own(
    actor: Actor, row: OwnSignature, values: Mapping[str, Any], *, expected: int | None = None
) -> OwnSignature:
    """Set name, html, text, is_default. Raises: Forbidden, Invalid, Taken, WrongState, ChangedMeanwhile."""
    require_own_signatures(actor, row.mailbox)
    _require_used(row.mailbox)
    present = {name: getattr(row, name) for name in ("name", "html", "text", "is_default")}
    checked = _checked(row.mailbox, present | dict(values))
    is_default = checked.pop("is_default")
    with transaction.atomic():
        try:
            with transaction.atomic():
                changes = change(row, checked, expected=expected)
        except IntegrityError:
            raise Taken(_("There is a signature of this name already."), field="name") from None
        if is_default and not row.is_default:
            _make_default(row)
            changes["is_default"] = (False, True)
        elif row.is_default and not is_default:
            changes |= change(row, {"is_default": False})
        if changes:
            audit.record(actor, "signature.edit", row.mailbox, name=row.name)
    return row


def delete_own(actor: Actor, row: OwnSignature) -> None:
    """Raises: Forbidden."""
    require_own_signatures(actor, row.mailbox)
    with transaction.atomic():
        audit.record(actor, "signature.delete", row.mailbox, name=row.name)
        row.delete()


def set_signature(actor: Actor, mailbox: Mailbox, html: str) -> str:
    """The one that goes with the person's mail, made if there is none; "" removes it. What is kept of the HTML.

    Raises: Forbidden, Invalid, WrongState.
    """
    require_own_signatures(actor, mailbox)
    row = OwnSignature.objects.filter(mailbox=mailbox, is_default=True).first()
    if not html.strip():
        if row is not None:
            delete_own(actor, row)
        return ""
    if row is not None:
        return update_own(actor, row, {"html": html, "text": ""}).html
    taken = OwnSignature.objects.filter(mailbox=mailbox, name=FIRST_NAME).exists()
    name = f"{FIRST_NAME} {OwnSignature.objects.filter(mailbox=mailbox).count() + 1}" if taken else FIRST_NAME
    return create_own(actor, mailbox, {"name": name, "html": html, "is_default": True}).html


def _require_used(mailbox: Mailbox) -> None:
    if not are_own_used(mailbox):
        raise WrongState(_("Your organisation decides what signatures look like; own ones are not used."))


def _checked(mailbox: Mailbox, values: Mapping[str, Any]) -> dict[str, Any]:
    name = " ".join(str(values.get("name") or "").split())
    if not name or len(name) > 100 or not name.isprintable():
        raise Invalid(_("Give it a name of at most 100 characters."), field="name")
    pictures = SignaturePicture.objects.filter(mailbox=mailbox).values_list("pk", flat=True)
    html = checked_html(str(values.get("html") or ""), may_use=pictures, placeholders=False)
    text = checked_text(str(values.get("text") or ""), placeholders=False)
    if not html:
        raise Invalid(_("There is nothing in it."), field="html")
    return {"name": name, "html": html, "text": text, "is_default": bool(values.get("is_default"))}


def _saved(row: OwnSignature) -> OwnSignature:
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError:
        raise Taken(_("There is a signature of this name already."), field="name") from None
    return row


def _make_default(row: OwnSignature) -> None:
    OwnSignature.objects.filter(mailbox_id=row.mailbox_id, is_default=True).update(is_default=False)
    OwnSignature.objects.filter(pk=row.pk).update(is_default=True)
    row.is_default = True
