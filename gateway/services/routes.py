"""Writes of the router table, and where it would lead an address."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import F, Max
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import audit
from accounts.actors import Actor
from accounts.addresses import parse_address
from accounts.errors import BadAddress
from accounts.permissions import Right
from config.kit.versions import change
from domains.errors import Invalid
from gateway import router
from gateway.flow import Answer
from gateway.models import RouterRule
from gateway.reception_rows import routed
from gateway.resolving import Resolved, resolve

MOST_RULES = 1_000
_EDITABLE = ("pattern", "kind", "target", "comment", "is_enabled")
_WORDS = {
    "pattern": gettext_lazy("An address, in which * may stand once before the @ and once behind it: *@example.org."),
    "target": gettext_lazy(
        "What this needs: an address (*@example.org), a server (mail.example.org:25), networks (192.0.2.0/24), or "
        "nothing."
    ),
}


@dataclass(frozen=True, slots=True)
class Destination:
    """Where an address would go: what the table makes of it, then the directory. refusal: what the sender hears."""

    asked: str
    address: str
    via: str
    lines: tuple[RouterRule, ...]
    is_discarded: bool
    is_journal: bool
    refusal: Answer | None
    resolved: Resolved | None


def create_route(actor: Actor, values: Mapping[str, Any]) -> RouterRule:
    """Add a line at the end. Raises: Forbidden, Invalid."""
    actor.require(Right.MANAGE_GATEWAY)
    checked = _checked(values)
    with transaction.atomic():
        if RouterRule.objects.count() >= MOST_RULES:
            raise Invalid(_("The table has %(count)d lines; more would be slow.") % {"count": MOST_RULES})
        last = RouterRule.objects.aggregate(last=Max("position"))["last"] or 0
        rule = RouterRule.objects.create(position=last + 1, **checked)
        audit.record(actor, "route.create", rule)
    return rule


def update_route(actor: Actor, rule: RouterRule, values: Mapping[str, Any], *, expected: int | None = None) -> None:
    """Set pattern, kind, target, comment, is_enabled. Raises: Forbidden, Invalid, ChangedMeanwhile."""
    actor.require(Right.MANAGE_GATEWAY)
    checked = _checked({name: values.get(name, getattr(rule, name)) for name in _EDITABLE})
    with transaction.atomic():
        changes = change(rule, checked, expected=expected)
        if changes:
            audit.record(actor, "route.edit", rule, changes=changes)


def move_route(actor: Actor, rule: RouterRule, *, position: int) -> None:
    """Make it the line at this place, counted from 1; the others keep their order. Raises: Forbidden, Invalid."""
    actor.require(Right.MANAGE_GATEWAY)
    with transaction.atomic():
        order = list(RouterRule.objects.select_for_update().order_by("position", "pk"))
        if not 1 <= position <= len(order):
            raise Invalid(_("There is no such place."), field="position")
        before = [each.pk for each in order].index(rule.pk) + 1
        moved = order.pop(before - 1)
        order.insert(position - 1, moved)
        for number, each in enumerate(order, 1):
            if each.position != number:
                RouterRule.objects.filter(pk=each.pk).update(position=number, version=F("version") + 1)
        if before != position:
            audit.record(actor, "route.move", moved, changes={"position": (before, position)})
    rule.refresh_from_db()


def delete_route(actor: Actor, rule: RouterRule) -> None:
    """Raises: Forbidden."""
    actor.require(Right.MANAGE_GATEWAY)
    with transaction.atomic():
        audit.record(actor, "route.delete", rule)
        rule.delete()


def where_would_it_go(actor: Actor, address: str, sender: str = "") -> Destination:
    """What would become of mail for an address. Raises: Forbidden, Invalid."""
    actor.require(Right.MANAGE_GATEWAY)
    try:
        asked = str(parse_address(address))
    except BadAddress:
        raise Invalid(_("This is not an address."), field="address") from None
    led = routed(asked)
    known = {rule.pk: rule for rule in RouterRule.objects.filter(pk__in=led.lines)}
    lines = tuple(known[number] for number in led.lines if number in known)
    refusal = refusal_of(led)
    resolved = None if led.ends else resolve(led.address, sender)
    return Destination(
        asked=asked,
        address=led.address,
        via=led.via,
        lines=lines,
        is_discarded=led.ends == "discard",
        is_journal=led.ends == "journal",
        refusal=refusal or (resolved.refusal if resolved is not None else None),
        resolved=resolved,
    )


def refusal_of(led: router.Routed) -> Answer | None:
    """What the table says to the sender, where it says no."""
    if led.ends == "refuse":
        return Answer(550, "5.7.1", led.text or "This address takes no mail")
    return Answer(554, "5.4.6", "This address leads back to itself") if led.ends == "loop" else None


def _checked(values: Mapping[str, Any]) -> dict[str, Any]:
    kind = str(values.get("kind", ""))
    if kind not in RouterRule.Kind.values:
        raise Invalid(_("There is no such way."), field="kind")
    pattern = str(values.get("pattern", "")).strip().lower()[:320]
    target = str(values.get("target") or "").strip()[:320]
    if any(ord(char) < 32 for char in target):
        raise Invalid(_("One line, please."), field="target")
    try:
        router.check(router.Rule(0, pattern, kind, target))
        if kind == RouterRule.Kind.RELAY:
            target = router.host_and_port(target)
        elif kind == RouterRule.Kind.JOURNAL:
            target = router.networks(target)
    except router.BadRule as error:
        raise Invalid(str(_WORDS[error.field]), field=error.field) from error
    return {
        "pattern": pattern,
        "kind": kind,
        "target": target,
        "comment": str(values.get("comment") or "").strip()[:200],
        "is_enabled": bool(values.get("is_enabled", True)),
    }
