"""Signatures of places for programs: templates, rules, pictures, and what people's own ones are worth there."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any, Literal

from django.db.models import QuerySet
from pydantic import BaseModel, ConfigDict, Field

from accounts import places
from accounts.actors import Actor
from accounts.permissions import Level, Right
from accounts.scopes import SERVER, ScopeRef
from api import filters
from api.errors import NotFound
from api.listing import Listing
from api.operations import Created, Group
from api.schemas import Answer, Body, left_out
from api.v1 import subjects
from api.v1.signatures import Html, Name, PictureAnswer, Words, decoded, picture_answer, pictures_answer
from domains.models import Mailbox
from gateway.models import SignaturePicture, SignatureRule, SignatureTemplate
from gateway.selectors import signatures as selectors
from gateway.services import signature_pictures, signature_rules

group = Group("Signature templates", "Templates, rules and pictures of the server, of customers and of domains.")
NEED = Right.MANAGE_SIGNATURES
Scope = Literal["server", "customer", "domain"]
KindName = Literal["signature", "addition"]
SideName = Literal["any", "inside", "outside"]
OccasionName = Literal["any", "first", "reply"]
OwnWord = Literal["first", "else", "never"]
Ids = Annotated[list[int], Field(max_length=signature_rules.MOST_NAMED)]
Patterns = Annotated[list[str], Field(max_length=signature_rules.MOST_PATTERNS, examples=[["*@example.net"]])]


# --- templates ---


class SignaturePlaceBody(Body):
    """A place: the server, or a customer or a domain by its id."""

    scope: Scope
    object_id: int = 0


class TemplateBody(SignaturePlaceBody):
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


def _place(actor: Actor, body: SignaturePlaceBody) -> ScopeRef:
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


class RuleBody(SignaturePlaceBody):
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


class SignatureRuleAnswer(Answer):
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


def _rules(actor: Actor, rows: Sequence[SignatureRule]) -> list[SignatureRuleAnswer]:
    boxes = {number for row in rows for number in row.people}
    persons = dict(Mailbox.objects.filter(pk__in=boxes).values_list("pk", "user_id"))
    names = (
        "object_id", "position", "name", "template_id", "is_enabled", "groups", "domains", "side", "recipients",
        "occasion", "first_day", "last_day", "stops",
    )  # fmt: skip
    return [
        SignatureRuleAnswer(
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
    SignatureRuleAnswer,
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
def signature_rule_add(actor: Actor, body: RuleBody) -> Created[SignatureRuleAnswer]:
    """Make a rule in a place."""
    values = _values(body.model_dump(exclude={"scope", "object_id"}))
    row = signature_rules.create_rule(actor, _place(actor, body), values)
    return Created(_rules(actor, [row])[0], f"/signature-rules/{row.pk}")


@group.get("/signature-rules/{int:ruleId}", admit=rule)
def signature_rule_detail(actor: Actor, row: SignatureRule) -> SignatureRuleAnswer:
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


class WorthBody(SignaturePlaceBody):
    """own: what people's own signatures are worth; null: as the place above says."""

    own: OwnWord | None


class WorthAnswer(Answer):
    """own: what the place says (null: nothing); counts: what counts there."""

    own: OwnWord | None
    counts: OwnWord


class PlacePictureBody(SignaturePlaceBody):
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
    return pictures_answer(_asked(actor, query))


@group.post("/signature-pictures", admit=subjects.somewhere(NEED))
def signature_picture_add(actor: Actor, body: PlacePictureBody) -> Created[PictureAnswer]:
    """Upload a picture for the templates of a place."""
    place = _place(actor, body)
    row = signature_pictures.add_picture(actor, place, name=body.name, raw=decoded(body.data))
    return Created(picture_answer(row), f"/signature-pictures/{row.pk}")


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
