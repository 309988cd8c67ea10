"""An empty domain becomes a name of another one, and a name becomes an empty domain again.

For domains in which there is nothing yet: whoever meant to make an alias, and made a domain first. Nothing can be lost:
a domain in which there was ever an address, a mailbox or anything set is refused. Not for joining two domains' content.
"""

from __future__ import annotations

from django.db import transaction
from django.utils.translation import gettext as _

from accounts import audit
from accounts.actors import Actor
from accounts.models import Grant, User
from accounts.permissions import Level, Right
from domains.errors import InUse
from domains.models import Address, Domain, DomainName, Mailbox, Relay
from domains.services import counting, domain_names
from domains.services.domain_purging import end_empty_domain
from domains.services.domains import add_domain_row


def absorb_domain(actor: Actor, domain: Domain, other: Domain) -> None:
    """The name of `other`, which must be empty, becomes an alias of `domain`.

    Raises: Forbidden, InUse (something is in it, or it has names of its own), Taken, Invalid, WrongState.
    """
    actor.require(Right.EDIT_DOMAINS, domain)
    actor.require(Right.DELETE_DOMAINS, other)
    domain_names.require_claiming(actor, domain)
    with transaction.atomic():
        locked = counting.lock(other)
        if not _is_empty(locked):
            text = _("There is something in %(domain)s; only an empty domain becomes a name of another one.")
            raise InUse(text % {"domain": locked.display_name})
        name = locked.name
        audit.record(actor, "domain.absorb", locked, into=domain.name)
        end_empty_domain(locked)
        domain_names.add_names(actor, domain, [name])


def release_alias(actor: Actor, alias: DomainName) -> Domain:
    """The alias becomes a domain of its own, of the same customer, with nothing in it.

    Raises: Forbidden, LimitReached, WrongState.
    """
    domain = alias.domain
    actor.require(Right.CREATE_DOMAINS, domain.customer)
    with transaction.atomic():
        domain_names.remove_name(actor, domain, alias)
        return add_domain_row(actor, alias.name, customer=domain.customer)


def forget_alias(actor: Actor, alias: DomainName) -> None:
    """Give the name up. Raises: Forbidden, WrongState."""
    domain_names.remove_name(actor, alias.domain, alias)


def _is_empty(domain: Domain) -> bool:
    """Nothing in it, and nothing set that somebody would miss."""
    return not (
        domain.names.filter(is_alias=True).exists()
        or Mailbox.objects.filter(domain=domain).exists()
        or Address.objects.filter(domain=domain).exists()
        or Relay.objects.filter(domain=domain).exists()
        or domain.dkim_keys.exists()
        or Grant.objects.filter(level=Level.DOMAIN, object_id=domain.pk).exists()
        or User.objects.filter(home_domain_id=domain.pk).exists()
    )
