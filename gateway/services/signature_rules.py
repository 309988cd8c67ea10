"""Writes of templates, rules and the worth of own signatures, in a place: the server, a customer, a domain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F, Max
from django.utils.translation import gettext as _

from accounts import audit, places
from accounts.actors import Actor
from accounts.permissions import Level, Right
from accounts.scopes import SERVER, ScopeRef
from config.kit.versions import change
from domains.errors import Invalid, LimitReached, Taken
from domains.models import Address, Domain, Mailbox, Status
from gateway.models import SignaturePicture, SignatureRule, SignatureSetting, SignatureTemplate
from gateway.services.signature_html import checked_html, checked_text
from gateway.signature_books import of_places

MOST_TEMPLATES, MOST_RULES, MOST_NAMED, MOST_PATTERNS = 200, 200, 500, 200
LEVELS = (Level.SERVER, Level.CUSTOMER, Level.DOMAIN)


def require_place(actor: Actor, place: ScopeRef) -> None:
    """Raises: Forbidden."""
    actor.require(Right.MANAGE_SIGNATURES, None if place == SERVER else place)


# --- templates ---


def create_template(actor: Actor, place: ScopeRef, values: Mapping[str, Any]) -> SignatureTemplate:
    """name, kind, html, text. Raises: Forbidden, Invalid, Taken, LimitReached."""
    require_place(actor, place)
    if place.level not in LEVELS:
        raise Invalid(_("Templates belong to the server, a customer or a domain."), field="place")
    checked = _template(place, values)
    with transaction.atomic():
        rows = SignatureTemplate.objects.filter(level=place.level.value, object_id=place.id)
        if rows.count() >= MOST_TEMPLATES:
            raise LimitReached(_("At most %(most)d templates.") % {"most": MOST_TEMPLATES})
        row = SignatureTemplate(level=place.level.value, object_id=place.id, **checked)
        try:
            with transaction.atomic():
                row.save(force_insert=True)
        except IntegrityError:
            raise Taken(_("There is a template of this name already."), field="name") from None
        audit.record(actor, "template.create", row)
    return row


def update_template(
    actor: Actor, row: SignatureTemplate, values: Mapping[str, Any], *, expected: int | None = None
) -> SignatureTemplate:
    """Raises: Forbidden, Invalid, Taken, ChangedMeanwhile."""
    require_place(actor, row.place)
    present = {name: getattr(row, name) for name in ("name", "kind", "html", "text")}
    checked = _template(row.place, present | dict(values))
    with transaction.atomic():
        try:
            with transaction.atomic():
                changes = change(row, checked, expected=expected)
        except IntegrityError:
            raise Taken(_("There is a template of this name already."), field="name") from None
        if changes:
            audit.record(actor, "template.edit", row, changes=changes)
    return row


def delete_template(actor: Actor, row: SignatureTemplate) -> int:
    """With the rules that give it; how many they were. Raises: Forbidden."""
    require_place(actor, row.place)
    with transaction.atomic():
        rules = row.rules.count()
        audit.record(actor, "template.delete", row, rules=rules)
        row.delete()
    return rules


def _template(place: ScopeRef, values: Mapping[str, Any]) -> dict[str, Any]:
    kind = str(values.get("kind") or SignatureTemplate.Kind.SIGNATURE.value)
    if kind not in SignatureTemplate.Kind.values:
        raise Invalid(_("There is no such kind."), field="kind")
    pictures = SignaturePicture.objects.filter(mailbox=None, level=place.level.value, object_id=place.id)
    html = checked_html(str(values.get("html") or ""), may_use=pictures.values_list("pk", flat=True), placeholders=True)
    if not html:
        raise Invalid(_("There is nothing in it."), field="html")
    text = checked_text(str(values.get("text") or ""), placeholders=True)
    return {"name": _name(values), "kind": kind, "html": html, "text": text}


def _name(values: Mapping[str, Any]) -> str:
    name = " ".join(str(values.get("name") or "").split())
    if not name or len(name) > 100 or not name.isprintable():
        raise Invalid(_("Give it a name of at most 100 characters."), field="name")
    return name


# --- rules ---

FIELDS = (
    "name", "is_enabled", "template_id", "people", "groups", "domains", "side", "recipients", "occasion", "first_day",
    "last_day", "stops",
)  # fmt: skip
NAMING = ("people", "groups", "domains")


def create_rule(actor: Actor, place: ScopeRef, values: Mapping[str, Any]) -> SignatureRule:
    """FIELDS; it becomes the last of its place. Raises: Forbidden, Invalid, LimitReached."""
    require_place(actor, place)
    if place.level not in LEVELS:
        raise Invalid(_("Rules belong to the server, a customer or a domain."), field="place")
    checked = _rule(place, {"is_enabled": True, **values})
    with transaction.atomic():
        rows = SignatureRule.objects.filter(level=place.level.value, object_id=place.id)
        if rows.count() >= MOST_RULES:
            raise LimitReached(_("At most %(most)d rules.") % {"most": MOST_RULES})
        last = rows.aggregate(last=Max("position"))["last"] or 0
        row = SignatureRule.objects.create(level=place.level.value, object_id=place.id, position=last + 1, **checked)
        audit.record(actor, "signature.create_rule", row)
    return row


def update_rule(
    actor: Actor, row: SignatureRule, values: Mapping[str, Any], *, expected: int | None = None
) -> SignatureRule:
    """Raises: Forbidden, Invalid, ChangedMeanwhile."""
    require_place(actor, row.place)
    present = {name: getattr(row, name) for name in FIELDS}
    checked = _rule(row.place, present | dict(values), row)
    with transaction.atomic():
        changes = change(row, checked, expected=expected)
        if changes:
            audit.record(actor, "signature.edit_rule", row, changes=changes)
    return row


def move_rule(actor: Actor, row: SignatureRule, *, position: int) -> None:
    """Make it the rule at this place of its own, counted from 1. Raises: Forbidden, Invalid."""
    require_place(actor, row.place)
    with transaction.atomic():
        rows = SignatureRule.objects.filter(level=row.level, object_id=row.object_id)
        order = list(rows.select_for_update().order_by("position", "pk"))
        if not 1 <= position <= len(order):
            raise Invalid(_("There is no such place."), field="position")
        before = [each.pk for each in order].index(row.pk) + 1
        order.insert(position - 1, order.pop(before - 1))
        for number, each in enumerate(order, 1):
            if each.position != number:
                rows.filter(pk=each.pk).update(position=number, version=F("version") + 1)
        if before != position:
            audit.record(actor, "signature.move_rule", row, changes={"position": (before, position)})
    row.refresh_from_db()


def delete_rule(actor: Actor, row: SignatureRule) -> None:
    """Raises: Forbidden."""
    require_place(actor, row.place)
    with transaction.atomic():
        audit.record(actor, "signature.delete_rule", row)
        row.delete()


def _rule(place: ScopeRef, values: Mapping[str, Any], row: SignatureRule | None = None) -> dict[str, Any]:
    """row: the rule that is changed; what it names already it may go on naming, though it is gone."""
    side, occasion = str(values.get("side") or "any"), str(values.get("occasion") or "any")
    if side not in SignatureRule.Side.values:
        raise Invalid(_("There is no such choice."), field="side")
    if occasion not in SignatureRule.Occasion.values:
        raise Invalid(_("There is no such choice."), field="occasion")
    first, last = values.get("first_day"), values.get("last_day")
    if isinstance(first, date) and isinstance(last, date) and last < first:
        raise Invalid(_("The end lies before the beginning."), field="last_day")
    return {
        "name": _name(values),
        "is_enabled": bool(values.get("is_enabled")),
        "template_id": _template_id(place, values.get("template_id")),
        **{name: _within(place, name, values.get(name) or (), getattr(row, name, ())) for name in NAMING},
        "side": side,
        "recipients": _patterns(values.get("recipients") or ()),
        "occasion": occasion,
        "first_day": first,
        "last_day": last,
        "stops": bool(values.get("stops")),
    }


def _template_id(place: ScopeRef, number: Any) -> int | None:
    """A template of the place itself or of one above it. Raises: Invalid."""
    if number is None:
        return None
    if not usable_templates(place).filter(pk=number).exists():
        raise Invalid(_("There is no such template here."), field="template")
    return int(number)


def usable_templates(place: ScopeRef) -> Any:
    """Templates that rules of a place may give: its own and those of the places above."""
    levels = {scope.level: scope.id for scope in places.chain(place)}
    domain_id, customer_id = levels.get(Level.DOMAIN, 0), levels.get(Level.CUSTOMER)
    return SignatureTemplate.objects.filter(of_places(domain_id, customer_id))


def _within(place: ScopeRef, field: str, numbers: Sequence[int], named: Sequence[int] = ()) -> list[int]:
    """Ids of mailboxes, groups or domains that lie in the place or were `named` before, each once. Raises: Invalid."""
    wanted = sorted(set(numbers))
    if len(wanted) > MOST_NAMED:
        raise Invalid(_("At most %(most)d entries.") % {"most": MOST_NAMED}, field=field)
    fresh = set(wanted).difference(named)
    if fresh and candidates(place, field).filter(pk__in=fresh).count() != len(fresh):
        raise Invalid(_("Not all of them are here."), field=field)
    return wanted


def gone_of(row: SignatureRule, field: str) -> list[int]:
    """What a rule names and could not name now: people and groups that were deleted or are of another place since.

    A rule keeps them, because one without names is for everybody.
    """
    named = list(getattr(row, field))
    here = set(candidates(row.place, field).filter(pk__in=named).values_list("pk", flat=True)) if named else set()
    return [number for number in named if number not in here]


def candidates(place: ScopeRef, field: str) -> Any:
    """Rows that a rule of a place may name: its "people", "groups" or "domains"."""
    rows: Any
    if field == "people":
        rows = Mailbox.objects.exclude(status=Status.PURGED)
    elif field == "groups":
        rows = Address.objects.filter(kind=Address.Kind.GROUP)
    else:
        rows = Domain.objects.exclude(status=Status.PURGED)
    if place.level is Level.DOMAIN:
        return rows.filter(pk=place.id) if field == "domains" else rows.filter(domain_id=place.id)
    return rows.filter(customer_id=place.id) if place.level is Level.CUSTOMER else rows


def _patterns(given: Sequence[str]) -> list[str]:
    made = list(dict.fromkeys(text for each in given if (text := str(each).strip().lower())))
    if len(made) > MOST_PATTERNS:
        raise Invalid(_("At most %(most)d entries.") % {"most": MOST_PATTERNS}, field="recipients")
    for text in made:
        if len(text) > 320 or text.count("@") != 1 or text.count("*") > 5 or not text.isprintable() or " " in text:
            raise Invalid(
                _("“%(text)s” is no address; * stands for anything: *@example.org.") % {"text": text[:80]},
                field="recipients",
            )
    return made


# --- what own ones are worth ---


def set_worth(actor: Actor, place: ScopeRef, own: str | None) -> None:
    """ "first", "else", "never"; None: as the place above says. Raises: Forbidden, Invalid."""
    require_place(actor, place)
    if place.level not in LEVELS or (own is not None and own not in SignatureSetting.Own.values):
        raise Invalid(_("There is no such choice."), field="own")
    with transaction.atomic():
        rows = SignatureSetting.objects.filter(level=place.level.value, object_id=place.id)
        before = rows.values_list("own", flat=True).first()
        if before == own:
            return
        if own is None:
            rows.delete()
        else:
            SignatureSetting.objects.update_or_create(
                level=place.level.value, object_id=place.id, defaults={"own": own}
            )
        audit.record(actor, "signature.set_worth", place, changes={"own_signatures": (before, own)})
