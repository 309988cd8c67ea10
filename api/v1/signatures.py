"""Signatures for programs: people's own, what their mail gets now (for webmail, mail clients), templates, rules."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any, Literal

from django.db.models import QuerySet
from pydantic import BaseModel, ConfigDict, Field

from accounts import places
from accounts.actors import Actor
from accounts.permissions import EndUserRight, Level, Right
from accounts.scopes import SERVER, ScopeRef
from api import filters
from api.errors import Fault, Invalid, NotFound
from api.listing import Listing
from api.operations import Created, Group
from api.schemas import Answer, Body, left_out
from api.v1 import subjects
from domains.models import Mailbox
from gateway.models import OwnSignature, SignaturePicture, SignatureRule, SignatureTemplate
from gateway.selectors import signatures as selectors
from gateway.services import signature_pictures, signature_rules, signatures
from gateway.signature_previews import effective_for

group = Group("Signature templates", "Own signatures, what mail gets now, templates, rules, pictures.")
NEED = Right.MANAGE_SIGNATURES
Scope = Literal["server", "customer", "domain"]
KindName = Literal["signature", "addition"]
SideName = Literal["any", "inside", "outside"]
OccasionName = Literal["any", "first", "reply"]
OwnWord = Literal["first", "else", "never"]
Name = Annotated[str, Field(min_length=1, max_length=100)]
Html = Annotated[str, Field(max_length=100_000, examples=["<p>{{ name }}<br>{{ title }}</p>"])]
Words = Annotated[str, Field(max_length=20_000)]
Ids = Annotated[list[int], Field(max_length=signature_rules.MOST_NAMED)]
Patterns = Annotated[list[str], Field(max_length=signature_rules.MOST_PATTERNS, examples=[["*@example.net"]])]

_seeing = subjects.mailbox(own=True)
_changing = subjects.mailbox(Right.MANAGE_USERS, own=EndUserRight.MANAGE_SIGNATURE)


# --- own signatures ---


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


def _picture(row: SignaturePicture) -> PictureAnswer:
    kept = row.content
    return PictureAnswer(
        id=row.pk, name=row.name, reference=row.reference, content_type=kept.content_type, width=kept.width,
        height=kept.height,
    )  # fmt: skip


def _pictures(owner: Mailbox | ScopeRef) -> list[PictureAnswer]:
    rows = signature_pictures.pictures_of(owner).select_related("content").defer("content__data")
    return [_picture(row) for row in rows]


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
    return _pictures(mailbox)


@group.post("/users/{int:userId}/signature-pictures", admit=_changing)
def own_picture_add(actor: Actor, mailbox: Mailbox, body: PictureBody) -> Created[PictureAnswer]:
    """Upload a picture for a user's own signatures; it is written anew from its pixels."""
    row = signature_pictures.add_picture(actor, mailbox, name=body.name, raw=_decoded(body.data))
    return Created(_picture(row), f"/users/{mailbox.user_id}/signature-pictures/{row.pk}")


@group.delete("/users/{int:userId}/signature-pictures/{int:pictureId}", admit=picture_changed)
def own_picture_delete(actor: Actor, picture: SignaturePicture) -> None:
    """Delete a picture that no signature shows."""
    signature_pictures.delete_picture(actor, picture)


def _decoded(data: str) -> bytes:
    try:
        return base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError) as error:
        text = "Write the picture as Base64."
        raise Invalid(f"data: {text}", faults=[Fault("data", text)]) from error


# --- templates ---


class PlaceBody(Body):
    """A place: the server, or a customer or a domain by its id."""

    scope: Scope
    object_id: int = 0


class TemplateBody(PlaceBody):
    """A template. html and text may have placeholders: {{ name }}, {{ mobile | phone }}, {{ info.Room }}."""

    name: Name
    kind: KindName = "signature"
    html: Html
    text: Words = ""


class TemplateChange(Body):
    """What is left out stays as it is."""

    name: Name = left_out()
    kind: KindName = left_out()
    html: Html = left_out()
    text: Words = left_out()


class TemplateAnswer(Answer):
    """A template of a place."""

    id: int
    scope: Scope
    object_id: int
    name: str
    kind: KindName
    html: str
    text: str


def _template(row: SignatureTemplate) -> TemplateAnswer:
    names = ("object_id", "name", "kind", "html", "text")
    return TemplateAnswer(id=row.pk, scope=row.level, **{name: getattr(row, name) for name in names})  # type: ignore[arg-type]


def _templates(actor: Actor, rows: Sequence[SignatureTemplate]) -> list[TemplateAnswer]:
    return [_template(row) for row in rows]


def template(actor: Actor, template_id: int) -> SignatureTemplate:
    """`admit` of one template."""
    return selectors.get_template(actor, template_id)


def _place(actor: Actor, body: PlaceBody) -> ScopeRef:
    place = SERVER if body.scope == "server" else ScopeRef(Level(body.scope), body.object_id)
    subjects.named("objectId", lambda: places.get(actor, place, NEED))
    return place


_BY_PLACE = {
    "scope": filters.choice("level", "Whose it is.", {each: each for each in ("server", "customer", "domain")}),
    "objectId": filters.number("object_id", "The customer or domain."),
}  # fmt: skip
TEMPLATES = Listing(
    TemplateAnswer,
    _templates,
    sorts={"name": "name"},
    default="name",
    filters={
        **_BY_PLACE,
        "kind": filters.choice("kind", "The kind.", {value: value for value in SignatureTemplate.Kind.values}),
    },
)


@group.list("/signature-templates", TEMPLATES)
def signature_template_list(actor: Actor) -> QuerySet[SignatureTemplate]:
    """List the templates of all places whose signatures you manage."""
    return selectors.list_templates(actor)


@group.post("/signature-templates", admit=subjects.somewhere(NEED))
def signature_template_add(actor: Actor, body: TemplateBody) -> Created[TemplateAnswer]:
    """Make a template in a place."""
    values = body.model_dump(exclude={"scope", "object_id"})
    row = signature_rules.create_template(actor, _place(actor, body), values)
    return Created(_template(row), f"/signature-templates/{row.pk}")


@group.get("/signature-templates/{int:templateId}", admit=template)
def signature_template_detail(actor: Actor, row: SignatureTemplate) -> TemplateAnswer:
    """Read a template."""
    return _template(row)


@group.patch("/signature-templates/{int:templateId}", admit=template)
def signature_template_change(actor: Actor, row: SignatureTemplate, body: TemplateChange) -> None:
    """Change some fields of a template."""
    signature_rules.update_template(actor, row, body.changes())


@group.delete("/signature-templates/{int:templateId}", admit=template)
def signature_template_delete(actor: Actor, row: SignatureTemplate) -> None:
    """Delete a template and the rules that give it."""
    signature_rules.delete_template(actor, row)


# --- rules ---


class RuleBody(PlaceBody):
    """A rule; it becomes the last of its place. templateId null: no signature.

    People, groups and domains by id; without any: everybody.
    """

    name: Name
    template_id: int | None = None
    is_enabled: bool = True
    people: Ids = []
    groups: Ids = []
    domains: Ids = []
    side: SideName = "any"
    recipients: Patterns = []
    occasion: OccasionName = "any"
    first_day: date | None = None
    last_day: date | None = None
    stops: bool = False


class RuleChange(Body):
    """What is left out stays as it is. position: its place in the order, from 1."""

    name: Name = left_out()
    template_id: int | None = left_out()
    is_enabled: bool = left_out()
    people: Ids = left_out()
    groups: Ids = left_out()
    domains: Ids = left_out()
    side: SideName = left_out()
    recipients: Patterns = left_out()
    occasion: OccasionName = left_out()
    first_day: date | None = left_out()
    last_day: date | None = left_out()
    stops: bool = left_out()
    position: Annotated[int, Field(ge=1, le=signature_rules.MOST_RULES)] = left_out()


class RuleAnswer(Answer):
    """A rule of a place. people: ids of users; groups: of groups."""

    id: int
    scope: Scope
    object_id: int
    position: int
    name: str
    template_id: int | None
    is_enabled: bool
    people: list[int]
    groups: list[int]
    domains: list[int]
    side: SideName
    recipients: list[str]
    occasion: OccasionName
    first_day: date | None
    last_day: date | None
    stops: bool


def _rules(actor: Actor, rows: Sequence[SignatureRule]) -> list[RuleAnswer]:
    boxes = {number for row in rows for number in row.people}
    persons = dict(Mailbox.objects.filter(pk__in=boxes).values_list("pk", "user_id"))
    names = (
        "object_id", "position", "name", "template_id", "is_enabled", "groups", "domains", "side", "recipients",
        "occasion", "first_day", "last_day", "stops",
    )  # fmt: skip
    return [
        RuleAnswer(
            id=row.pk,
            scope=row.level,  # type: ignore[arg-type]
            people=[person for number in row.people if (person := persons.get(number))],
            **{name: getattr(row, name) for name in names},
        )
        for row in rows
    ]


def rule(actor: Actor, rule_id: int) -> SignatureRule:
    """`admit` of one rule."""
    return selectors.get_rule(actor, rule_id)


def _values(given: dict[str, Any]) -> dict[str, Any]:
    """People are named by their own id, and kept by their mailbox's."""
    if "people" not in given:
        return given
    wanted = given["people"]
    boxes = dict(Mailbox.objects.filter(user__in=wanted).values_list("user_id", "pk"))
    return given | {"people": [boxes.get(person, 0) for person in wanted]}


RULES = Listing(
    RuleAnswer,
    _rules,
    sorts={"name": "name", "position": "position"},
    default="position",
    filters={**_BY_PLACE, "templateId": filters.number("template_id", "The template it gives.")},
)


@group.list("/signature-rules", RULES)
def signature_rule_list(actor: Actor) -> QuerySet[SignatureRule]:
    """List the rules of all places whose signatures you manage."""
    return selectors.list_rules(actor)


@group.post("/signature-rules", admit=subjects.somewhere(NEED))
def signature_rule_add(actor: Actor, body: RuleBody) -> Created[RuleAnswer]:
    """Make a rule in a place."""
    values = _values(body.model_dump(exclude={"scope", "object_id"}))
    row = signature_rules.create_rule(actor, _place(actor, body), values)
    return Created(_rules(actor, [row])[0], f"/signature-rules/{row.pk}")


@group.get("/signature-rules/{int:ruleId}", admit=rule)
def signature_rule_detail(actor: Actor, row: SignatureRule) -> RuleAnswer:
    """Read a rule."""
    return _rules(actor, [row])[0]


@group.patch("/signature-rules/{int:ruleId}", admit=rule)
def signature_rule_change(actor: Actor, row: SignatureRule, body: RuleChange) -> None:
    """Change some fields of a rule, or its place in the order."""
    given = body.changes()
    position = given.pop("position", None)
    if given:
        signature_rules.update_rule(actor, row, _values(given))
    if position is not None:
        signature_rules.move_rule(actor, row, position=position)


@group.delete("/signature-rules/{int:ruleId}", admit=rule)
def signature_rule_delete(actor: Actor, row: SignatureRule) -> None:
    """Delete a rule."""
    signature_rules.delete_rule(actor, row)


# --- what own ones are worth, and pictures of a place ---


class PlaceQuery(BaseModel):
    """Which place."""

    model_config = ConfigDict(extra="forbid")

    scope: Scope
    objectId: Annotated[filters.QueryId, Field(description="The customer or domain; not for the server.")] = None  # noqa: N815


class WorthBody(PlaceBody):
    """own: what people's own signatures are worth; null: as the place above says."""

    own: OwnWord | None


class WorthAnswer(Answer):
    """own: what the place says (null: nothing); counts: what counts there."""

    own: OwnWord | None
    counts: OwnWord


class PlacePictureBody(PlaceBody):
    """A picture in Base64 for the templates of a place."""

    name: Name
    data: Annotated[str, Field(max_length=3_000_000)]


def _asked(actor: Actor, query: PlaceQuery) -> ScopeRef:
    return selectors.get_place(actor, query.scope, query.objectId or 0)


@group.get("/signature-settings", admit=subjects.somewhere(NEED))
def signature_setting(actor: Actor, query: PlaceQuery) -> WorthAnswer:
    """Read what people's own signatures are worth in a place."""
    own, counts = selectors.worth_of(_asked(actor, query))
    return WorthAnswer(own=own, counts=counts)  # type: ignore[arg-type]


@group.put("/signature-settings", admit=subjects.somewhere(NEED))
def signature_setting_set(actor: Actor, body: WorthBody) -> WorthAnswer:
    """Say what people's own signatures are worth in a place: first, else, never."""
    place = _place(actor, body)
    signature_rules.set_worth(actor, place, body.own)
    own, counts = selectors.worth_of(place)
    return WorthAnswer(own=own, counts=counts)  # type: ignore[arg-type]


@group.get("/signature-pictures", admit=subjects.somewhere(NEED))
def signature_picture_list(actor: Actor, query: PlaceQuery) -> list[PictureAnswer]:
    """List the pictures of a place's templates."""
    return _pictures(_asked(actor, query))


@group.post("/signature-pictures", admit=subjects.somewhere(NEED))
def signature_picture_add(actor: Actor, body: PlacePictureBody) -> Created[PictureAnswer]:
    """Upload a picture for the templates of a place."""
    place = _place(actor, body)
    row = signature_pictures.add_picture(actor, place, name=body.name, raw=_decoded(body.data))
    return Created(_picture(row), f"/signature-pictures/{row.pk}")


def place_picture(actor: Actor, picture_id: int) -> SignaturePicture:
    """`admit` of a picture of a place."""
    found = selectors.get_picture(actor, picture_id)
    if found.mailbox_id is not None:
        raise NotFound()
    return found


@group.delete("/signature-pictures/{int:pictureId}", admit=place_picture)
def signature_picture_delete(actor: Actor, picture: SignaturePicture) -> None:
    """Delete a picture that no template shows."""
    signature_pictures.delete_picture(actor, picture)
