"""Pictures of signatures: uploaded, written anew, kept once. A person has their own, a place those of its templates."""

from __future__ import annotations

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from accounts import audit
from accounts.actors import Actor
from accounts.permissions import Level, Right
from accounts.scopes import ScopeRef
from domains.errors import InUse, Invalid, LimitReached
from domains.models import Mailbox
from gateway.models import OwnSignature, PictureContent, SignaturePicture, SignatureTemplate
from gateway.services.signatures import require_own_signatures
from gateway.signatures.pictures import MOST_BYTES, BadPicture, Written, write_anew

MOST_PICTURES = 50
Owner = Mailbox | ScopeRef


def require_pictures(actor: Actor, owner: Owner) -> None:
    """Raises: Forbidden."""
    if isinstance(owner, Mailbox):
        require_own_signatures(actor, owner)
    else:
        actor.require(Right.MANAGE_SIGNATURES, owner)


def add_picture(actor: Actor, owner: Owner, *, name: str, raw: bytes) -> SignaturePicture:
    """Keep a picture; the same one again is the one that is there. Raises: Forbidden, Invalid, LimitReached."""
    require_pictures(actor, owner)
    try:
        written = write_anew(raw)
    except BadPicture as error:
        raise Invalid(_why(error), field="picture") from None
    label = " ".join("".join(char for char in name if char.isprintable()).split())[-100:] or "picture"
    with transaction.atomic():
        content = _kept(written)
        rows = pictures_of(owner)
        there = rows.filter(content=content).first()
        if there is not None:
            return there
        if rows.count() >= MOST_PICTURES:
            raise LimitReached(_("At most %(most)d pictures.") % {"most": MOST_PICTURES}, field="picture")
        made = SignaturePicture(content=content, name=label)
        if isinstance(owner, Mailbox):
            made.mailbox = owner
        else:
            made.level, made.object_id = owner.level.value, owner.id
        made.save()
        audit.record(actor, "signature.add_picture", made, bytes=len(written.data))
    return made


def delete_picture(actor: Actor, picture: SignaturePicture) -> None:
    """One that no signature shows. Raises: Forbidden, InUse."""
    owner = owner_of(picture)
    require_pictures(actor, owner)
    with transaction.atomic():
        if is_used(picture):
            raise InUse(_("A signature shows this picture."))
        audit.record(actor, "signature.delete_picture", picture)
        content = picture.content
        picture.delete()
        if not content.uses.exists():
            content.delete()


def is_used(picture: SignaturePicture) -> bool:
    if picture.mailbox_id is not None:
        htmls = list(OwnSignature.objects.filter(mailbox_id=picture.mailbox_id).values_list("html", flat=True))
    else:
        templates = SignatureTemplate.objects.filter(level=picture.level, object_id=picture.object_id)
        htmls = list(templates.values_list("html", flat=True))
    return any(f'{picture.reference}"' in html for html in htmls)


def pictures_of(owner: Owner) -> QuerySet[SignaturePicture]:
    """Those of a person or a place. Rights are the caller's."""
    if isinstance(owner, Mailbox):
        return SignaturePicture.objects.filter(mailbox=owner)
    return SignaturePicture.objects.filter(mailbox=None, level=owner.level.value, object_id=owner.id)


def owner_of(picture: SignaturePicture) -> Owner:
    if picture.mailbox is not None:
        return picture.mailbox
    return ScopeRef(Level(picture.level), picture.object_id)


def _kept(written: Written) -> PictureContent:
    values = {
        "content_type": written.content_type,
        "width": written.width,
        "height": written.height,
        "data": written.data,
    }
    return PictureContent.objects.get_or_create(digest=written.digest, defaults=values)[0]


def _why(error: BadPicture) -> str:
    if error.why == "large":
        return _("A picture has at most %(size)s MB.") % {"size": MOST_BYTES // 1024 // 1024}
    if error.why == "pixels":
        return _("This picture has too many pixels.")
    return _("This is no picture that mail programs show: use PNG, JPEG, GIF or WebP.")
