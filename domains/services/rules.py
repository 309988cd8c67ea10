"""Filters ("rules") of domains and mailboxes: made, changed, switched, put in order and deleted, one at a time.

`domains.services.rule_lists` does many at once, `rule_files` reads and writes files, `rule_books` compiles them. An
ordered rule's place is its `priority`: 1, 2, 3 … within its domain and kind, without gaps; writes hold the owner's row.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.db import IntegrityError, models, transaction
from django.db.models import F
from django.utils.translation import gettext as _

from accounts import audit
from accounts.actors import Actor
from accounts.errors import Forbidden
from accounts.permissions import EndUserRight, Right
from config.kit.versions import change
from domains.errors import Invalid, LimitReached, Taken
from domains.models import Domain, Mailbox, SenderRule
from domains.policy.rules import RuleKind
from domains.services.forwards import require_over_mailbox
from domains.services.rule_values import (
    KINDS,
    MOST_OF_MAILBOX,
    Kind,
    Owner,
    RuleRow,
    checked,
    kind_of,
    same_key,
    values_of,
)


def require_rules(actor: Actor, kind: RuleKind, owner: Owner) -> None:
    """The right to change an owner's rules; sender rules are also the mailbox's person's own. Raises: Forbidden."""
    if isinstance(owner, Mailbox):
        if kind is not RuleKind.SENDER:
            raise ValueError(f"a mailbox has no {kind} rules")
        require_over_mailbox(actor, owner, EndUserRight.MANAGE_SENDERS, Right.MANAGE_FILTERS)
    else:
        actor.require(KINDS[kind].right, owner)


def may_change(actor: Actor, kind: RuleKind, owner: Owner) -> bool:
    """Whether `require_rules` would pass, for what a page offers."""
    try:
        require_rules(actor, kind, owner)
    except Forbidden:
        return False
    return True


def owner_of(rule: RuleRow) -> Owner:
    """The mailbox whose rule it is, or the domain."""
    if isinstance(rule, SenderRule) and rule.mailbox is not None:
        return rule.mailbox
    return rule.domain


def create_rule(
    actor: Actor, kind: RuleKind, owner: Owner, values: Mapping[str, Any], *, place: int | None = None
) -> RuleRow:
    """A new rule of a domain, or a sender rule of a mailbox; an ordered one at this place, or last.

    values: SENDER type (allow, block, protected), value, subdomains, spf_required, display_name, expires_at,
    description; ATTACHMENT action (deny, allow), check_type, filter, mode, description; URI action, filter, mode,
    description; DLP identifier, expression, mode, case_sensitive, explanation, targets_sender, targets_recipients,
    targets_content; all: is_enabled. Texts of choices in any case.
    Raises: Forbidden, Invalid (naming the field; of an expression with the place), Taken, LimitReached.
    """
    require_rules(actor, kind, owner)
    info = KINDS[kind]
    fields = checked(info, owner_text(owner), values)
    with transaction.atomic():
        hold(owner)
        rows = rows_of(info, owner)
        require_room(info, owner, rows.count() + 1)
        if rows.filter(**dict(zip(info.same, same_key(info, fields), strict=True))).exists():
            raise taken(info)
        rule = new_row(info, owner, fields)
        if info.is_ordered:
            last = rows.count() + 1
            setattr(rule, "priority", _place(last if place is None else place, last))  # noqa: B010
            rows.filter(priority__gte=getattr(rule, "priority")).update(priority=F("priority") + 1)  # noqa: B009
        _save(rule, info)
        told(owner)
        audit.record(actor, f"{info.event}.create", rule, **said(fields))
    return rule


def update_rule(
    actor: Actor, rule: RuleRow, values: Mapping[str, Any], *, place: int | None = None, expected: int | None = None
) -> RuleRow:
    """Change some values (None: stays, but `expires_at` None: never), and its place in the order.

    Raises: as create_rule, ChangedMeanwhile.
    """
    info, owner = kind_of(rule), owner_of(rule)
    require_rules(actor, info.kind, owner)
    with transaction.atomic():
        hold(owner)
        fresh = info.rows().get(pk=rule.pk)
        fields = checked(info, owner_text(owner), values, values_of(fresh))
        try:
            with transaction.atomic():
                changes = change(rule, fields, expected=expected)
        except IntegrityError as error:
            raise taken(info) from error
        if changes:
            told(owner)
            audit.record(actor, f"{info.event}.update", rule, changes=changes)
        if place is not None:
            move_rule(actor, rule, place)
    return rule


def replace_rule(actor: Actor, rule: RuleRow, values: Mapping[str, Any], *, expected: int | None = None) -> RuleRow:
    """Exactly these values: what isn't given has its default, but the rule keeps its id, place and state.

    Raises: as update_rule.
    """
    kept = {"is_enabled": rule.is_enabled}
    return update_rule(actor, rule, {**kind_of(rule).defaults, **kept, **values}, expected=expected)


def set_rule_enabled(actor: Actor, rule: RuleRow, *, enabled: bool, expected: int | None = None) -> RuleRow:
    """Let a rule speak, or keep it silent. Raises: Forbidden, ChangedMeanwhile."""
    return update_rule(actor, rule, {"is_enabled": enabled}, expected=expected)


def move_rule(actor: Actor, rule: RuleRow, place: int, *, expected: int | None = None) -> RuleRow:
    """Put an ordered rule at a place (1 is first); those between move up or down by one.

    Raises: Forbidden, Invalid, ChangedMeanwhile.
    """
    info, owner = kind_of(rule), owner_of(rule)
    require_rules(actor, info.kind, owner)
    if not info.is_ordered:
        raise Invalid(_("Sender rules have no order: the closest one decides."), field="priority")
    with transaction.atomic():
        hold(owner)
        rows = rows_of(info, owner)
        old = int(rows.get(pk=rule.pk).priority)
        new = _place(place, rows.count())
        changes = change(rule, {"priority": new}, expected=expected)
        if changes:
            between, step = ((old + 1, new), -1) if new > old else ((new, old - 1), 1)
            rows.filter(priority__range=between).exclude(pk=rule.pk).update(priority=F("priority") + step)
            told(owner)
            audit.record(actor, f"{info.event}.move", rule, changes=changes)
    return rule


def delete_rule(actor: Actor, rule: RuleRow, *, expected: int | None = None) -> None:
    """Forget a rule; those behind it move up. Raises: Forbidden, ChangedMeanwhile."""
    info, owner = kind_of(rule), owner_of(rule)
    require_rules(actor, info.kind, owner)
    with transaction.atomic():
        hold(owner)
        change(rule, {}, expected=expected)
        audit.record(actor, f"{info.event}.delete", rule, **said(values_of(rule)))
        rule.delete()
        if info.is_ordered:
            number(info, owner)
        told(owner)


# --- what the services of many rules need, too ---------------------------------------------------------------------


def owner_text(owner: Owner) -> str:
    return owner.address if isinstance(owner, Mailbox) else owner.name


def rows_of(info: Kind, owner: Owner) -> models.QuerySet[Any]:
    """An owner's rules of a kind; a domain's own only."""
    rows = info.rows()
    if isinstance(owner, Mailbox):
        return rows.filter(mailbox=owner)
    return rows.filter(domain=owner, mailbox=None) if info.kind is RuleKind.SENDER else rows.filter(domain=owner)


def hold(owner: Owner) -> None:
    """One change of an owner's rules at a time, until the transaction ends."""
    type(owner)._base_manager.select_for_update(no_key=True, of=("self",)).get(pk=owner.pk)


def told(owner: Owner) -> None:
    """Whoever keeps a domain's rules compiled sees that they changed; a mailbox's are read anew each time."""
    if isinstance(owner, Domain):
        Domain.objects.filter(pk=owner.pk).update(rules_version=F("rules_version") + 1)


def require_room(info: Kind, owner: Owner, count: int) -> None:
    """Raises: LimitReached."""
    most = MOST_OF_MAILBOX if isinstance(owner, Mailbox) else info.most
    if count > most:
        raise LimitReached(_("There can be at most %(most)d rules here.") % {"most": most})


def new_row(info: Kind, owner: Owner, fields: Mapping[str, Any]) -> RuleRow:
    """A row that isn't saved."""
    if isinstance(owner, Mailbox):
        return SenderRule(domain_id=owner.domain_id, mailbox=owner, **fields)
    return info.model(domain=owner, **fields)


def taken(info: Kind) -> Taken:
    return Taken(_("There is such a rule already."), field=info.main)


def number(info: Kind, owner: Owner) -> None:
    """Close the gaps in the order, keeping it."""
    ordered: Iterable[tuple[int, int]] = rows_of(info, owner).order_by("priority", "pk").values_list("pk", "priority")
    wrong = [(key, place) for place, (key, old) in enumerate(ordered, start=1) if place != old]
    if wrong:
        cases = [models.When(pk=key, then=models.Value(place)) for key, place in wrong]
        keys = [key for key, _place in wrong]
        rows_of(info, owner).filter(pk__in=keys).update(priority=models.Case(*cases))


def said(fields: Mapping[str, Any]) -> dict[str, Any]:
    """What the audit trail says of a rule that is made or deleted: what isn't as usual."""
    return {f"rule_{name}": value for name, value in fields.items() if value not in ("", None, False)}


def _place(wanted: int, last: int) -> int:
    if isinstance(wanted, bool) or not isinstance(wanted, int) or wanted < 1:
        raise Invalid(_("A place is a number from 1."), field="priority")
    return min(wanted, max(last, 1))


def _save(rule: RuleRow, info: Kind) -> None:
    try:
        with transaction.atomic():
            rule.save(force_insert=True)
    except IntegrityError as error:
        raise taken(info) from error
