"""Writes of branding: what a domain, a customer or the server says about how the service looks to its people.

Who may change a domain may brand it, and who may change all domains of a customer the customer; what everybody sees is
for who runs the server. What is set to nothing is inherited again. Reading is `domains.brands`.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts import audit
from accounts.actors import Actor
from accounts.addresses import canonical_domain, parse_address
from accounts.errors import BadAddress
from accounts.models import User
from accounts.permissions import Right
from accounts.scopes import SERVER
from config.kit import versions
from config.kit.versions import ChangedMeanwhile
from domains import brand_colours, brands, logos
from domains.brands import FIELDS, Place
from domains.errors import Invalid, Taken
from domains.logos import BadPicture
from domains.models import BrandHost, Branding, BrandLogo, Customer, Domain, DomainName
from domains.services.domain_settings import require_there

NAME_MAX, GREETING_MAX, GREETING_LINES, SUPPORT_MAX, ADDRESS_MAX, MOST_HOSTS = 60, 500, 8, 120, 300, 20
LANGUAGES = tuple(choice for choice, _label in User.Language.choices if choice)


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


# --- values -------------------------------------------------------------------------------------------------------


def checked_name(value: object) -> str | None:
    """Raises: Invalid."""
    return _line(value, NAME_MAX, field="name") or None


def checked_colour(value: object) -> str | None:
    """Raises: Invalid."""
    text = _line(value, 20, field="colour").lower()
    if not text:
        return None
    if not brand_colours.is_colour(text):
        wrong = _("A colour is written as # and six hexadecimal digits, such as #1d4ed8.")
        raise Invalid(wrong, field="colour")
    return text


def checked_greeting(value: object) -> dict[str, str] | None:
    """Raises: Invalid."""
    found = {
        language: _lines(text, field=_at("greeting", language))
        for language, text in _by_language(value, "greeting").items()
    }
    return {language: text for language, text in found.items() if text} or None


def checked_support(value: object) -> dict[str, Any] | None:
    """Raises: Invalid."""
    if value is None:
        return None
    if not isinstance(value, Mapping) or set(value) - {"address", "text"}:
        raise Invalid(_("This must be an address and a text."), field="support")
    address = _support_address(value.get("address"))
    texts = _by_language(value.get("text"), "support.text")
    found = {
        language: _line(text, SUPPORT_MAX, field=_at("support.text", language)) for language, text in texts.items()
    }
    kept = {language: text for language, text in found.items() if text}
    return {"address": address, "text": kept} if address or kept else None


def _support_address(value: object) -> str:
    text = _line(value, ADDRESS_MAX, field="support.address")
    if not text:
        return ""
    wrong = Invalid(_("Write an e-mail address, or a web address that begins with https://."), field="support.address")
    if not text.lower().startswith("https:"):
        try:
            return str(parse_address(text))
        except BadAddress as error:
            raise wrong from error
    try:
        parts = urlsplit(text)
        sound = bool(parts.hostname) and parts.username is None and parts.port != 0
    except ValueError as error:
        raise wrong from error
    if not sound or any(sign in text for sign in " \"'<>\\`{}|^"):
        raise wrong
    return "https:" + text[6:]


def _at(field: str, language: str) -> str:
    """Which of the texts is meant: greeting.de."""
    return f"{field}.{language}" if language else field


def _by_language(value: object, field: str) -> dict[str, object]:
    """{"": text, language: text}; a text alone is for everybody."""
    if value is None or isinstance(value, str):
        return {"": value or ""}
    if not isinstance(value, Mapping):
        raise Invalid(_("This must be a text."), field=field)
    unknown = [key for key in value if key not in ("", *LANGUAGES)]
    if unknown:
        wrong = _("“%(value)s” is not one of the languages here.") % {"value": str(unknown[0])[:20]}
        raise Invalid(wrong, field=field)
    return dict(value)


def _line(value: object, most: int, *, field: str) -> str:
    text = _text(value, most, field=field)
    if "\n" in text:
        raise Invalid(_("This must be one line of text."), field=field)
    return text


def _lines(value: object, *, field: str) -> str:
    text = _text(value, GREETING_MAX, field=field)
    if text.count("\n") >= GREETING_LINES:
        raise Invalid(_("This may have %(most)d lines at most.") % {"most": GREETING_LINES}, field=field)
    return text


def _text(value: object, most: int, *, field: str) -> str:
    """Plain text without signs that steer terminals or turn lines around."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Invalid(_("This must be a text."), field=field)
    if len(value) > 4 * most + 1_000:  # before anything is looked at
        raise _too_long(most, field)
    text = unicodedata.normalize("NFC", value.replace("\r\n", "\n").replace("\r", "\n")).strip()
    if len(text) > most:
        raise _too_long(most, field)
    if any(
        unicodedata.category(sign) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp") for sign in text if sign not in "\n\u200d"
    ):
        raise Invalid(_("Only visible characters and spaces."), field=field)
    return text


def _too_long(most: int, field: str) -> Invalid:
    return Invalid(_("This may have %(most)d characters at most.") % {"most": most}, field=field)


def checked(name: str, value: object) -> Any:
    """One of brands.FIELDS as it is kept. Raises: Invalid."""
    return _CHECKS[name](value)


_CHECKS: dict[str, Callable[[object], Any]] = {
    "name": checked_name,
    "colour": checked_colour,
    "greeting": checked_greeting,
    "support": checked_support,
}


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
