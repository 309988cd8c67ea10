"""The states of a domain: enabled, disabled, pending; deleted with a date on which it is purged, and back.

Enabled: mail flows and people may sign in. Disabled: neither. Pending: not in service yet, people may sign in.
Deleted: suspended, with everything kept, until the purge (`domain_purging`) or until somebody restores it. What lies in
the domain (people, addresses, rules) is never touched by a change of state, so that coming back is exact.

What somebody with a wider right suspended is not taken back by somebody with a narrower one: a customer can't resume
what the provider disabled.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import audit, options, proving
from accounts.actors import Actor
from accounts.errors import Forbidden
from accounts.models import User
from accounts.permissions import Level, Right
from accounts.scopes import SERVER, ScopeRef
from accounts.services.sessions import drop_sessions_shut_out
from config.kit import versions
from domains.errors import InUse, Invalid, WrongState
from domains.models import Domain, Status
from jobs import two_people

DELETION_DAYS = "DOMAIN_DELETION_DAYS"
LONGEST_DAYS = 3650
SOONER_TAKES_TWO = gettext_lazy("Sooner than after %(days)s days takes two people: delete it, then ask for the purge.")
IN_USE = (Status.ENABLED, Status.DISABLED, Status.PENDING)


def set_status(actor: Actor, domain: Domain, status: str, *, reason: str = "", expected: int | None = None) -> None:
    """Enable, disable or set to pending; the same state again is refused, so that the second of two is told.

    Raises: Forbidden, Invalid, WrongState, InUse, ChangedMeanwhile.
    """
    actor.require(Right.EDIT_DOMAINS, domain)
    if status not in IN_USE:
        raise Invalid(_("A domain is set to enabled, disabled or pending."), field="status")
    with transaction.atomic():
        versions.change(domain, {}, expected=expected)
        _require_in_use(domain)
        if domain.status == status:
            raise WrongState(_already(domain), field="status")
        _require_hand(actor, domain, Right.EDIT_DOMAINS)
        level = ""
        if status == Status.DISABLED:
            _require_not_home(actor, domain)
            level = _hand(actor, domain, Right.EDIT_DOMAINS)
            drop_sessions_shut_out(User.objects.filter(home_domain_id=domain.pk))
        changes = versions.change(domain, {"status": status, "suspended_at_level": level})
        _record(actor, "domain.set_status", domain, changes, reason)


def disable_domain(actor: Actor, domain: Domain, *, reason: str = "", expected: int | None = None) -> None:
    """Suspend: no mail, and nobody of it may sign in. Raises: as set_status."""
    set_status(actor, domain, Status.DISABLED, reason=reason, expected=expected)


def enable_domain(actor: Actor, domain: Domain, *, reason: str = "", expected: int | None = None) -> None:
    """Resume, or put into service. Raises: as set_status."""
    set_status(actor, domain, Status.ENABLED, reason=reason, expected=expected)


def delete_domain(
    actor: Actor, domain: Domain, *, after_days: int | None = None, reason: str = "", expected: int | None = None
) -> None:
    """Delete as a state: everything is suspended at once and kept, and purged after so many days.

    after_days: as the server (or the customer's option) says; fewer than that is for who may change the option.
    Raises: Forbidden, Invalid, WrongState, InUse, ChangedMeanwhile.
    """
    actor.require(Right.DELETE_DOMAINS, domain)
    proving.require_recent(actor)
    usual = int(options.value(DELETION_DAYS, domain))
    days = usual if after_days is None else after_days
    if not 0 <= days <= LONGEST_DAYS:
        raise Invalid(_("Between 0 and %(days)s days.") % {"days": LONGEST_DAYS}, field="after_days")
    if days < usual and not actor.has(Right.MANAGE_SERVER):
        least = _("A deleted domain is kept for %(days)s days at least.") % {"days": usual}
        raise Invalid(least, field="after_days")
    if days < usual and two_people.needed(actor, Right.DELETE_DOMAINS, domain):
        raise Invalid(SOONER_TAKES_TWO % {"days": usual}, field="after_days")
    now = timezone.now()
    with transaction.atomic():
        versions.change(domain, {}, expected=expected)
        _require_in_use(domain)
        _require_hand(actor, domain, Right.DELETE_DOMAINS)
        _require_not_home(actor, domain)
        drop_sessions_shut_out(User.objects.filter(home_domain_id=domain.pk))
        values = {
            "status": Status.DELETED,
            "status_before": domain.status,
            "suspended_at_level": _hand(actor, domain, Right.DELETE_DOMAINS),
            "deleted_at": now,
            "purge_at": now + timedelta(days=days),
        }
        changes = versions.change(domain, values)
        _record(actor, "domain.delete", domain, changes, reason, after_days=days)


def restore_domain(actor: Actor, domain: Domain, *, reason: str = "", expected: int | None = None) -> None:
    """Back to the state it had when it was deleted. Raises: Forbidden, WrongState, ChangedMeanwhile."""
    actor.require(Right.DELETE_DOMAINS, domain)
    with transaction.atomic():
        versions.change(domain, {}, expected=expected)
        if domain.status != Status.DELETED:
            raise WrongState(_("%(domain)s isn't deleted.") % {"domain": domain.display_name})
        _require_hand(actor, domain, Right.DELETE_DOMAINS)
        status = domain.status_before or Status.ENABLED
        values: dict[str, Any] = {
            "status": status,
            "status_before": "",
            "suspended_at_level": domain.suspended_at_level if status == Status.DISABLED else "",
            "deleted_at": None,
            "purge_at": None,
        }
        changes = versions.change(domain, values)
        _record(actor, "domain.restore", domain, changes, reason)


def may_take_back(actor: Actor, domain: Domain, right: Right) -> bool:
    """Whether this actor's right reaches as far as that of whoever suspended the domain."""
    scopes: dict[str, ScopeRef] = {ref.level: ref for ref in (*domain.scopes(), SERVER)}
    held = scopes.get(domain.suspended_at_level)
    return held is None or actor.has(right, held)


def _hand(actor: Actor, domain: Domain, right: Right) -> str:
    """The widest level on which the actor holds the right over this domain."""
    if actor.has(right):
        return Level.SERVER.value
    customer = ScopeRef(Level.CUSTOMER, domain.customer_id) if domain.customer_id is not None else None
    return Level.CUSTOMER.value if customer is not None and actor.has(right, customer) else Level.DOMAIN.value


def _require_hand(actor: Actor, domain: Domain, right: Right) -> None:
    if not may_take_back(actor, domain, right):
        raise Forbidden(f"{domain} was suspended by somebody whose rights reach further")


def _require_not_home(actor: Actor, domain: Domain) -> None:
    """Whoever suspends the domain they sign in with is locked out themselves; a system administrator isn't."""
    if actor.user is not None and not actor.is_administrator and actor.user.home_domain_id == domain.pk:
        text = _("You sign in with an address of %(domain)s and would lock yourself out. Ask another administrator.")
        raise InUse(text % {"domain": domain.display_name})


def _require_in_use(domain: Domain) -> None:
    if domain.status == Status.PURGED:
        raise WrongState(_("%(domain)s is gone for good.") % {"domain": domain.display_name})
    if domain.status == Status.DELETED:
        raise WrongState(_("%(domain)s is deleted; restore it first.") % {"domain": domain.display_name})


def _already(domain: Domain) -> str:
    values = {"domain": domain.display_name, "state": str(domain.get_status_display()).lower()}
    return _("%(domain)s is %(state)s already.") % values


def _record(
    actor: Actor, action: str, domain: Domain, changes: versions.Changes, reason: str, **details: object
) -> None:
    status = {name: pair for name, pair in changes.items() if name in ("status", "purge_at")}
    audit.record(actor, action, domain, changes=status, reason=reason, **details)
