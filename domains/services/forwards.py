"""Forwards: an address without a mailbox that goes on to others, and a mailbox that forwards what it gets.

Source: CommuniGate's forwarders (an address of their own) and James's forwards (of an existing user; the user among
their own targets means that they keep a copy).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from accounts import audit
from accounts.actors import Actor
from accounts.membership import require_dominance
from accounts.permissions import EndUserRight, Right
from config.kit import versions
from domains.errors import Invalid
from domains.models import Address, Domain, Mailbox
from domains.services import claims, objects, recipients
from domains.services.mailboxes import require_serving
from domains.services.readdressing import claim_of

TARGETS = "targets"
Entry = str | tuple[int, str]


def create_forward(
    actor: Actor,
    domain: Domain,
    *,
    email: str,
    targets: Iterable[Entry],
    name: str = "",
    description: str = "",
    enabled: bool = True,
) -> Address:
    """A new forward. Raises: Forbidden, BadAddress, BadLines, Taken, LimitReached, Invalid, WrongState."""
    actor.require(Right.MANAGE_ADDRESSES, domain)
    require_serving(domain)
    local = claims.parse_local(email, domain)
    emails = _some(recipients.parse_all(targets, field=TARGETS))
    words = {"name": name.strip(), "description": description.strip()}
    with transaction.atomic():
        forward = claims.claim(actor, domain, local, Address.Kind.FORWARD, is_enabled=enabled, **objects.checked(words))
        audit.record(actor, "forward.create", forward)
        changed = recipients.change(forward, add=recipients.resolve(emails), field=TARGETS)
        recipients.record(actor, forward, changed, what=TARGETS)
    return forward


def update_forward(
    actor: Actor,
    forward: Address,
    values: Mapping[str, Any],
    *,
    targets: Iterable[Entry] | None = None,
    expected: int | None = None,
) -> versions.Changes:
    """Set name, description, is_enabled and the targets. Raises: Forbidden, BadLines, Invalid, ChangedMeanwhile."""
    actor.require(Right.MANAGE_ADDRESSES, forward)
    unknown = set(values) - {"name", "description", "is_enabled"}
    if unknown:
        raise ValueError(f"no field of a forward: {', '.join(sorted(unknown))}")
    with transaction.atomic():
        changes = objects.change_fields(actor, forward, values, expected=expected)
        if targets is not None:
            named = recipients.resolve(_some(recipients.parse_all(targets, field=TARGETS)))
            changed = recipients.change(forward, replace=named, field=TARGETS)
            recipients.record(actor, forward, changed, what=TARGETS)
            if changed:
                changes[TARGETS] = (changed.removed, changed.added)
    return changes


def add_targets(actor: Actor, forward: Address, targets: Iterable[Entry]) -> list[str]:
    """Those of these it didn't go to before. Raises: Forbidden, BadLines, Invalid."""
    actor.require(Right.MANAGE_ADDRESSES, forward)
    named = recipients.resolve(recipients.parse_all(targets, field=TARGETS))
    with transaction.atomic():
        changed = recipients.change(forward, add=named, field=TARGETS)
        recipients.record(actor, forward, changed, what=TARGETS)
    return changed.added


def remove_targets(actor: Actor, forward: Address, targets: Iterable[Entry]) -> list[str]:
    """Those of these it went to before; one has to stay. Raises: Forbidden, BadLines, Invalid."""
    actor.require(Right.MANAGE_ADDRESSES, forward)
    emails = recipients.parse_all(targets, field=TARGETS)
    names = {*emails, *(each.email for each in recipients.resolve(emails))}
    with transaction.atomic():
        changed = recipients.change(forward, remove=names, field=TARGETS)
        if not forward.recipient_count:
            raise Invalid(_("A forward needs somewhere to go."), field=TARGETS)
        recipients.record(actor, forward, changed, what=TARGETS)
    return changed.removed


def set_forwarding(
    actor: Actor,
    mailbox: Mailbox,
    targets: Iterable[Entry],
    *,
    keep_copy: bool = True,
    expected: int | None = None,
) -> recipients.Changed:
    """Where a mailbox forwards to (nowhere: no targets), and whether it keeps a copy.

    People do it for themselves where their domain lets them. The mailbox among its own targets means a copy.
    Raises: Forbidden, BadLines, Invalid, ChangedMeanwhile.
    """
    require_over_mailbox(actor, mailbox, EndUserRight.MANAGE_FORWARDING, Right.MANAGE_ADDRESSES)
    claim = claim_of(mailbox)
    named = recipients.resolve(recipients.parse_all(targets, field=TARGETS))
    others = [each for each in named if each.target_id != claim.pk]
    keeps = keep_copy or len(others) < len(named) or not others
    with transaction.atomic():
        versions.change(mailbox, {}, expected=expected)
        told = versions.change(claim, {"keep_copy": keeps})
        changed = recipients.change(claim, replace=others, field=TARGETS)
        if changed or told:
            changes: versions.Changes = {**told}
            if changed:
                changes["forwarding"] = (changed.removed, changed.added)
            audit.record(actor, "mailbox.set_forwarding", mailbox, changes=changes)
    return changed


def change_targets(
    actor: Actor, mailbox: Mailbox, *, add: Iterable[str] = (), remove: Iterable[str] = ()
) -> recipients.Changed:
    """Some targets more or less than a mailbox has; the mailbox itself stands for its copy.

    Two at once don't lose each other's. Raises: as `set_forwarding`.
    """
    require_over_mailbox(actor, mailbox, EndUserRight.MANAGE_FORWARDING, Right.MANAGE_ADDRESSES)
    with transaction.atomic():
        claim = Address.objects.select_for_update().get(pk=claim_of(mailbox).pk)
        gone = {each.strip().lower() for each in remove}
        more = [each.strip().lower() for each in add]
        kept = [each.email for each in claim.recipients.order_by("pk") if each.email.lower() not in gone]
        copy = (claim.keep_copy or mailbox.address in more) and mailbox.address not in gone
        wanted = [*kept, *(each for each in more if each != mailbox.address and each not in kept)]
        return set_forwarding(actor, mailbox, wanted, keep_copy=copy)


def require_over_mailbox(actor: Actor, mailbox: Mailbox, own: EndUserRight, right: Right) -> None:
    """One's own by what the domain lets people do, another's by the right and from who holds no less.

    Raises: Forbidden.
    """
    if mailbox.user is not None and actor.owns(mailbox.user) and actor.acting is None:
        actor.require_writing()
        actor.require_own(own)
        return
    actor.require(right, mailbox)
    require_dominance(actor, mailbox.user)


def _some(emails: list[str]) -> list[str]:
    if not emails:
        raise Invalid(_("A forward needs somewhere to go."), field=TARGETS)
    return emails
