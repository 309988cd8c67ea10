"""How the service looks under a host name and to a person: what counts of each value, and which level says it.

A domain's own branding goes before its customer's, and that before the server's, value by value. One query for a
person, whose rows say where they belong. Asks no rights; writing is `services.branding`'s.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db.models import Q
from django.http.request import validate_host
from django.urls import reverse
from django.utils.translation import get_language

from accounts.addresses import canonical_domain
from accounts.errors import BadAddress
from accounts.models import User
from accounts.scopes import SERVER, ScopeRef
from config.kit.branding import PLAIN, Brand
from domains import brand_colours
from domains.logos import Kind
from domains.models import BrandHost, Branding, BrandLogo, Customer, Domain, DomainName, Status

FIELDS = ("name", "colour", "greeting", "support")
ENDINGS = {Kind.PNG.value: "png", Kind.JPEG.value: "jpg", Kind.WEBP.value: "webp"}
GONE = (Status.DELETED, Status.PURGED)
Place = Domain | Customer | ScopeRef  # a domain, a customer, or SERVER
Text = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Said:
    """A value that counts.

    own: what the place itself says, None where it inherits. source: who says what counts, None: nobody. inherited and
    inherited_from: the same without the place's own.
    """

    name: str
    value: Any
    source: ScopeRef | None
    own: Any
    inherited: Any
    inherited_from: ScopeRef | None


@dataclass(frozen=True, slots=True)
class Looks:
    """Everything about one place: `values` by field, and "logo" among them (a `BrandLogo` without its content).

    version: of the place's own row, 0 where it has none.
    """

    values: dict[str, Said]
    version: int
    hosts: tuple[str, ...] = ()

    def __getitem__(self, name: str) -> Any:
        return self.values[name].value


def looks_of(place: Place) -> Looks:
    """What counts at a place, and what is its own."""
    rows = _rows(*_ids(place))
    own = next((row for row in rows if row.scope == _scope(place)), None)
    values = {name: _said(name, rows, own) for name in (*FIELDS, "logo")}
    hosts = () if own is None else tuple(own.hosts.values_list("name", flat=True))
    return Looks(values, 0 if own is None else own.version, hosts)


def brand_of(values: Mapping[str, Any], language: str = "") -> Brand:
    """The values that count, as they are shown to a reader of this language (the page's where none is given)."""
    language = language or get_language() or settings.LANGUAGE_CODE
    logo, colour, support = values.get("logo"), values.get("colour") or "", values.get("support") or {}
    address = support.get("address", "")
    return Brand(
        name=values.get("name") or "",
        colour=colour.removeprefix("#"),
        stylesheet_url=reverse("brand:stylesheet", args=[brand_colours.file_name(colour)]) if colour else "",
        logo_url=logo_url(logo) if logo is not None else "",
        logo_width=0 if logo is None else logo.width,
        logo_height=0 if logo is None else logo.height,
        greeting=in_language(values.get("greeting") or {}, language),
        support_text=in_language(support.get("text", {}), language) or address,
        support_url=f"mailto:{address}" if address and not address.startswith("https:") else address,
    )


def logo_url(logo: BrandLogo) -> str:
    """Where a logo is read; the address changes with the picture."""
    return reverse("brand:logo", args=[f"{logo.sha256}.{ENDINGS[logo.kind]}"])


def in_language(text: Text, language: str) -> str:
    """A text for a reader of this language: in it, or as it stands for everybody."""
    return text.get(language) or text.get(language.partition("-")[0]) or text.get("", "")


class Finder:
    """What the kit asks (`config.kit.branding.Finder`)."""

    def of_person(self, person: User, language: str) -> Brand:
        rows = _rows(person.home_domain_id, person.home_customer_id)
        return brand_of(_counting(rows), language) if rows else PLAIN

    def of_host(self, host: str) -> Brand:
        place = place_of_host(host)
        rows = _rows(*_ids(place or SERVER))
        return brand_of(_counting(rows)) if rows else PLAIN

    def is_served(self, host: str) -> bool:
        """Only where a domain or its customer shows something of its own: other names are answered like strangers',
        so that asking tells nobody which domains are here."""
        place = place_of_host(host)
        return place is not None and any(row.scope != SERVER and _says_something(row) for row in _rows(*_ids(place)))


def place_of_host(host: str) -> Domain | Customer | None:
    """Whose name a host has: a domain's, or what it was recorded for; None for nobody's, and for the server's own.

    A name of the server's own is everybody's door, and so the server's, unless who runs it recorded it for somebody.
    """
    try:
        name = canonical_domain(host)
    except BadAddress:
        return None
    if not is_own_host(name):
        served = Domain.objects.filter(names__name=name).exclude(status__in=GONE).first()
        if served is not None:
            return served
    recorded = _recorded(name)
    place = None if recorded is None else recorded.branding.domain or recorded.branding.customer
    if recorded is None or place is None or recorded.is_vouched:
        return place
    return place if not is_own_host(name) and lies_below(place, name) else None


def is_own_host(name: str) -> bool:
    """Whether the server itself is reached by this name, whoever is served."""
    return validate_host(name, settings.ALLOWED_HOSTS)


def lies_below(place: Domain | Customer, name: str) -> bool:
    """Whether a host name lies below a name of the domain, or of one of the customer's domains."""
    labels = name.split(".")
    above = [".".join(labels[number:]) for number in range(1, len(labels))]
    names = DomainName.objects.filter(name__in=above).exclude(domain__status__in=GONE)
    if isinstance(place, Domain):
        return names.filter(domain=place).exists()
    return names.filter(domain__customer=place).exists()


def own_logo(place: Place) -> BrandLogo | None:
    """The picture that a place itself has set, with its content."""
    domain_id, customer_id = _ids(place)
    owner = {"branding__domain": domain_id, "branding__customer": None if domain_id is not None else customer_id}
    return BrandLogo.objects.filter(**owner).first()


def find_logo(sha256: str) -> BrandLogo | None:
    """A picture with its content, by its address; who has the address may see it, as on the sign-in page."""
    return BrandLogo.objects.filter(sha256=sha256).first()


def _recorded(name: str) -> BrandHost | None:
    found = BrandHost.objects.select_related("branding__domain", "branding__customer").filter(name=name)
    return found.exclude(branding__domain__status__in=GONE).first()


def _scope(place: Place) -> ScopeRef:
    return place if isinstance(place, ScopeRef) else place.scopes()[0]


def _ids(place: Place) -> tuple[int | None, int | None]:
    """The domain and the customer whose brandings count."""
    if isinstance(place, Domain):
        return place.pk, place.customer_id
    return None, place.pk if isinstance(place, Customer) else None


def _rows(domain_id: int | None, customer_id: int | None) -> list[Branding]:
    """Those that count, the nearest first; one query, and no picture's content in it."""
    where = Q(domain=None, customer=None)
    if domain_id is not None:
        where |= Q(domain_id=domain_id)
    if customer_id is not None:
        where |= Q(customer_id=customer_id)
    found = Branding.objects.filter(where).select_related("logo").defer("logo__content")
    return sorted(found, key=lambda row: (row.domain_id is None, row.customer_id is None))


def _own_value(row: Branding, name: str) -> Any:
    return getattr(row, name, None)  # a row without a logo has no attribute of it


def _counting(rows: Iterable[Branding]) -> dict[str, Any]:
    """The first value that somebody says, by field."""
    found: dict[str, Any] = {}
    for row in rows:
        for name in (*FIELDS, "logo"):
            own = _own_value(row, name)
            if own is not None:
                found.setdefault(name, own)
    return found


def _says_something(row: Branding) -> bool:
    return bool(_counting([row]))


def _said(name: str, rows: list[Branding], own_row: Branding | None) -> Said:
    own = None if own_row is None else _own_value(own_row, name)
    above = [(_own_value(row, name), row.scope) for row in rows if row is not own_row]
    inherited, inherited_from = next(((value, scope) for value, scope in above if value is not None), (None, None))
    if own is None or own_row is None:
        return Said(name, inherited, inherited_from, None, inherited, inherited_from)
    return Said(name, own, own_row.scope, own, inherited, inherited_from)
