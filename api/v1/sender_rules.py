"""Sender rules (allowlist, blocklist, protected senders) of domains and of users."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from django.db.models import QuerySet
from django.http import Http404
from pydantic import Field

from accounts.actors import Actor
from accounts.permissions import EndUserRight, Right
from api import filters
from api.errors import NotFound
from api.listing import Listing
from api.operations import Created, Group
from api.schemas import Address, Answer, Body, Moment
from api.v1 import subjects
from domains.models import Domain, Mailbox, SenderRule
from domains.policy.rules import RuleKind
from domains.selectors.rules import list_own_rules, list_rules
from domains.services import rule_lists, rules

NAMES = {"spf_required": "spfOn", "expires_at": "expireAt", "is_enabled": "enabled"}
group = Group("Sender rules", "Allow, block and protect senders, for a domain or for one user.", names=NAMES)

Type = Literal["ALLOW", "BLOCK", "PROTECTED"]
Value = Annotated[
    str, Field(min_length=1, max_length=320, description="An address, a domain, or .domain for what is below it.")
]


class FilterSenderAdd(Body):
    """A rule for one address or a whole domain."""

    value: Annotated[Value, Field(examples=["daenerys@example.net"])]
    type: Type
    expire_at: Moment | None = None
    description: Annotated[str, Field(max_length=1_000)] | None = None
    spf_on: Annotated[bool | None, Field(description="Only if SPF passes; for ALLOW.")] = None
    display_name: Annotated[str | None, Field(max_length=200, description="A name to protect; for PROTECTED.")] = None
    enabled: bool = True


class FilterSenderItem(FilterSenderAdd):
    """The same, and whose it is."""

    owner: Annotated[Address, Field(description="A domain, or a user's address.", examples=["example.org"])]


class FilterSender(Answer):
    """A sender rule."""

    id: int
    value: str
    owner: str
    type: Type
    created_date: Moment
    expire_at: Moment | None
    description: str | None
    spf_on: bool | None
    display_name: str | None
    enabled: bool


Entries = Annotated[list[FilterSenderAdd], Field(max_length=10_000)]
Items = Annotated[list[FilterSenderItem], Field(max_length=10_000)]


def present(row: SenderRule) -> FilterSender:
    kind: Any = row.type.upper()
    return FilterSender(
        id=row.pk,
        value=row.value,
        owner=row.mailbox.address if row.mailbox is not None else row.domain.name,
        type=kind,
        created_date=row.created_at,
        expire_at=row.expires_at,
        description=row.description or None,
        spf_on=bool(row.spf_required) if row.type == SenderRule.Type.ALLOW else None,
        display_name=row.display_name or None,
        enabled=row.is_enabled,
    )


def _present_all(actor: Actor, rows: Sequence[SenderRule]) -> list[FilterSender]:
    return [present(row) for row in rows]


def _values(entry: FilterSenderAdd) -> dict[str, Any]:
    return {
        "value": entry.value,
        "type": entry.type.lower(),
        "expires_at": entry.expire_at,
        "description": entry.description or "",
        "spf_required": bool(entry.spf_on),
        "display_name": entry.display_name or "",
        "is_enabled": entry.enabled,
    }


RULES = Listing(
    FilterSender,
    _present_all,
    sorts={"value": "value", "id": "pk", "owner": "value", "type": "type", "createdDate": "created_at"},
    default="value",
    filters={
        "type": filters.choice(
            "type", "The kind of rule.", {each.value.upper(): each.value for each in SenderRule.Type}
        ),
        "value": filters.text("value", "The sender.", canonical=True),
        "enabled": filters.flag("is_enabled", "Whether it speaks."),
    },
)


def _may_write_somewhere(actor: Actor) -> None:
    """For who may change filters anywhere, or their own."""
    if not actor.has_somewhere(Right.MANAGE_FILTERS):
        actor.require_own(EndUserRight.MANAGE_SENDERS)


@group.post("/wblist", admit=_may_write_somewhere)
def sender_rules_add(actor: Actor, body: Items) -> Created[list[FilterSender]]:
    """Add sender rules for any owners.

    Each entry names its `owner`, a domain or a user's address. All or none; answers them in this order.
    """
    entries = [_values(entry) | {"owner": entry.owner} for entry in body]
    try:
        made = rule_lists.create_sender_rules(actor, entries)
    except Http404 as error:
        raise NotFound(str(error)) from error
    return Created([present(row) for row in made])


# --- a domain's -------------------------------------------------------------------------------------------------------


@group.list("/domains/{int:domainId}/wblist", RULES)
def domain_sender_rules(actor: Actor, domain_id: int) -> QuerySet[SenderRule]:
    """List a domain's sender rules."""
    domain = subjects.domain()(actor, domain_id)
    actor.require(Right.VIEW_POLICIES, domain)
    return list_rules(actor, RuleKind.SENDER, domain=domain.pk)


@group.post("/domains/{int:domainId}/wblist", admit=subjects.domain(Right.MANAGE_FILTERS))
def domain_sender_rules_add(actor: Actor, domain: Domain, body: Entries) -> Created[list[FilterSender]]:
    """Add sender rules to a domain.

    All or none; answers those that were added.
    """
    return Created(_added(actor, domain, body), f"/domains/{domain.pk}/wblist")


@group.put("/domains/{int:domainId}/wblist", admit=subjects.domain(Right.MANAGE_FILTERS))
def domain_sender_rules_replace(actor: Actor, domain: Domain, body: Entries) -> list[FilterSender]:
    """Replace all sender rules of a domain.

    A rule that was there already keeps its id.
    """
    return _replaced(actor, domain, body)


def _domain_rule(actor: Actor, domain_id: int, wb_item_id: int) -> SenderRule:
    domain = subjects.domain(Right.MANAGE_FILTERS)(actor, domain_id)
    return _one(SenderRule.objects.filter(domain=domain, mailbox=None), wb_item_id)


@group.put("/domains/{int:domainId}/wblist/{int:wbItemId}", admit=_domain_rule)
def domain_sender_rule_replace(actor: Actor, rule: SenderRule, body: FilterSenderAdd) -> FilterSender:
    """Replace one sender rule of a domain."""
    return _set(actor, rule, body)


@group.delete("/domains/{int:domainId}/wblist/{int:wbItemId}", admit=_domain_rule)
def domain_sender_rule_delete(actor: Actor, rule: SenderRule) -> None:
    """Delete a sender rule of a domain."""
    rules.delete_rule(actor, rule)


# --- a user's ---------------------------------------------------------------------------------------------------------


def _managed(actor: Actor, user_id: int) -> Mailbox:
    """People manage their own where their domain lets them."""
    return subjects.mailbox(Right.MANAGE_FILTERS, own=EndUserRight.MANAGE_SENDERS)(actor, user_id)


@group.list("/users/{int:userId}/wblist", RULES)
def user_sender_rules(actor: Actor, user_id: int) -> QuerySet[SenderRule]:
    """List a user's sender rules."""
    mailbox = subjects.mailbox(own=True)(actor, user_id)
    if mailbox.user is not None and actor.owns(mailbox.user):
        return list_own_rules(actor)
    actor.require(Right.VIEW_POLICIES, mailbox)
    return list_rules(actor, RuleKind.SENDER, mailbox=mailbox.pk)


@group.post("/users/{int:userId}/wblist", admit=_managed)
def user_sender_rules_add(actor: Actor, mailbox: Mailbox, body: Entries) -> Created[list[FilterSender]]:
    """Add sender rules to a user.

    All or none; answers those that were added.
    """
    return Created(_added(actor, mailbox, body), f"/users/{mailbox.user_id}/wblist")


@group.put("/users/{int:userId}/wblist", admit=_managed)
def user_sender_rules_replace(actor: Actor, mailbox: Mailbox, body: Entries) -> list[FilterSender]:
    """Replace all sender rules of a user.

    A rule that was there already keeps its id.
    """
    return _replaced(actor, mailbox, body)


def _user_rule(actor: Actor, user_id: int, wb_item_id: int) -> SenderRule:
    return _one(SenderRule.objects.filter(mailbox=_managed(actor, user_id)), wb_item_id)


@group.put("/users/{int:userId}/wblist/{int:wbItemId}", admit=_user_rule)
def user_sender_rule_replace(actor: Actor, rule: SenderRule, body: FilterSenderAdd) -> FilterSender:
    """Replace one sender rule of a user."""
    return _set(actor, rule, body)


@group.delete("/users/{int:userId}/wblist/{int:wbItemId}", admit=_user_rule)
def user_sender_rule_delete(actor: Actor, rule: SenderRule) -> None:
    """Delete a sender rule of a user."""
    rules.delete_rule(actor, rule)


def _one(rows: QuerySet[SenderRule], key: int) -> SenderRule:
    found = rows.select_related("domain__customer", "mailbox__user", "mailbox__domain").filter(pk=key).first()
    if found is None:
        raise NotFound()
    return found


def _added(actor: Actor, owner: Domain | Mailbox, body: list[FilterSenderAdd]) -> list[FilterSender]:
    made: Any = rule_lists.create_rules(actor, RuleKind.SENDER, owner, [_values(entry) for entry in body])
    return [present(row) for row in made]


def _replaced(actor: Actor, owner: Domain | Mailbox, body: list[FilterSenderAdd]) -> list[FilterSender]:
    done: Any = rule_lists.replace_rules(actor, RuleKind.SENDER, owner, [_values(entry) for entry in body])
    return [present(row) for row in done.rules]


def _set(actor: Actor, rule: SenderRule, body: FilterSenderAdd) -> FilterSender:
    changed: Any = rules.replace_rule(actor, rule, _values(body))
    return present(changed)
