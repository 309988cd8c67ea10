"""Policies of a domain, and what a mailbox lays over its policy.

Values go by their paths in `domains.policy.policy` ("spam_score", "relay_props.prefix_spam"), which also checks them. A
domain always has a default policy; deleting one that is in use is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts import audit
from accounts.actors import Actor
from accounts.permissions import Right
from config.kit.versions import change
from domains.errors import InUse, Invalid, Taken
from domains.models import Domain, Mailbox, Policy
from domains.policy import policy as pure
from domains.policy.sentences import translated

GROUPS = ("relay_props", "quarantine_props", "retention_props", "archive_props")
MOST_POLICIES = 200


def create_policy(actor: Actor, domain: Domain, values: Mapping[str, Any]) -> Policy:
    """A new policy; what isn't given has the default of a new domain. Raises: Forbidden, Invalid, Taken."""
    actor.require(Right.MANAGE_POLICIES, domain)
    with transaction.atomic():
        Domain.objects.select_for_update(of=("self",)).get(pk=domain.pk)
        if domain.policies.count() >= MOST_POLICIES:
            raise Invalid(_("A domain has at most %(most)d policies.") % {"most": MOST_POLICIES})
        policy = _insert(domain, _checked(pure.DEFAULTS, values))
        audit.record(actor, "policy.create", policy)
    return policy


def make_default_policy(domain: Domain, values: Mapping[str, Any] | None = None) -> Policy:
    """The policy of a new domain, with the services that are asked for. For callers that asked the right.

    Raises: Invalid.
    """
    name = _("Policy of %(domain)s") % {"domain": domain.name}
    checked = _checked(pure.DEFAULTS, {"name": name[: pure.MAX_NAME], **(values or {})})
    policy = Policy.objects.create(domain=domain, **_fields(checked))  # the first of its domain: its name is free
    Domain.objects.filter(pk=domain.pk).update(default_policy=policy)
    domain.default_policy = policy
    return policy


def update_policy(actor: Actor, policy: Policy, values: Mapping[str, Any], *, expected: int | None = None) -> Policy:
    """Change some values. Raises: Forbidden, Invalid, Taken, ChangedMeanwhile."""
    actor.require(Right.MANAGE_POLICIES, policy)
    with transaction.atomic():
        fresh = Policy.objects.select_for_update().get(pk=policy.pk)
        before = values_of(fresh)
        wanted = _checked(before, values)
        try:
            with transaction.atomic():
                change(policy, _fields(wanted), expected=expected)
        except IntegrityError as error:
            raise _taken() from error
        changes = {path: (before[path], wanted[path]) for path in wanted if wanted[path] != before[path]}
        if changes:
            audit.record(actor, "policy.update", policy, changes=changes)
    return policy


def delete_policy(actor: Actor, policy: Policy) -> None:
    """Forget a policy. Raises: Forbidden, InUse (it is the domain's, or mailboxes have it)."""
    actor.require(Right.MANAGE_POLICIES, policy)
    with transaction.atomic():
        used = policy.mailboxes.count()
        if policy.default_of.exists():
            raise InUse(_("This is the domain's policy. Choose another for the domain first."))
        if used:
            raise InUse(_("%(count)d mailboxes have this policy. Give them another first.") % {"count": used})
        audit.record(actor, "policy.delete", policy)
        policy.delete()


def set_default_policy(actor: Actor, domain: Domain, policy: Policy, *, expected: int | None = None) -> Domain:
    """What counts for mailboxes without a policy of their own. Raises: Forbidden, Invalid, ChangedMeanwhile."""
    actor.require(Right.MANAGE_POLICIES, domain)
    if policy.domain_id != domain.pk:
        raise Invalid(_("This is no policy of the domain."), field="policy")
    with transaction.atomic():
        changes = change(domain, {"default_policy_id": policy.pk}, expected=expected)
        if changes:
            audit.record(actor, "domain.set_policy", domain, changes=changes, policy=policy.name)
    return domain


def set_mailbox_policy(
    actor: Actor, mailbox: Mailbox, policy: Policy | None, *, expected: int | None = None
) -> Mailbox:
    """Another policy for one mailbox, or (None) the domain's. Raises: Forbidden, Invalid, ChangedMeanwhile."""
    actor.require(Right.MANAGE_POLICIES, mailbox)
    if policy is not None and policy.domain_id != mailbox.domain_id:
        raise Invalid(_("This is no policy of the mailbox's domain."), field="policy")
    with transaction.atomic():
        changes = change(mailbox, {"policy_id": None if policy is None else policy.pk}, expected=expected)
        if changes:
            audit.record(actor, "mailbox.set_policy", mailbox, changes=changes)
    return mailbox


def set_policy_values(
    actor: Actor, mailbox: Mailbox, values: Mapping[str, Any], *, expected: int | None = None
) -> Mailbox:
    """Lay values over a mailbox's policy; None goes back to what the policy says.

    Raises: Forbidden, Invalid, ChangedMeanwhile.
    """
    actor.require(Right.MANAGE_POLICIES, mailbox)
    with transaction.atomic():
        fresh = Mailbox.objects.select_for_update(of=("self",)).get(pk=mailbox.pk)
        wanted = {path: value for path, value in {**fresh.policy_values, **values}.items() if value is not None}
        below = pure.merge([("policy", values_of(policy_of(mailbox)))]).policy
        _raise_first(pure.override_problems(wanted, below))
        changes = change(mailbox, {"policy_values": wanted}, expected=expected)
        if changes:
            audit.record(actor, "mailbox.set_policy_values", mailbox, changes=changes)
    return mailbox


def set_mailbox_choices(
    actor: Actor, mailbox: Mailbox, policy: Policy | None, values: Mapping[str, Any], *, expected: int | None = None
) -> Mailbox:
    """The policy of a mailbox and what is laid over it, both or neither. Raises: as the two services."""
    with transaction.atomic():
        set_mailbox_policy(actor, mailbox, policy, expected=expected)
        set_policy_values(actor, mailbox, values)
    return mailbox


def policy_of(mailbox: Mailbox) -> Policy | None:
    """The policy row that counts for a mailbox."""
    return mailbox.policy or mailbox.domain.default_policy


def effective_policy(mailbox: Mailbox) -> pure.Merged:
    """What counts for a mailbox, each value with its source: "default", "domain", "policy" (its own) or "mailbox"."""
    layers: list[tuple[str, Mapping[str, Any]]] = []
    policy = policy_of(mailbox)
    if policy is not None:
        layers.append(("policy" if mailbox.policy_id else "domain", values_of(policy)))
    return pure.merge([*layers, ("mailbox", mailbox.policy_values)])


def values_of(policy: Policy | None) -> dict[str, Any]:
    """All values of a row by their paths; of None the defaults."""
    values = dict(pure.DEFAULTS)
    if policy is None:
        return values
    for path in values:
        group, _dot, name = path.partition(".")
        if not name:
            values[path] = getattr(policy, path)
        elif name in (getattr(policy, group) or {}):
            values[path] = getattr(policy, group)[name]
    return values


def _insert(domain: Domain, values: Mapping[str, Any]) -> Policy:
    try:
        with transaction.atomic():
            return Policy.objects.create(domain=domain, **_fields(values))
    except IntegrityError as error:
        raise _taken() from error


def _checked(before: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """The values laid over those before. Raises: Invalid naming the first field that is wrong."""
    unknown = next((path for path in values if path not in pure.DEFAULTS), None)
    if unknown is not None:
        raise Invalid(_("No policy has this field."), field=unknown)
    wanted = {**before, **{path: value for path, value in values.items() if value is not None}}
    if isinstance(wanted["name"], str):
        wanted["name"] = wanted["name"].strip()
    _raise_first(pure.problems(pure.merge([("policy", wanted)]).policy))
    return wanted


def _raise_first(problems: list[pure.Problem]) -> None:
    for path, said in problems:
        raise Invalid(translated(said, _), field=path)


def _fields(values: Mapping[str, Any]) -> dict[str, Any]:
    """As the row's columns have them."""
    merged = pure.merge([("row", values)]).policy
    own = {path: value for path, value in values.items() if "." not in path}
    return own | {group: asdict(getattr(merged, group)) for group in GROUPS}


def _taken() -> Taken:
    return Taken(_("The domain has a policy of this name already."), field="name")
