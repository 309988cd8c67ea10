"""Changing what a domain is set to: its description, what it inherits or says itself, who sends for it, its limits.

What is null goes back to what the customer or the server says (`domains.inheritance`). States, names, the customer and
quotas have services of their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from accounts import audit
from accounts.actors import Actor
from accounts.models import User
from accounts.permissions import EndUserRight, Right
from accounts.services.sessions import drop_sessions_shut_out
from config.kit import versions
from domains.errors import Invalid, WrongState
from domains.models import Domain, OutgoingProvider, Status
from domains.services import catch_alls, counting, quotas
from domains.services.fields import checked_limits, checked_subnets, checked_text

TEXTS = ("description", "external_id")
CHOICES = ("default_language", "list_priority")
OWN_CHOICES = ("unknown_recipients",)  # a domain's own, inherited from nobody
SWITCHES = ("auto_provisioning", "sender_verify")
SETTINGS = (
    *TEXTS, *CHOICES, *OWN_CHOICES, *SWITCHES, "outgoing_subnets", "outgoing_providers", "catch_all", "end_user_rights",
)  # fmt: skip
LIMITS = ("max_mailboxes", "max_aliases", "max_groups", "max_lists", "max_bytes", "max_quota_bytes")


def update_domain(
    actor: Actor, domain: Domain, values: Mapping[str, Any], *, expected: int | None = None
) -> versions.Changes:
    """Set some of SETTINGS; those that inherit take None. What changed: {field: (old, new)}.

    outgoing_providers: objects or ids of active ones (or of those it has). end_user_rights: names.
    Raises: Forbidden, Invalid, BadAddress, WrongState, ChangedMeanwhile.
    """
    actor.require(Right.EDIT_DOMAINS, domain)
    with transaction.atomic():
        versions.change(domain, {}, expected=expected)
        require_there(domain)
        changes = apply(actor, domain, values)
        if changes:
            audit.record(actor, "domain.edit", domain, changes=changes)
    return changes


def set_domain_limits(
    actor: Actor, domain: Domain, values: Mapping[str, int | None], *, expected: int | None = None
) -> versions.Changes:
    """Set some of LIMITS. Fewer than are there stops what would be added; sizes must hold what quotas give already.

    Raises: Forbidden, Invalid, LimitReached, WrongState, ChangedMeanwhile.
    """
    actor.require(Right.MANAGE_LIMITS, domain)
    checked = checked_limits(values, LIMITS)
    with transaction.atomic():
        counting.lock(domain)
        versions.change(domain, {}, expected=expected)
        require_there(domain)
        changes = versions.change(domain, checked)
        if changes:
            if changes.keys() & {"max_bytes", "max_quota_bytes"}:
                quotas.check_room(domain)
            audit.record(actor, "domain.set_limits", domain, changes=changes)
    return changes


def require_there(domain: Domain) -> None:
    """A deleted domain is restored before it is changed. Raises: WrongState."""
    if domain.status in (Status.DELETED, Status.PURGED):
        raise WrongState(_("%(domain)s is deleted; restore it first.") % {"domain": domain.display_name})


def apply(actor: Actor, domain: Domain, values: Mapping[str, Any]) -> versions.Changes:
    """Check and set, for services that asked the right; call it inside a transaction. Raises: Invalid, BadAddress."""
    unknown = [name for name in values if name not in SETTINGS]
    if unknown:
        raise Invalid(_("There is no setting of this name."), field=unknown[0])
    columns = checked_text(Domain, {name: values[name] for name in TEXTS if name in values})
    for name in CHOICES:
        if name in values:
            columns[name] = _choice(name, values[name])
    for name in OWN_CHOICES:
        if name in values:
            columns[name] = _choice(name, values[name]) or Domain._meta.get_field(name).get_default()  # type: ignore[union-attr]
    for name in SWITCHES:
        if name in values:
            columns[name] = _switch(name, values[name])
    if "outgoing_subnets" in values:
        any_width = actor.has(Right.MANAGE_SERVER)
        columns["outgoing_subnets"] = checked_subnets(values["outgoing_subnets"] or (), any_width=any_width)
    if "end_user_rights" in values:
        columns["end_user_rights"] = _rights(values["end_user_rights"])
    if "catch_all" in values:
        columns["catch_all"] = catch_alls.checked(actor, domain, values["catch_all"] or "")
    changes = versions.change(domain, columns)
    if "end_user_rights" in changes and EndUserRight.SIGN_IN not in (domain.end_user_rights or [EndUserRight.SIGN_IN]):
        drop_sessions_shut_out(User.objects.filter(home_domain_id=domain.pk))
    if "outgoing_providers" in values:
        changes |= _set_providers(domain, values["outgoing_providers"] or ())
    return changes


def _choice(name: str, value: str | None) -> str | None:
    if value in (None, ""):
        return None
    choices = dict(Domain._meta.get_field(name).flatchoices)  # type: ignore[union-attr]  # a field with choices
    if value not in choices:
        raise Invalid(_("“%(value)s” is not one of the values here.") % {"value": str(value)[:60]}, field=name)
    return value


def _switch(name: str, value: bool | None) -> bool | None:
    if value is not None and not isinstance(value, bool):
        raise Invalid(_("This is yes, no, or empty to inherit."), field=name)
    return value


def _rights(names: Iterable[str] | None) -> list[str] | None:
    """End users' rights in the order we list them. Raises: Invalid."""
    if names is None:
        return None
    wanted = set(names)
    known = [right.value for right in EndUserRight]
    unknown = wanted - set(known)
    if unknown:
        wrong = _("There is no right called %(name)s.") % {"name": min(unknown)[:60]}
        raise Invalid(wrong, field="end_user_rights")
    return [name for name in known if name in wanted]


def _set_providers(domain: Domain, wanted: Iterable[OutgoingProvider | int]) -> versions.Changes:
    ids = {each.pk if isinstance(each, OutgoingProvider) else int(each) for each in wanted}
    before = {provider.pk: provider for provider in domain.outgoing_providers.all()}
    if ids == set(before):
        return {}
    offered = {provider.pk: provider for provider in OutgoingProvider.objects.filter(is_active=True)} | before
    if ids - set(offered):
        raise Invalid(_("There is no such provider."), field="outgoing_providers")
    domain.outgoing_providers.set([offered[key] for key in ids])
    versions.touch(domain)
    names = [sorted(provider.name for provider in before.values()), sorted(offered[key].name for key in ids)]
    return {"outgoing_providers": (names[0], names[1])}
