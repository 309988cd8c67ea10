"""What the accounts app can't know of us: which customers belong to a broker, what a domain lets its people do, and
how the objects behind its scopes are found and called.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from django.db.models import Q, QuerySet
from django.http import Http404

from accounts import options, places
from accounts.actors import Actor
from accounts.addresses import canonical_domain
from accounts.errors import BadAddress
from accounts.models import User
from accounts.permissions import ALL_END_USER_RIGHTS, EndUserRight, Level, Right
from accounts.scopes import Reach, ScopeRef
from domains import inheritance, selectors
from domains.models import Address, Broker, Customer, Domain, DomainName, Mailbox

SIGN_IN_BY_ALIAS = "SIGN_IN_BY_ALIAS"


def customers_of(brokers: Iterable[int]) -> dict[int, list[int]]:
    """{broker id: [customer id]} of these brokers."""
    found: dict[int, list[int]] = {}
    for broker, customer in Customer.objects.filter(broker_id__in=set(brokers)).values_list("broker_id", "pk"):
        if broker is not None:
            found.setdefault(broker, []).append(customer)
    return found


def end_user_rights(user: User) -> frozenset[EndUserRight]:
    """What the person's domain lets its people do: nothing while it is suspended. Who belongs to none may all."""
    if user.home_domain_id is None or user.is_administrator:  # who runs everything isn't locked out by a domain
        return ALL_END_USER_RIGHTS
    domain = Domain.objects.filter(pk=user.home_domain_id).first()
    if domain is None or domain.is_suspended:
        return frozenset()
    names = inheritance.value_of(domain, "end_user_rights")
    return frozenset(right for right in EndUserRight if right.value in names)


def has_mailbox(user: User) -> bool:
    """What ties a person to this server beside their rights."""
    return Mailbox.objects.filter(user=user).exists()


def scope_of_address(email: str) -> ScopeRef | None:
    """The domain of ours that an address lies in, under any of its names."""
    name = email.rpartition("@")[2]
    found = DomainName.objects.filter(name=name).values_list("domain_id", flat=True).first()
    return None if found is None else ScopeRef(Level.DOMAIN, found)


def main_address_of(email: str) -> str | None:
    """With which address somebody signs in who has this one too, where their domain lets them use it.

    Three queries, whatever there is.
    """
    local, _at, name = email.rpartition("@")
    kinds = (Address.Kind.MAILBOX, Address.Kind.ALIAS)
    claims = Address.objects.filter(local=local, domain__names__name=name, kind__in=kinds, is_enabled=True)
    found = claims.values_list("kind", "mailbox__user", "recipients__target__mailbox__user").first()
    key = None if found is None else found[1] if found[0] == Address.Kind.MAILBOX else found[2]
    user = User.objects.filter(pk=key or 0).first()
    allowed = options.value(SIGN_IN_BY_ALIAS, user)
    return user.email if user is not None and allowed else None


def register_places() -> None:
    """Brokers, customers and domains as places where rights and options are given."""
    places.register(Level.BROKER, places.Keeper(Broker, _broker, _names(Broker), _brokers_in, _named(Broker)))
    customers = places.Keeper(
        Customer, _customer, _names(Customer), _customers_in, _named(Customer), "domains:customer-detail"
    )
    places.register(Level.CUSTOMER, customers)
    domains = places.Keeper(Domain, _domain, _names(Domain), _domains_in, _find_domain, "domains:domain-detail")
    places.register(Level.DOMAIN, domains)


def _broker(actor: Actor, broker_id: int, need: Right) -> Broker:
    found = Broker.objects.visible_to(actor, need).filter(pk=broker_id).first()
    if found is None:
        raise Http404("no such broker")
    return found


def _customer(actor: Actor, customer_id: int, need: Right) -> Customer:
    return selectors.get_customer(actor, customer_id, need=need)


def _domain(actor: Actor, domain_id: int, need: Right) -> Domain:
    return selectors.get_domain(actor, domain_id, need=need)


def _names(model: type[Broker | Customer | Domain]) -> places.Labels:
    def labels(ids: Iterable[int]) -> dict[int, str]:
        return dict(model._base_manager.filter(pk__in=set(ids)).values_list("pk", "name"))

    return labels


def _brokers_in(reach: Reach) -> QuerySet[Broker]:
    return Broker.objects.filter(pk__in=reach.brokers)


def _customers_in(reach: Reach) -> QuerySet[Customer]:
    return Customer.objects.filter(Q(pk__in=reach.customers) | Q(broker_id__in=reach.brokers))


def _domains_in(reach: Reach) -> QuerySet[Domain]:
    return Domain.objects.filter(Q(pk__in=reach.domains) | Q(customer_id__in=reach.customers))


def _named(model: type[Broker | Customer]) -> Callable[[str], int | None]:
    def find(name: str) -> int | None:
        return model._base_manager.filter(name__iexact=name).values_list("pk", flat=True).first()

    return find


def _find_domain(name: str) -> int | None:
    """Under any of its names."""
    try:
        canonical = canonical_domain(name)
    except BadAddress:
        return None
    return DomainName.objects.filter(name=canonical).values_list("domain_id", flat=True).first()
