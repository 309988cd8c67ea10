"""Two customers with a domain each, and everybody who calls in the API's tests.

`own` is the delegate's, `foreign` somebody else's; the user lives in `own`. Made by the services.
"""

from __future__ import annotations

from dataclasses import dataclass

from accounts.models import ApiToken, User
from domains.models import Customer, Domain, Mailbox
from tests import factories
from tests.api.callers import Caller, caller_for
from tests.domains.factories import make_customer, make_delegate, make_domain, make_mailbox_in


@dataclass
class Place:
    """One customer, its domain, and a mailbox in it."""

    customer: Customer
    domain: Domain
    mailbox: Mailbox

    @property
    def person(self) -> User:
        assert self.mailbox.user is not None
        return self.mailbox.user


@dataclass
class World:
    own: Place
    foreign: Place
    administrator: Caller
    delegate: Caller
    reader: Caller
    user: Caller
    anonymous: Caller


def make_place(name: str) -> Place:
    customer = make_customer(f"Customer of {name}")
    domain = make_domain(name, customer)
    return Place(customer, domain, make_mailbox_in(domain, "ada", first_name="Ada", last_name="Okafor"))


def build() -> World:
    administrator = factories.make_administrator("root@server.example")  # the first: ids of people and mailboxes differ
    own, foreign = make_place("own.example"), make_place("foreign.example")
    delegate = make_delegate(own.domain)
    reader = caller_for(delegate)
    ApiToken.objects.filter(user=delegate).update(read_only=True)
    return World(
        own,
        foreign,
        administrator=caller_for(administrator),
        delegate=caller_for(delegate),
        reader=reader,
        user=caller_for(own.person),
        anonymous=Caller(),
    )
