"""Branding: how the service looks to the people of a domain, as a domain, its customer or the server says.

The manual has none of it. Texts are {"": the text, "de": the same in German}; a picture travels as Base64.
"""

from __future__ import annotations

import base64
import binascii
from typing import Annotated, Any, Literal

from django.utils.translation import gettext as _
from pydantic import Field

from accounts.actors import Actor
from accounts.permissions import Level, Right
from accounts.scopes import SERVER
from api.errors import Fault, Invalid, NotFound
from api.operations import Admit, Group
from api.schemas import Answer, Body
from api.v1 import subjects
from domains import brand_colours, brands
from domains.brands import Place
from domains.logos import MOST_BYTES
from domains.models import BrandLogo
from domains.services import brand_values, branding

group = Group("Branding", "How the service looks to the people of a domain: name, logo, colour and words.")

MOST_BASE64 = 4 * (MOST_BYTES + 2) // 3 + 4
Language = Literal["", "en", "de", "fr", "es", "nb", "da"]
Texts = Annotated[
    dict[Language, Annotated[str, Field(max_length=brand_values.GREETING_MAX)]],
    Field(description="By language; “” is for everybody else.", examples=[{"": "Welcome", "de": "Willkommen"}]),
]
Lines = Annotated[
    dict[Language, Annotated[str, Field(max_length=brand_values.SUPPORT_MAX)]],
    Field(description="By language; “” is for everybody else.", examples=[{"": "Help desk"}]),
]


class SupportBody(Body):
    """Whom people ask."""

    address: Annotated[
        str,
        Field(
            max_length=brand_values.ADDRESS_MAX,
            description="An e-mail address, or a web address that begins with https://.",
            examples=["help@example.org"],
        ),
    ] = ""
    text: Lines = Field(default_factory=dict)


class BrandingUpdate(Body):
    """Fields left out stay; null or nothing inherits."""

    name: Annotated[str, Field(max_length=brand_values.NAME_MAX, examples=["Harbour mail"])] | None = None
    colour: Annotated[str, Field(pattern=r"^#[0-9A-Fa-f]{6}$", examples=["#1d4ed8"])] | None = None
    greeting: Texts | None = None
    support: SupportBody | None = None
    hosts: (
        Annotated[
            list[Annotated[str, Field(max_length=253)]],
            Field(
                max_length=branding.MOST_HOSTS,
                description="Further host names under which it is shown; all of them.",
                examples=[[]],
            ),
        ]
        | None
    ) = None


class LogoBody(Body):
    """A PNG, JPEG or WebP; what it is counts, and it is kept without anything but the picture."""

    content: Annotated[str, Field(max_length=MOST_BASE64, description="Base64.", examples=["iVBORw0KGgo="])]


class SupportAnswer(Answer):
    address: str
    text: dict[str, str]


class LogoFacts(Answer):
    """`url` is below the server's own address; it changes with the picture."""

    content_type: str
    width: int
    height: int
    size: int
    sha256: str
    url: str


class LogoAnswer(LogoFacts):
    """The picture set on this very object."""

    content: Annotated[str, Field(description="Base64.")]


class BrandingAnswer(Answer):
    """What counts. `sources` says which level says each value; `own` lists those that are set on this very object."""

    name: str | None
    colour: str | None
    text_colour: Annotated[str | None, Field(description="What is written on the colour: white or black.")]
    contrast: Annotated[float | None, Field(description="Of the two, by WCAG.")]
    greeting: dict[str, str] | None
    support: SupportAnswer | None
    logo: LogoFacts | None
    hosts: list[str]
    own: list[str]
    sources: dict[str, str]


def _facts(logo: BrandLogo) -> dict[str, Any]:
    return {
        "content_type": logo.kind,
        "width": logo.width,
        "height": logo.height,
        "size": logo.size_bytes,
        "sha256": logo.sha256,
        "url": brands.logo_url(logo),
    }


def _present(place: Place) -> BrandingAnswer:
    looks = brands.looks_of(place)
    colour, support, logo = looks["colour"], looks["support"], looks["logo"]
    written = brand_colours.writing_on(colour) if colour else None
    return BrandingAnswer(
        name=looks["name"],
        colour=colour,
        text_colour=None if written is None else written.colour,
        contrast=None if written is None else round(written.ratio, 2),
        greeting=looks["greeting"],
        support=None if support is None else SupportAnswer(**support),
        logo=None if logo is None else LogoFacts(**_facts(logo)),
        hosts=list(looks.hosts),
        own=[name for name, said in looks.values.items() if said.own is not None],
        sources={name: said.source.level.value for name, said in looks.values.items() if said.source is not None},
    )


def _own_logo(place: Place) -> BrandLogo:
    found = brands.own_logo(place)
    if found is None:
        raise NotFound()
    return found


def _present_logo(logo: BrandLogo) -> LogoAnswer:
    return LogoAnswer(**_facts(logo), content=base64.b64encode(bytes(logo.content)).decode())


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        wrong = _("This must be Base64.")
        raise Invalid(f"content: {wrong}", faults=[Fault("content", wrong)]) from error


def _values(body: BrandingUpdate) -> dict[str, Any]:
    """As the service takes them."""
    values = body.changes()
    if values.get("support") is not None:
        values["support"] = {"address": values["support"].address, "text": dict(values["support"].text)}
    return values


def _declare(what: Level, path: str, *, see: Admit, change: Admit) -> None:
    """The five operations of one level."""

    def shown(actor: Actor, place: Place) -> BrandingAnswer:
        return _present(place)

    def changed(actor: Actor, place: Place, body: BrandingUpdate) -> None:
        branding.set_branding(actor, place, _values(body))

    def logo(actor: Actor, place: Place) -> LogoAnswer:
        return _present_logo(_own_logo(place))

    def logo_set(actor: Actor, place: Place, body: LogoBody) -> LogoAnswer:
        branding.set_logo(actor, place, _decoded(body.content))
        return _present_logo(_own_logo(place))

    def logo_removed(actor: Actor, place: Place) -> None:
        if not branding.remove_logo(actor, place):
            raise NotFound()

    whose = {Level.SERVER: "the server", Level.CUSTOMER: "a customer", Level.DOMAIN: "a domain"}[what]
    shown.__doc__ = f"""Read the branding of {whose}.

    What counts, and which level says it."""
    changed.__doc__ = f"""Change the branding of {whose}.

    Null or nothing goes back to what the level above says. Words on the colour are white or black, whichever can be
    read. A host name that isn't below a name of the domain is for who runs the server."""
    logo.__doc__ = f"""Read the logo of {whose}.

    The one set on this very object; 404 where it is inherited."""
    logo_set.__doc__ = f"""Set the logo of {whose}.

    PNG, JPEG or WebP, 512 KiB, 2,048 pixels in width and height and a million pixels at most."""
    logo_removed.__doc__ = f"""Let the logo of {whose} be inherited again.

    404 where none was set."""
    names = ("branding", "branding_change", "branding_logo", "branding_logo_set", "branding_logo_remove")
    for function, name in zip((shown, changed, logo, logo_set, logo_removed), names, strict=True):
        function.__name__ = f"{what}_{name}"
    group.get(f"{path}/branding", admit=see)(shown)
    group.patch(f"{path}/branding", admit=change)(changed)
    group.get(f"{path}/branding/logo", admit=see)(logo)
    group.put(f"{path}/branding/logo", admit=change)(logo_set)
    group.delete(f"{path}/branding/logo", admit=change)(logo_removed)


_EDIT = Right.EDIT_DOMAINS
_SERVER = subjects.server(branding.needed_right(SERVER))
_declare(Level.DOMAIN, "/domains/{int:domainId}", see=subjects.domain(), change=subjects.domain(_EDIT))
_declare(Level.CUSTOMER, "/customers/{int:customerId}", see=subjects.customer(), change=subjects.customer(_EDIT))
_declare(Level.SERVER, "/server", see=_SERVER, change=_SERVER)
