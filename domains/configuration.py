"""The parts of the configuration that are of customers and domains: themselves, policies, relays, rules.

Never people or addresses. Customers and domains are made and changed by an import, never removed: mail hangs on them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.actors import Actor
from domains.errors import Invalid
from domains.models import Customer, Domain, OutgoingProvider, Policy, Relay
from domains.policy.exchange import Format, write_rules
from domains.policy.rules import RuleKind
from domains.services import customers, domain_settings, policies, relays, rule_files, rules
from domains.services.domain_states import IN_USE
from domains.services.domains import create_domain
from domains.services.rule_values import KINDS, pure_of
from jobs.configuration.parts import Need, Objects, Part, Values, register, secret

TEXTS = ("description", "external_id")
SETTINGS = tuple(name for name in domain_settings.SETTINGS if name != "outgoing_providers")
RELAY = (
    "transport_dest", "transport_type", "transport_port", "fallback_dest", "fallback_type", "fallback_port",
    "is_default", "username", "auth_type", "api_type", "auth_data", "api_data",
)  # fmt: skip


def register_parts() -> None:
    register(
        Part("customers", gettext_lazy("Customers"), 10, _customers, _save_customer),
        Part("domains", gettext_lazy("Domains"), 20, _domains, _save_domain, needs=_needs_of_domain),
        Part("policies", gettext_lazy("Policies"), 50, _policies, _save_policy, _remove_policy),
        Part("relays", gettext_lazy("Relays"), 60, _relays, _save_relay, _remove_relay),
        Part("rules", gettext_lazy("Filters"), 70, _rules, _save_rules, _remove_rules),
    )


# --- customers and domains -------------------------------------------------------------------------------------------


def _customers() -> Objects:
    return {
        row.name: {name: getattr(row, name) for name in (*TEXTS, *customers.LIMITS)} for row in Customer.objects.all()
    }


def _save_customer(actor: Actor, key: str, values: Values, present: Values | None) -> None:
    texts = {name: values[name] for name in TEXTS if name in values}
    limits = {name: values[name] for name in customers.LIMITS if name in values}
    _nothing_else(values, (*TEXTS, *customers.LIMITS))
    row = Customer.objects.filter(name=key).first()
    if row is None:
        row = customers.create_customer(actor, name=key, **texts)
    elif texts:
        customers.update_customer(actor, row, texts)
    if limits:
        customers.set_customer_limits(actor, row, limits)


def _in_use() -> Any:
    rows = Domain.objects.filter(status__in=IN_USE).select_related("customer", "default_policy")
    return rows.prefetch_related("outgoing_providers").order_by("name")


def _domains() -> Objects:
    return {row.name: _domain(row) for row in _in_use()}


def _domain(row: Domain) -> Values:
    found: Values = {name: getattr(row, name) for name in (*SETTINGS, *domain_settings.LIMITS)}
    found["customer"] = row.customer.name if row.customer else None
    found["default_policy"] = row.default_policy.name if row.default_policy else None
    found["outgoing_providers"] = sorted(each.name for each in row.outgoing_providers.all())
    found["outgoing_subnets"] = [str(each) for each in row.outgoing_subnets]
    return found


def _save_domain(actor: Actor, key: str, values: Values, present: Values | None) -> None:
    _nothing_else(values, (*SETTINGS, *domain_settings.LIMITS, "customer", "default_policy", "outgoing_providers"))
    given = {name: values[name] for name in SETTINGS if name in values}
    limits = {name: values[name] for name in domain_settings.LIMITS if name in values}
    if "outgoing_providers" in values:
        given["outgoing_providers"] = _providers(values["outgoing_providers"])
    row = Domain.objects.filter(name=key, status__in=IN_USE).first()
    if row is None:
        policy = {"name": values["default_policy"]} if values.get("default_policy") else None
        create_domain(actor, name=key, customer=_customer(values.get("customer")), policy=policy, **given, **limits)
        return
    if "customer" in values and values["customer"] != (row.customer.name if row.customer else None):
        raise Invalid(_("It belongs to another customer here; move it first."))
    domain_settings.update_domain(actor, row, given)
    if limits:
        domain_settings.set_domain_limits(actor, row, limits)


def _customer(name: Any) -> Customer | None:
    if name is None:
        return None
    found = Customer.objects.filter(name=str(name)).first()
    if found is None:
        raise Invalid(_("There is no customer “%(name)s” here.") % {"name": str(name)[:100]})
    return found


def _needs_of_domain(key: str, values: Values) -> Iterable[Need]:
    return [Need("customers", str(values["customer"]))] if values.get("customer") else []


def _providers(names: Any) -> list[OutgoingProvider]:
    found = list(OutgoingProvider.objects.filter(name__in=[str(name) for name in names]))
    if len(found) != len(set(names)):
        raise Invalid(_("A sending service that it names isn't here."))
    return found


def _place(key: str) -> tuple[Domain, str]:
    """Domain and name of a key such as example.org/Default. Raises: Invalid."""
    name, _slash, rest = key.partition("/")
    domain = Domain.objects.filter(name=name, status__in=IN_USE).first()
    if domain is None or not rest:
        raise Invalid(_("There is no domain “%(name)s” here.") % {"name": name[:100]})
    return domain, rest


# --- policies --------------------------------------------------------------------------------------------------------


def _policies() -> Objects:
    rows = Policy.objects.filter(domain__status__in=IN_USE).select_related("domain")
    return {f"{row.domain.name}/{row.name}": _policy(row) for row in rows}


def _policy(row: Policy) -> Values:
    values = policies.values_of(row)
    values.pop("name", None)
    return {**values, "is_default": row.domain.default_policy_id == row.pk}


def _save_policy(actor: Actor, key: str, values: Values, present: Values | None) -> None:
    domain, name = _place(key)
    given = {path: value for path, value in values.items() if path != "is_default"}
    row = domain.policies.filter(name=name).first()
    if row is None:
        row = policies.create_policy(actor, domain, {"name": name, **given})
    else:
        policies.update_policy(actor, row, given)
    if values.get("is_default") is True and domain.default_policy_id != row.pk:
        policies.set_default_policy(actor, domain, row)


def _remove_policy(actor: Actor, key: str) -> None:
    domain, name = _place(key)
    policies.delete_policy(actor, domain.policies.get(name=name))


# --- relays ----------------------------------------------------------------------------------------------------------


def _relays() -> Objects:
    found: Objects = {}
    for row in Relay.objects.filter(domain__status__in=IN_USE).select_related("domain").order_by("pk"):
        values: Values = {name: getattr(row, name) for name in RELAY}
        for name in ("password", "auth_secret", "api_secret"):
            if kept := secret(getattr(row, name)):
                values[name] = kept
        found.setdefault(f"{row.domain.name}/{row.name}", values)  # of two with one name the first
    return found


def _save_relay(actor: Actor, key: str, values: Values, present: Values | None) -> None:
    domain, name = _place(key)
    _nothing_else(values, (*RELAY, "password", "auth_secret", "api_secret"))
    given = {field: values[field] for field in (*RELAY, "password") if field in values}
    for stem in ("auth", "api"):
        if f"{stem}_secret" in values:
            given[f"{stem}_data"] = {**(values.get(f"{stem}_data") or {}), **json.loads(values[f"{stem}_secret"])}
    row = domain.relays.filter(name=name).order_by("pk").first()
    if row is None:
        relays.create_relay(actor, domain, {"name": name, **given})
        return
    if given.get("is_default") is False:
        del given["is_default"]  # that another one is says so
    relays.update_relay(actor, row, given)


def _remove_relay(actor: Actor, key: str) -> None:
    domain, name = _place(key)
    for row in domain.relays.filter(name=name):
        relays.delete_relay(actor, row)


# --- filters ---------------------------------------------------------------------------------------------------------


def _rules() -> Objects:
    """The enabled rules of each domain and kind, as the exchange format of filters has them."""
    found: Objects = {}
    for domain in _in_use():
        text = rules.owner_text(domain)
        for kind in RuleKind:
            info = KINDS[kind]
            order = ("priority", "pk") if info.is_ordered else ("value", "pk")
            rows = rules.rows_of(info, domain).filter(is_enabled=True).order_by(*order)
            pure = [pure_of(row, text, by_key=False) for row in rows]
            if pure:
                found[f"{domain.name}/{kind.value}"] = json.loads(write_rules(kind, pure, Format.JSON))
    return found


def _kind(key: str) -> tuple[Domain, RuleKind]:
    domain, name = _place(key)
    if name not in set(RuleKind):
        raise Invalid(_("There are no filters of this kind."))
    return domain, RuleKind(name)


def _save_rules(actor: Actor, key: str, values: Values, present: Values | None) -> None:
    domain, kind = _kind(key)
    _nothing_else(values, ("rules",))
    rule_files.import_rules(actor, kind, domain, json.dumps(values).encode(), Format.JSON, replace=True)


def _remove_rules(actor: Actor, key: str) -> None:
    domain, kind = _kind(key)
    rule_files.import_rules(actor, kind, domain, b'{"rules": []}', Format.JSON, replace=True)


def _nothing_else(values: Values, known: tuple[str, ...]) -> None:
    """A misspelt name is told of, not passed over."""
    unknown = sorted(set(values) - set(known))
    if unknown:
        raise Invalid(_("It has no setting “%(name)s”.") % {"name": unknown[0][:100]})
