"""Writes of branding: what a domain, a customer or the server says about how the service looks to its people.

Who may change a domain may brand it, and who may change all domains of a customer the customer; what everybody sees is
for who runs the server. What is set to nothing is inherited again. Reading is `domains.brands`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts import audit
from accounts.actors import Actor
from accounts.addresses import canonical_domain
from accounts.errors import BadAddress
from accounts.permissions import Right
from accounts.scopes import SERVER
from config.kit import versions
from config.kit.versions import ChangedMeanwhile
from domains import brands, logos
from domains.brands import FIELDS, Place
from domains.errors import Invalid, Taken
from domains.logos import BadPicture
from domains.models import BrandHost, Branding, BrandLogo, Customer, Domain, DomainName
from domains.services.brand_values import checked
from domains.services.domain_settings import require_there

MOST_HOSTS = 20


def needed_right(place: Place) -> Right:
    """What changing a place's branding takes, on the place."""
    return Right.MANAGE_SERVER if place == SERVER else Right.EDIT_DOMAINS


def set_branding(
    actor: Actor, place: Place, values: Mapping[str, Any], *, expected: int | None = None
) -> versions.Changes:
    """Set some of brands.FIELDS and "hosts". None, an empty text or an empty object inherits. What changed.

    name: one line. colour: #rrggbb. greeting: {"": text, language: text}. support: {"address": an e-mail address or
    an https address, "text": {"": one line, language: one line}}. hosts: names, all of them.
    Raises: Forbidden, Invalid, Taken, WrongState, ChangedMeanwhile.
    """
    _require(actor, place)
    unknown = [name for name in values if name not in (*FIELDS, "hosts")]
    if unknown:
        raise Invalid(_("There is no setting of this name."), field=unknown[0])
    told = {name: checked(name, values[name]) for name in FIELDS if name in values}
    with transaction.atomic():
        row = _locked(place, expected)
        changes = versions.change(row, told)
        if "hosts" in values:
            changes |= _set_hosts(actor, place, row, values["hosts"] or ())
        if changes:
            audit.record(actor, "branding.edit", place, changes=changes)
    return changes


def set_logo(actor: Actor, place: Place, raw: bytes, *, expected: int | None = None) -> BrandLogo:
    """Take a PNG, JPEG or WebP as the logo; kept is what `logos.read_picture` wrote of it.

    Raises: Forbidden, Invalid, WrongState, ChangedMeanwhile.
    """
    _require(actor, place)
    try:
        picture = logos.read_picture(raw)
    except BadPicture as error:
        raise Invalid(_why(error), field="logo") from error
    with transaction.atomic():
        row = _locked(place, expected)
        old = BrandLogo.objects.filter(branding=row).defer("content").first()
        digest = hashlib.sha256(picture.content).hexdigest()
        if old is not None and old.sha256 == digest:
            return old
        values = {
            "content": picture.content,
            "kind": picture.kind.value,
            "width": picture.width,
            "height": picture.height,
            "size_bytes": len(picture.content),
            "sha256": digest,
        }
        new, _made = BrandLogo.objects.update_or_create(branding=row, defaults=values)
        versions.touch(row)
        audit.record(actor, "branding.set_logo", place, changes={"logo": (None if old is None else str(old), str(new))})
    return new


def remove_logo(actor: Actor, place: Place, *, expected: int | None = None) -> bool:
    """Inherit the logo again; false where there was none. Raises: Forbidden, WrongState, ChangedMeanwhile."""
    _require(actor, place)
    with transaction.atomic():
        row = _locked(place, expected)
        old = BrandLogo.objects.filter(branding=row).defer("content").first()
        if old is None:
            return False
        said = str(old)
        old.delete()
        versions.touch(row)
        audit.record(actor, "branding.remove_logo", place, changes={"logo": (said, None)})
    return True


def _require(actor: Actor, place: Place) -> None:
    actor.require(needed_right(place), None if place == SERVER else place)
    actor.require_writing()
    if isinstance(place, Domain):
        require_there(place)


def _locked(place: Place, expected: int | None) -> Branding:
    """The place's row, made where there is none, and nobody else's until the transaction ends."""
    owner = {
        "domain": place if isinstance(place, Domain) else None,
        "customer": place if isinstance(place, Customer) else None,
    }
    found, _is_new = Branding.objects.get_or_create(**owner, defaults={"version": 0})
    row = Branding.objects.select_for_update(of=("self",)).get(pk=found.pk)
    if expected is not None and row.version != expected:
        raise ChangedMeanwhile(f"the branding of {place} was changed meanwhile")
    return row


# --- host names ---------------------------------------------------------------------------------------------------


def _set_hosts(actor: Actor, place: Place, row: Branding, given: Iterable[str]) -> versions.Changes:
    names = _checked_hosts(given)
    before = {host.name: host for host in row.hosts.all()}
    if set(names) == set(before):
        return {}
    if names and isinstance(place, type(SERVER)):
        raise Invalid(_("The server's branding is shown under every name already."), field="hosts")
    added = [_new_host(actor, place, row, name) for name in names if name not in before]
    row.hosts.exclude(name__in=names).delete()
    try:
        with transaction.atomic():
            BrandHost.objects.bulk_create(added)
    except IntegrityError as error:
        raise Taken(_("One of these host names shows another branding already."), field="hosts") from error
    versions.touch(row)
    return {"hosts": (sorted(before), sorted(names))}


def _checked_hosts(given: Iterable[str]) -> list[str]:
    names: dict[str, None] = {}
    for text in given:
        try:
            names[canonical_domain(str(text).strip()[:300].rstrip("."))] = None
        except BadAddress as error:
            raise Invalid(str(error), field="hosts") from error
        if len(names) > MOST_HOSTS:
            raise Invalid(_("There can be %(most)d host names at most.") % {"most": MOST_HOSTS}, field="hosts")
    return list(names)


def _new_host(actor: Actor, place: Place, row: Branding, name: str) -> BrandHost:
    """A host name that may be recorded here by this actor. Whose the name is, is asked after whether it is theirs."""
    assert isinstance(place, Domain | Customer)
    is_below = brands.lies_below(place, name)
    runs_server = actor.has(Right.MANAGE_SERVER)
    if not runs_server and (not is_below or brands.is_own_host(name)):
        wrong = _("%(host)s lies below none of the names here; only who runs the server can record it.")
        raise Invalid(wrong % {"host": name}, field="hosts")
    served = DomainName.objects.filter(name=name).select_related("domain").first()
    if served is not None:
        is_own = served.domain == place or (isinstance(place, Customer) and served.domain.customer_id == place.pk)
        wrong = (
            _("%(host)s is a name of the domain; the branding is shown there already.")
            if is_own
            else _("%(host)s is taken already.")
        )
        raise Taken(wrong % {"host": name}, field="hosts")
    return BrandHost(branding=row, name=name, is_vouched=runs_server and (not is_below or brands.is_own_host(name)))


def _why(error: BadPicture) -> str:
    """What is wrong with a picture, for who uploaded it."""
    size = {"side": logos.MOST_SIDE, "pixels": logos.MOST_PIXELS // 1_000_000, "size": logos.MOST_BYTES // 1024}
    words = {
        "large": _("A logo may have %(size)d KiB at most."),
        "svg": _("This is an SVG or another text. An SVG can hold programs, so none is taken: save it as PNG."),
        "unknown": _("This is no PNG, JPEG or WebP picture, whatever its name says."),
        "damaged": _("The picture is damaged and can't be shown."),
        "pixels": _("A logo may be %(side)d pixels wide and high, and have %(pixels)d million pixels, at most."),
        "animated": _("The picture moves. A logo stands still."),
        "colours": _("The picture has the colours of print (CMYK). Save it in RGB."),
    }
    return words[error.why] % size
