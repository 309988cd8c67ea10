"""Domains: what we serve."""

from __future__ import annotations

from typing import Annotated, Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from pydantic import Field
from pydantic.alias_generators import to_camel

from accounts.actors import Actor
from accounts.permissions import EndUserRight, Right
from api import filters
from api.errors import Fault, Invalid, NotFound
from api.filters import Rows
from api.listing import Listing
from api.operations import Created, Group
from api.schemas import Answer
from api.v1 import subjects
from api.v1.domain_documents import (
    LIMIT_NAMES,
    NAMES,
    SERVICES,
    DomainAdd,
    DomainAnswer,
    DomainUpdate,
    present,
    with_related,
)
from api.v1.platforms import NAMES as PLATFORM_NAMES
from api.v1.platforms import values_of as values_of_platform
from api.v1.wording import LANGUAGES, STATES
from domains import inheritance
from domains.errors import DomainsError
from domains.errors import Invalid as DomainInvalid
from domains.models import Customer, Domain, Relay, Status
from domains.services import domain_purging, domain_settings, domain_states, moving, policies, relays, renaming
from domains.services.domains import create_domain

IGNORES_MX = {
    "X-Ignore-MX": (("true",), "True, as it always is: no MX record is looked at before a change. False is refused."),
}
group = Group("Domains", "What is served: names, services, states, limits, and what end users may do.", names=NAMES)


def _has_platform(rows: Rows, value: str) -> Rows:
    named = Relay.objects.filter(filters.wildcard("name", value, canonical=False))
    return rows.filter(pk__in=named.values("domain_id"))


DOMAINS = Listing(
    DomainAnswer,
    present,
    sorts={"name": "name", "id": "pk", "creationDate": "created_at", "usersCount": "mailbox_count"},
    default="name",
    filters={
        "name": filters.text("name", "The domain's name.", canonical=True),
        "status": filters.choice("status", "The state.", STATES),
        "customerId": filters.number("customer_id", "The customer."),
        "externalId": filters.text("external_id", "Your own reference."),
        "platformId": filters.number("relays", "A platform of the domain."),
        "platformName": filters.text_by(_has_platform, "The name of a platform of the domain."),
    },
)


@group.list("/domains", DOMAINS)
def domain_list(actor: Actor) -> QuerySet[Domain]:
    """List domains.

    Those in which the caller has nothing to see are left out.
    """
    actor.require_somewhere(Right.VIEW_DOMAINS)
    return with_related(Domain.objects.visible_to(actor, Right.VIEW_DOMAINS))


def _fresh(actor: Actor, key: int) -> DomainAnswer:
    return present(actor, [subjects.domain()(actor, key)])[0]


@group.post("/domains", admit=subjects.somewhere(Right.CREATE_DOMAINS))
def domain_create(actor: Actor, body: DomainAdd) -> Created[DomainAnswer]:
    """Make a domain.

    With a default policy of the services given here; their values are set through the policy. Whoever may add domains
    to a customer only names it in `customerId`.
    """
    customer = _customer(actor, body)
    if customer is None and not actor.has(Right.CREATE_DOMAINS):
        text = "Say for which customer."
        raise Invalid(f"customerId: {text}", faults=[Fault("customerId", text)])
    with transaction.atomic():
        made = create_domain(
            actor,
            name=body.name,
            customer=customer,
            status=STATES[body.status],
            policy=_services(body),
            **_settings(body),
            **_limits(body),
        )
        if "policy_id" in body.model_fields_set:
            _set_default_policy(actor, made, body.policy_id)
        if "platforms" in body.model_fields_set:
            _set_platforms(actor, made, body)
    return Created(_fresh(actor, made.pk), f"/domains/{made.pk}")


@group.get("/domains/{int:domainId}", admit=subjects.domain())
def domain_detail(actor: Actor, domain: Domain) -> DomainAnswer:
    """Read a domain."""
    return present(actor, [domain])[0]


_CHANGING = (Right.EDIT_DOMAINS, Right.MANAGE_POLICIES, Right.MANAGE_RELAYS, Right.MANAGE_LIMITS)


def _changeable(actor: Actor, domain_id: int) -> Domain:
    """For who may change anything at all of a domain; each service asks for its own right."""
    found = subjects.domain()(actor, domain_id)
    if not any(actor.has(right, found) for right in _CHANGING):
        actor.require(Right.EDIT_DOMAINS, found)
    return found


@group.patch("/domains/{int:domainId}", admit=_changeable, headers=IGNORES_MX)
def domain_change(actor: Actor, domain: Domain, body: DomainUpdate) -> None:
    """Change some fields of a domain.

    Each needs its right: the services and `policyId` that to change policies, `platforms` that to manage platforms,
    `limits` that to set limits, `customerId` those to delete it there and to add it here, all others that to change the
    domain. A `status` undoes a deletion. All or nothing.
    """
    given = body.model_fields_set
    with transaction.atomic():
        if "status" in given and domain.status == Status.DELETED:
            domain_states.restore_domain(actor, domain)
        if "name" in given and domain.name != body.name.strip().lower():
            renaming.rename_domain(actor, domain, body.name)
        if "customer_id" in given and body.customer_id != domain.customer_id:
            moving.move_domain(actor, domain, _customer(actor, body))
        settings, limits, services = _settings(body), _limits(body), _services(body)
        if settings:
            domain_settings.update_domain(actor, domain, settings)
        if limits:
            domain_settings.set_domain_limits(actor, domain, limits)
        if "policy_id" in given:
            _set_default_policy(actor, domain, body.policy_id)
        if services and domain.default_policy is not None:
            policies.update_policy(actor, domain.default_policy, services)
        if "platforms" in given:
            _set_platforms(actor, domain, body)
        if "status" in given and STATES[body.status] != domain.status:
            domain_states.set_status(actor, domain, STATES[body.status])


@group.delete("/domains/{int:domainId}", admit=subjects.domain(Right.DELETE_DOMAINS), headers=IGNORES_MX)
def domain_delete(actor: Actor, domain: Domain) -> None:
    """Delete a domain and its users (delayed).

    Everything is suspended at once and kept until `purgeDate`; until then the deletion can be undone. Archived mail
    stays even then.
    """
    if domain.status == Status.DELETED:
        raise NotFound()
    domain_states.delete_domain(actor, domain)


@group.post("/domains/{int:domainId}/restoration", admit=subjects.domain(Right.DELETE_DOMAINS), status=200)
def domain_restore(actor: Actor, domain: Domain) -> DomainAnswer:
    """Undo the deletion of a domain."""
    domain_states.restore_domain(actor, domain)
    return _fresh(actor, domain.pk)


class PurgePlan(Answer):
    """What purging removes, and what it leaves."""

    users: int
    aliases: int
    groups: int
    forwards: int
    lists: int
    names: list[str]
    people: Annotated[int, Field(description="Who can't sign in any more.")]
    people_staying: Annotated[list[str], Field(description="Who stays, for what they hold or did elsewhere.")]
    grants: int
    other: dict[str, int]
    named_elsewhere: Annotated[int, Field(description="Recipients and senders of other domains.")]
    archived_messages: Annotated[int, Field(description="These stay.")]
    archived_bytes: int


@group.get("/domains/{int:domainId}/purge", admit=subjects.domain(Right.DELETE_DOMAINS))
def domain_purge_plan(actor: Actor, domain: Domain) -> PurgePlan:
    """What would purging a domain remove?"""
    return _purge_plan(domain_purging.plan(actor, domain))


@group.post("/domains/{int:domainId}/purge", admit=subjects.domain(Right.DELETE_DOMAINS), status=200)
def domain_purge(actor: Actor, domain: Domain) -> PurgePlan:
    """Purge a deleted domain now, before its date.

    Can't be undone. 409 unless the domain is deleted.
    """
    return _purge_plan(domain_purging.purge_domain(actor, domain))


def _purge_plan(plan: domain_purging.Plan) -> PurgePlan:
    kinds = {f"{kind}s": count for kind, count in plan.kinds.items()}
    return PurgePlan(
        users=plan.mailboxes,
        aliases=kinds.get("aliass", 0),
        groups=kinds.get("groups", 0),
        forwards=kinds.get("forwards", 0),
        lists=kinds.get("lists", 0),
        names=plan.names,
        people=plan.people,
        people_staying=plan.staying,
        grants=plan.grants,
        other={str(name): count for name, count in plan.rest},
        named_elsewhere=plan.outside,
        archived_messages=plan.archived_messages,
        archived_bytes=plan.archived_bytes,
    )


class AccountTemplate(Answer):
    """What a new user of a domain gets where nobody says it."""

    language: str
    status: str
    theme: Annotated[str, Field(description="The appearance of the pages.")]


@group.get("/domains/{int:domainId}/template", admit=subjects.domain())
def domain_template(actor: Actor, domain: Domain) -> AccountTemplate:
    """Read the template of a domain's new users.

    It is set by the options ACCOUNT_STATUS and ACCOUNT_THEME of the server, customer or domain, and by the
    domain's language; it is written to a new user once.
    """
    found = inheritance.new_account(domain)
    return AccountTemplate(language=found.language.upper(), status=found.status.upper(), theme=found.theme)


Rights = Annotated[list[EndUserRight], Field(max_length=100, examples=[["sign_in", "change_password"]])]


class PermissionStatus(Answer):
    """A permission of end users, and whether it is on."""

    name: EndUserRight
    enabled: bool


@group.get("/domains/{int:domainId}/access", admit=subjects.domain())
def domain_access(actor: Actor, domain: Domain) -> list[PermissionStatus]:
    """List the permissions of a domain's end users."""
    allowed = set(inheritance.value_of(domain, "end_user_rights"))
    return [PermissionStatus(name=right, enabled=right.value in allowed) for right in EndUserRight]


@group.put("/domains/{int:domainId}/access", admit=subjects.domain(Right.EDIT_DOMAINS))
def domain_access_set(actor: Actor, domain: Domain, body: Rights) -> list[PermissionStatus]:
    """Set the permissions of a domain's end users.

    Exactly these are on.
    """
    domain_settings.update_domain(actor, domain, {"end_user_rights": [right.value for right in body]})
    domain.refresh_from_db()
    return domain_access(actor, domain)


# --- the parts of a change ------------------------------------------------------------------------------------------

_TEXTS = {"description": "description", "external_id": "external_id", "catch_all": "catch_all"}
_SWITCHES = {
    "auto_provisioning_on": "auto_provisioning",
    "sender_verify_on": "sender_verify",
    "outgoing_subnets": "outgoing_subnets",
    "outgoing_providers_ids": "outgoing_providers",
}


def _settings(body: DomainUpdate) -> dict[str, Any]:
    """The domain's own settings that were sent, by the service's names."""
    given = body.changes()
    values = {inside: given[name] or "" for name, inside in _TEXTS.items() if name in given}
    values |= {inside: given[name] for name, inside in _SWITCHES.items() if name in given}
    if "wblist_priority" in given:
        values["list_priority"] = given["wblist_priority"] and given["wblist_priority"].lower()
    if "unknown_recipients" in given:
        values["unknown_recipients"] = given["unknown_recipients"] and given["unknown_recipients"].lower()
    if "default_language" in given:
        values["default_language"] = LANGUAGES.get(given["default_language"] or "")
    return values


def _limits(body: DomainUpdate) -> dict[str, int | None]:
    if "limits" not in body.model_fields_set:
        return {}
    inside = {outside: name for name, outside in LIMIT_NAMES.items()}
    return {inside[name]: value for name, value in body.limits.changes().items()}


def _services(body: DomainUpdate) -> dict[str, bool]:
    return {name: getattr(body, name) for name in SERVICES if name in body.model_fields_set}


def _customer(actor: Actor, body: DomainUpdate) -> Customer | None:
    key = body.customer_id
    if key is None:
        return None
    return subjects.named("customerId", lambda: subjects.customer()(actor, key))


def _set_default_policy(actor: Actor, domain: Domain, policy_id: int) -> None:
    found = domain.policies.filter(pk=policy_id).first()
    if found is None:
        text = "The domain has no such policy."
        raise Invalid(f"policyId: {text}", faults=[Fault("policyId", text)])
    policies.set_default_policy(actor, domain, found)


def _set_platform(
    actor: Actor, domain: Domain, known: dict[int, Relay], key: int | None, values: dict[str, Any]
) -> Relay:
    if key is None:
        return relays.create_relay(actor, domain, values)
    if key not in known:
        raise DomainInvalid(_("The domain has no such platform."), field="id")
    return relays.update_relay(actor, known[key], values)


def _set_platforms(actor: Actor, domain: Domain, body: DomainUpdate) -> None:
    """Exactly these platforms: those with an id changed, those without made, all others removed."""
    known = {relay.pk: relay for relay in domain.relays.all()}
    kept: set[int] = set()
    for number, entry in enumerate(body.platforms):
        values = values_of_platform(entry)
        values.pop("id", None)
        try:
            kept.add(_set_platform(actor, domain, known, entry.id, values).pk)
        except DomainsError as error:
            error.field = f"platforms[{number}].{PLATFORM_NAMES.get(error.field, to_camel(error.field))}"
            raise
    for relay in sorted(domain.relays.exclude(pk__in=kept), key=lambda each: each.is_default):
        relays.delete_relay(actor, relay)
