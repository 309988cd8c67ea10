"""Checks that services of several subjects make of what they are given: texts, limits, networks. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext as _

from domains.errors import Invalid
from domains.limits import UNLIMITED

MOST_SUBNETS = 200
LARGEST = 1 << 60
# wider networks than these would make an open relay of us by a slip of the pen
WIDEST_PREFIX = {4: 16, 6: 32}

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def checked_text(model: type[models.Model], values: Mapping[str, Any]) -> dict[str, Any]:
    """Texts stripped and as the model's fields take them. Raises: Invalid, with the field."""
    checked: dict[str, Any] = {}
    for name, value in values.items():
        field = model._meta.get_field(name)
        assert isinstance(field, models.Field)
        text = str(value or "").strip()
        if "\0" in text or (field.get_internal_type() == "CharField" and any(sign in text for sign in "\r\n")):
            raise Invalid(_("This must be one line of text."), field=name)
        try:
            checked[name] = field.clean(text, None)
        except ValidationError as error:
            raise Invalid(" ".join(error.messages), field=name) from error
    return checked


def checked_limits(values: Mapping[str, int | None], known: Iterable[str]) -> dict[str, int | None]:
    """Limits: null for none of its own, −1 for unlimited, or a number from 0 up. Raises: Invalid, with the field."""
    names = set(known)
    for name, value in values.items():
        if name not in names:
            raise Invalid(_("There is no limit of this name here."), field=name)
        if value is not None and (isinstance(value, bool) or not UNLIMITED <= value <= LARGEST):
            text = _("A limit is a number from 0 up, −1 for unlimited, or empty to inherit.")
            raise Invalid(text, field=name)
    return dict(values)


def checked_subnets(texts: Iterable[str], *, field: str = "outgoing_subnets", any_width: bool = False) -> list[str]:
    """Networks in CIDR form, each once, in the order given; an address alone is a network of one.

    any_width: also networks as wide as half the world. Raises: Invalid, with the field.
    """
    found: dict[str, None] = {}
    for text in texts:
        stripped = text.strip()
        if stripped:
            found[str(_network(stripped, field=field, any_width=any_width))] = None
        if len(found) > MOST_SUBNETS:
            raise Invalid(_("There can be %(most)d networks at most.") % {"most": MOST_SUBNETS}, field=field)
    return list(found)


def _network(text: str, *, field: str, any_width: bool) -> Network:
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError as error:
        wrong = _("“%(text)s” is no network. Write it like 192.0.2.0/24 or 2001:db8::/48.")
        raise Invalid(wrong % {"text": text[:60]}, field=field) from error
    if network.is_loopback or network.is_multicast or network.is_link_local or network.is_unspecified:
        raise Invalid(_("%(text)s is no network of senders.") % {"text": network}, field=field)
    if not any_width and network.prefixlen < WIDEST_PREFIX[network.version]:
        wide = _("%(text)s is too wide: everybody in it could send in the name of the domain.")
        raise Invalid(wide % {"text": network}, field=field)
    return network
