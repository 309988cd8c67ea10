"""Groups: one address, many recipients (mailboxes, other groups, lists, addresses elsewhere), and who may send to it.

Cycles over several groups can come about by edits of different people; they are cut when mail is expanded
(`domains.expansion`), and shown there. Only a group in itself is refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from accounts import audit
from accounts.actors import Actor
from accounts.addresses import canonical_domain
from accounts.errors import BadAddress as BadAccountAddress
from accounts.permissions import Right
from config.kit import versions
from domains.errors import BadAddress, Invalid
from domains.models import Address, AllowedSender, Domain
from domains.services import claims, objects, recipients
from domains.services.mailboxes import require_serving

MEMBERS = "members"
MAX_SENDERS = 10_000
Entry = str | tuple[int, str]


def create_group(
    actor: Actor,
    domain: Domain,
    *,
    email: str,
    name: str = "",
    description: str = "",
    senders: str = Address.Senders.ANYONE,
    allowed_senders: Iterable[str] = (),
    members: Iterable[Entry] = (),
    enabled: bool = True,
) -> Address:
    """A new group with its members.

    Raises: Forbidden, BadAddress, BadLines, Taken, LimitReached, Invalid, WrongState.
    """
    actor.require(Right.MANAGE_ADDRESSES, domain)
    require_serving(domain)
    _check_senders(senders)
    local = claims.parse_local(email, domain)
    emails = recipients.parse_all(members, field=MEMBERS)
    allowed = parse_senders(allowed_senders)
    words = {"name": name.strip(), "description": description.strip()}
    with transaction.atomic():
        group = claims.claim(
            actor, domain, local, Address.Kind.GROUP, senders=senders, is_enabled=enabled, **objects.checked(words)
        )
        audit.record(actor, "group.create", group, senders=senders)
        changed = recipients.change(group, add=recipients.resolve(emails), field=MEMBERS)
        recipients.record(actor, group, changed, what=MEMBERS)
        _set_allowed(group, allowed)
    return group


def update_group(
    actor: Actor,
    group: Address,
    values: Mapping[str, Any],
    *,
    allowed_senders: Iterable[str] | None = None,
    expected: int | None = None,
) -> versions.Changes:
    """Set name, description, senders, is_enabled, and who is on the list of senders.

    Raises: Forbidden, Invalid, BadAddress, ChangedMeanwhile.
    """
    actor.require(Right.MANAGE_ADDRESSES, group)
    unknown = set(values) - {"name", "description", "senders", "is_enabled"}
    if unknown:
        raise ValueError(f"no field of a group: {', '.join(sorted(unknown))}")
    if "senders" in values:
        _check_senders(values["senders"])
    allowed = None if allowed_senders is None else parse_senders(allowed_senders)
    with transaction.atomic():
        changes = objects.change_fields(actor, group, values, expected=expected)
        if allowed is not None:
            told = _set_allowed(group, allowed)
            if told:
                audit.record(actor, "group.set_senders", group, changes=told)
                changes |= told
    return changes


def add_members(actor: Actor, group: Address, members: Iterable[Entry]) -> list[str]:
    """Those of these who weren't in it and are now. Raises: Forbidden, BadLines, Invalid."""
    actor.require(Right.MANAGE_ADDRESSES, group)
    named = recipients.resolve(recipients.parse_all(members, field=MEMBERS))
    with transaction.atomic():
        changed = recipients.change(group, add=named, field=MEMBERS)
        recipients.record(actor, group, changed, what=MEMBERS)
    return changed.added


def remove_members(actor: Actor, group: Address, members: Iterable[Entry]) -> list[str]:
    """Those of these who were in it and aren't any more. Raises: Forbidden, BadLines."""
    actor.require(Right.MANAGE_ADDRESSES, group)
    emails = recipients.parse_all(members, field=MEMBERS)
    names = {*emails, *(each.email for each in recipients.resolve(emails))}
    with transaction.atomic():
        changed = recipients.change(group, remove=names, field=MEMBERS)
        recipients.record(actor, group, changed, what=MEMBERS)
    return changed.removed


def set_members(
    actor: Actor, group: Address, members: Iterable[Entry], *, expected: int | None = None
) -> recipients.Changed:
    """Exactly these members from now on. Raises: Forbidden, BadLines, Invalid, ChangedMeanwhile."""
    actor.require(Right.MANAGE_ADDRESSES, group)
    named = recipients.resolve(recipients.parse_all(members, field=MEMBERS))
    with transaction.atomic():
        versions.change(group, {}, expected=expected)
        changed = recipients.change(group, replace=named, field=MEMBERS)
        recipients.record(actor, group, changed, what=MEMBERS)
    return changed


def parse_senders(values: Iterable[str]) -> list[str]:
    """Who may send: addresses, and domains as @example.org; canonical, each once. Raises: BadAddress, Invalid."""
    found: dict[str, None] = {}
    for value in values:
        text = value.strip()
        if text.startswith("@"):
            try:
                found[f"@{canonical_domain(text[1:])}"] = None
            except BadAccountAddress as error:
                raise BadAddress(str(error), field="allowed_senders") from error
        elif text:
            found[str(claims.parse(text, field="allowed_senders"))] = None
    if len(found) > MAX_SENDERS:
        raise Invalid(_("At most %(count)s addresses fit here.") % {"count": MAX_SENDERS}, field="allowed_senders")
    return list(found)


def _set_allowed(group: Address, values: list[str]) -> versions.Changes:
    kept = list(AllowedSender.objects.filter(address=group).values_list("value", flat=True))
    if set(kept) == set(values):
        return {}
    AllowedSender.objects.filter(address=group).exclude(value__in=values).delete()
    fresh = [AllowedSender(address=group, value=value) for value in values if value not in set(kept)]
    AllowedSender.objects.bulk_create(fresh)
    return {"allowed_senders": (sorted(kept), sorted(values))}


def _check_senders(value: str) -> None:
    if value not in Address.Senders.values:
        raise Invalid(_("Choose who may send to it."), field="senders")
