"""Who gets in where: branding of a domain, a customer and the server, and the files of brands."""

from __future__ import annotations

from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile

from accounts.actors import Actor
from accounts.permissions import Right
from domains import brand_colours, brands
from domains.models import Domain
from domains.services.branding import set_logo
from tests.access import Cast, for_administrators, in_domain, of_customer, public
from tests.domains.branding.pictures import png

EDIT = Right.EDIT_DOMAINS
SAID: dict[str, Any] = {"name": "Harbour mail", "colour": "#1d4ed8"}


def field(name: str) -> Any:
    return lambda cast, place: (place.pk, name)


def a_picture(cast: Cast) -> dict[str, Any]:
    return {"logo": SimpleUploadedFile("logo.png", png(), "image/png")}


def a_logo(cast: Cast, owner: Any) -> tuple[object, ...]:
    logo = set_logo(Actor.system(), Domain.objects.get(pk=cast.domain.pk), png())
    return (brands.logo_url(logo).rpartition("/")[2],)


def a_sheet(cast: Cast, owner: Any) -> tuple[object, ...]:
    return (brand_colours.file_name("#1d4ed8"),)


def name_of_server(cast: Cast, owner: Any) -> tuple[object, ...]:
    return ("name",)


ROWS = [
    public("brand:logo", args=a_logo),
    public("brand:stylesheet", args=a_sheet),
    in_domain("domains:domain-branding"),
    in_domain("domains:domain-branding-edit", need=EDIT),
    in_domain("domains:domain-branding-edit", 303, method="POST", need=EDIT, data=SAID),
    in_domain("domains:domain-branding-preview", method="POST", need=EDIT, data=SAID),
    in_domain("domains:domain-branding-logo", 303, method="POST", need=EDIT, data=a_picture),
    in_domain("domains:domain-branding-reset", 303, method="POST", need=EDIT, args=field("name")),
    of_customer("domains:customer-branding"),
    of_customer("domains:customer-branding-edit", need=EDIT),
    of_customer("domains:customer-branding-edit", 303, method="POST", need=EDIT, data=SAID),
    of_customer("domains:customer-branding-preview", method="POST", need=EDIT, data=SAID),
    of_customer("domains:customer-branding-logo", 303, method="POST", need=EDIT, data=a_picture),
    of_customer("domains:customer-branding-reset", 303, method="POST", need=EDIT, args=field("name")),
    for_administrators("domains:server-branding"),
    for_administrators("domains:server-branding-edit"),
    for_administrators("domains:server-branding-edit", 303, method="POST", data=SAID),
    for_administrators("domains:server-branding-preview", method="POST", data=SAID),
    for_administrators("domains:server-branding-logo", 303, method="POST", data=a_picture),
    for_administrators("domains:server-branding-reset", 303, method="POST", args=name_of_server),
]
