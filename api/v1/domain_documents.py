"""How a domain is written and read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Literal

from django.db.models import QuerySet
from pydantic import Field

from accounts.actors import Actor
from accounts.permissions import Right
from api.schemas import Address, Answer, Body, Id, Moment, Name, left_out
from api.v1.customers import CustomerAnswer, ProviderAnswer, present_provider
from api.v1.customers import present as present_customer
from api.v1.domain_aliases import Alias
from api.v1.platforms import PlatformAnswer, PlatformChange
from api.v1.platforms import present as present_platform
from api.v1.policy_documents import PolicyAnswer
from api.v1.policy_documents import present as present_policy
from api.v1.wording import AnyCaseLanguage, NewState, State
from config.kit.fixed import Fixed, together
from domains import inheritance
from domains.models import Domain, DomainName, Policy, Relay
from domains.services.domain_settings import LIMITS
from domains.services.fields import LARGEST, MOST_SUBNETS

Priority = Literal["DOMAIN", "USER"]
Unknown = Literal["REFUSE", "TAKE", "ASK_OR_TAKE", "ASK_OR_WAIT"]
SERVICES = ("incoming", "outgoing", "quarantine", "retention", "archive")
LIMIT_NAMES = {
    "max_mailboxes": "users",
    "max_aliases": "aliases",
    "max_groups": "groups",
    "max_lists": "lists",
    "max_bytes": "bytes",
    "max_quota_bytes": "quota",
}
NAMES = {
    "list_priority": "wblistPriority",
    "auto_provisioning": "autoProvisioningOn",
    "sender_verify": "senderVerifyOn",
    "outgoing_providers": "outgoingProvidersIds",
    "customer": "customerId",
    "policy": "policyId",
    **{inside: f"limits.{outside}" for inside, outside in LIMIT_NAMES.items()},
}

Limit = Annotated[int | None, Field(ge=-1, le=LARGEST, description="−1 is unlimited, null none of its own.")]
Subnets = Annotated[list[Annotated[str, Field(max_length=50)]], Field(max_length=MOST_SUBNETS)]


class DomainLimits(Answer):
    """What a domain may have; null where it has no limit of its own. `quota` is the largest of one user."""

    users: int | None
    aliases: int | None
    groups: int | None
    lists: int | None
    bytes: int | None
    quota: int | None


class DomainLimitsBody(Body):
    """What is left out stays."""

    users: Limit = None
    aliases: Limit = None
    groups: Limit = None
    lists: Limit = None
    bytes: Limit = None
    quota: Limit = None


class PlatformEntry(PlatformChange):
    """A platform of the domain; with `id` one that is there."""

    id: Id | None = None


class DomainUpdate(Body):
    """Fields left out stay; null goes back to what the customer or the server says, or empties."""

    name: Annotated[Name, Field(min_length=1, description="The old name stays as an alias.")] = left_out()
    description: Annotated[str, Field(max_length=1_000)] | None = None
    status: NewState = left_out()
    wblist_priority: Priority | None = None
    incoming: Annotated[bool, Field(description="Of the default policy.")] = left_out()
    outgoing: Annotated[bool, Field(description="Of the default policy.")] = left_out()
    quarantine: Annotated[bool, Field(description="Of the default policy.")] = left_out()
    retention: Annotated[bool, Field(description="Of the default policy.")] = left_out()
    archive: Annotated[bool, Field(description="Of the default policy.")] = left_out()
    default_language: AnyCaseLanguage | None = None
    auto_provisioning_on: bool | None = None
    sender_verify_on: bool | None = None
    customer_id: Annotated[Id | None, Field(description="Moves the domain; null: to the server itself.")] = None
    policy_id: Annotated[Id, Field(description="The default policy.")] = left_out()
    external_id: Annotated[str, Field(max_length=200)] | None = None
    outgoing_subnets: Annotated[Subnets, Field(examples=[["192.0.2.0/24"]])] | None = None
    outgoing_providers_ids: Annotated[list[Id], Field(max_length=100, examples=[[]])] | None = None
    catch_all: Annotated[Address | None, Field(description="Takes what the domain has no address for.")] = None
    unknown_recipients: Annotated[
        Unknown | None,
        Field(
            description="Mail to addresses that are neither here nor caught: refused, taken for the domain's platform, "
            "or taken if the platform takes the recipient; without its answer taken, or put off with 451."
        ),
    ] = None
    limits: DomainLimitsBody = left_out()
    platforms: Annotated[
        list[PlatformEntry], Field(max_length=100, description="All of them: those left out are removed.")
    ] = left_out()


class DomainAdd(DomainUpdate):
    """Only the name and the state are needed: services are off but the incoming one."""

    name: Annotated[Name, Field(min_length=1, examples=["example.org"])]
    status: NewState


class DomainAnswer(Answer):
    """A domain. `policy` needs the right to see policies, `platforms` that to manage them, `customer` to see it."""

    id: int
    name: str
    display_name: Annotated[str, Field(description="The name as people write it.")]
    description: str | None
    status: State
    suspended_by_customer: bool
    wblist_priority: Priority
    default_language: str
    auto_provisioning_on: bool
    sender_verify_on: bool
    inherited: Annotated[list[str], Field(description="Which of these the customer or the server says.")]
    external_id: str | None
    policy: PolicyAnswer | None
    policy_id: int | None
    domain_aliases: list[Alias]
    active_users_count: int
    users_count: int
    aliases_count: int
    groups_count: int
    forwards_count: int
    lists_count: int
    policies_count: int
    incoming: Annotated[bool, Field(description="Some policy has it; so with the other services.")]
    outgoing: bool
    quarantine: bool
    retention: bool
    archive: bool
    catch_all: str | None
    unknown_recipients: Unknown
    outgoing_subnets: list[str]
    outgoing_providers: list[ProviderAnswer]
    limits: DomainLimits
    creation_date: Moment
    deletion_date: Moment | None
    purge_date: Moment | None
    customer_id: int | None
    customer: CustomerAnswer | None
    platforms: list[PlatformAnswer]


def with_related(rows: QuerySet[Domain]) -> QuerySet[Domain]:
    """Everything that `present` looks at of each row, but for what `present` reads of all at once."""
    return rows.select_related("customer")


_INHERITED = {
    "list_priority": "wblistPriority",
    "default_language": "defaultLanguage",
    "auto_provisioning": "autoProvisioningOn",
    "sender_verify": "senderVerifyOn",
}


def present(actor: Actor, rows: Sequence[Domain]) -> list[DomainAnswer]:
    """Domains as this actor may see them; five queries, however many."""
    around = _Around(rows)
    return [_present(actor, row, around) for row in rows]


_ALIASES = Fixed(lambda keys: DomainName.objects.filter(domain_id__among=keys, is_alias=True).order_by("name"), list)
_POLICIES = Fixed(lambda keys: Policy.objects.filter(domain_id__among=keys), list)
_RELAYS = Fixed(lambda keys: Relay.objects.filter(domain_id__among=keys), list)
_CHOSEN = Domain.outgoing_providers.through.objects.select_related("outgoingprovider")
_PROVIDERS = Fixed(lambda keys: _CHOSEN.filter(domain_id__among=keys).order_by("outgoingprovider__name"), list)


class _Around:
    """What lies around rows, by the domain's id."""

    def __init__(self, rows: Sequence[Domain]) -> None:
        keys = [row.pk for row in rows]
        told = inheritance.settings_question(rows)
        around = (each.asked(keys) for each in (_ALIASES, _POLICIES, _RELAYS, _PROVIDERS))
        settings, *found = together(told.query, *around)
        self.settings = dict(zip(keys, told.answers(settings), strict=True))
        self.aliases, self.policies, self.relays, self.providers = map(_by_domain, found)


def _by_domain(rows: Iterable[Any]) -> dict[int, list[Any]]:
    found: dict[int, list[Any]] = {}
    for row in rows:
        found.setdefault(row.domain_id, []).append(row)
    return found


def _present(actor: Actor, row: Domain, around: _Around) -> DomainAnswer:
    told: dict[str, inheritance.Setting] = around.settings[row.pk]
    policies: list[Policy] = around.policies.get(row.pk, [])
    sees_customer = row.customer is not None and actor.has(Right.VIEW_CUSTOMERS, row.customer)
    services = {name: any(getattr(policy, name) for policy in policies) for name in SERVICES}
    state: Any = row.status.upper()
    priority: Any = str(told["list_priority"].value).upper()
    unknown: Any = row.unknown_recipients.upper()
    return DomainAnswer(
        id=row.pk,
        name=row.name,
        display_name=row.display_name,
        description=row.description or None,
        status=state,
        suspended_by_customer=row.suspended_by_customer,
        wblist_priority=priority,
        default_language=str(told["default_language"].value).upper(),
        auto_provisioning_on=bool(told["auto_provisioning"].value),
        sender_verify_on=bool(told["sender_verify"].value),
        inherited=[outside for name, outside in _INHERITED.items() if not told[name].is_own],
        external_id=row.external_id or None,
        policy=_policy(actor, row, policies),
        policy_id=row.default_policy_id,
        domain_aliases=[Alias(id=each.pk, name=each.name) for each in around.aliases.get(row.pk, ())],
        active_users_count=row.active_count,
        users_count=row.mailbox_count,
        aliases_count=row.alias_count,
        groups_count=row.group_count,
        forwards_count=row.forward_count,
        lists_count=row.list_count,
        policies_count=len(policies),
        **services,
        catch_all=row.catch_all or None,
        unknown_recipients=unknown,
        outgoing_subnets=row.outgoing_subnets,
        outgoing_providers=[present_provider(each.outgoingprovider) for each in around.providers.get(row.pk, ())],
        limits=DomainLimits(**{LIMIT_NAMES[name]: getattr(row, name) for name in LIMITS}),
        creation_date=row.created_at,
        deletion_date=row.deleted_at,
        purge_date=row.purge_at,
        customer_id=row.customer_id,
        customer=present_customer(row.customer) if sees_customer and row.customer is not None else None,
        platforms=_platforms(actor, row, around.relays.get(row.pk, [])),
    )


def _policy(actor: Actor, row: Domain, policies: list[Policy]) -> PolicyAnswer | None:
    """The domain's default, which is one of its own."""
    found = next((policy for policy in policies if policy.pk == row.default_policy_id), None)
    return None if found is None or not actor.has(Right.VIEW_POLICIES, row) else present_policy(found)


def _platforms(actor: Actor, row: Domain, relays: list[Relay]) -> list[PlatformAnswer]:
    if not actor.has(Right.MANAGE_RELAYS, row):
        return []
    return [present_platform(relay) for relay in relays]
