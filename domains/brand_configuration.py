"""Branding in the configuration file: texts, colour, host names, and the logo in base64, of a bounded size."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import places
from accounts.actors import Actor
from accounts.permissions import Right
from accounts.scopes import SERVER
from domains.brands import FIELDS, Place
from domains.errors import Invalid
from domains.logos import MOST_BYTES
from domains.models import Branding, Customer, Domain
from domains.services.branding import remove_logo, set_branding, set_logo
from jobs.configuration.parts import Need, Objects, Part, Values, needed_place, register, scope_keys, scope_of_key


def register_part() -> None:
    register(Part("branding", gettext_lazy("Branding"), 65, _read, _save, _remove, needs=_needs))


def _read() -> Objects:
    rows = list(Branding.objects.select_related("domain", "customer", "logo").prefetch_related("hosts"))
    keys = scope_keys({row.scope for row in rows})
    found = {keys[row.scope]: _values(row) for row in rows if row.scope in keys}
    return {key: values for key, values in found.items() if any(values.values())}


def _values(row: Branding) -> Values:
    values: Values = {name: getattr(row, name) for name in FIELDS}
    logo = getattr(row, "logo", None)
    values["logo"] = None if logo is None else base64.b64encode(bytes(logo.content)).decode()
    values["hosts"] = [host.name for host in row.hosts.all()]
    return values


def _save(actor: Actor, key: str, values: Values, present: Values | None) -> None:
    place = _place(actor, key)
    set_branding(actor, place, {name: value for name, value in values.items() if name != "logo"})
    if "logo" not in values:
        return
    if values["logo"] is None:
        remove_logo(actor, place)
    else:
        set_logo(actor, place, _picture(values["logo"]))


def _remove(actor: Actor, key: str) -> None:
    place = _place(actor, key)
    set_branding(actor, place, {**dict.fromkeys(FIELDS), "hosts": []})
    remove_logo(actor, place)


def _picture(text: object) -> bytes:
    """Raises: Invalid."""
    try:
        if not isinstance(text, str) or len(text) > MOST_BYTES // 3 * 4 + 4:
            raise ValueError
        return base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        raise Invalid(
            _("Its logo isn't a picture in base64 of at most %(size)d KiB.") % {"size": MOST_BYTES // 1024},
            field="logo",
        ) from None


def _place(actor: Actor, key: str) -> Place:
    """Raises: Invalid."""
    scope = scope_of_key(key)
    if scope is None:
        raise Invalid(_("“%(name)s” isn't here.") % {"name": key[:200]})
    if scope == SERVER:
        return SERVER
    found = places.get(actor, scope, Right.EDIT_DOMAINS)
    if not isinstance(found, Domain | Customer):
        raise Invalid(_("Only the server, customers and domains have a branding."))
    return found


def _needs(key: str, values: Values) -> Iterable[Need]:
    return needed_place(key)
