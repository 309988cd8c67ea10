"""An invented directory in our own tables, in bulk: what the services would have left, row by row, in minutes.

    manage.py shell -c "from benchmarks.directory_data import fill; fill(1_000_000, 10_000, 300)"

into a database without customers. tests/benchmarks/test_directory_data.py makes a small one twice, once here and once
by the services, and compares all rows, so a column that a service fills and this doesn't fails there. Besides
customers, domains and people there are administrators to measure as, see `ADMINISTRATORS`. Not for real data.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator
from itertools import accumulate
from typing import NamedTuple

from django.contrib.auth.hashers import make_password
from django.db.models import F

from accounts.actors import Actor
from accounts.addresses import canonical_domain
from accounts.models import AuditEvent, Grant, User
from accounts.permissions import Level
from benchmarks.bulk import loading, next_id, rows
from benchmarks.directory_events import write_events
from benchmarks.invented import Directory, InventedDomain, Person, aliases
from domains.limits import effective, permille
from domains.models import Address, Customer, Domain, DomainName, Mailbox, Policy, Recipient, Status
from domains.services.policies import make_default_policy

BEGINNING, DAYS = dt.datetime(2024, 1, 1, tzinfo=dt.UTC), 900
PASSWORD = "a long row of words for measuring"  # noqa: S105  (of a database that nobody uses)
ONE_DOMAIN, FORTY_DOMAINS, CUSTOMER = "one@bench.example", "forty@bench.example", "customer@bench.example"
ADMINISTRATORS = (ONE_DOMAIN, FORTY_DOMAINS, CUSTOMER)
EVERY_DOMAIN_ADMINISTRATOR, FORTY = 3, 40
TABLES = (Customer, Domain, DomainName, Policy, User, Address, Recipient, Mailbox, Grant, AuditEvent)


class Other(NamedTuple):
    """An address that is no mailbox; `recipients` are whole addresses."""

    local: str
    kind: Address.Kind
    recipients: list[str]

    @property
    def version(self) -> int:
        """Members and targets are put in after the address is made, an alias is made with its own."""
        return 1 if self.kind == Address.Kind.ALIAS else 2


def fill(mailboxes: int, domains: int, customers: int, *, seed: int = 1) -> None:
    """All of it, fast; the database must be ours alone meanwhile."""
    with loading(*TABLES):
        write(Directory(mailboxes, domains, customers, seed=seed))


def write(directory: Directory, *, administrators: bool = True) -> None:
    """The rows alone, as the services would leave them."""
    writer = Writer(directory)
    writer.tenants()
    writer.policies()
    writer.users()
    writer.claims()
    writer.mailboxes()
    writer.recipients()
    write_events(writer)
    if administrators:
        writer.grants()


class Writer:
    """Tables one after the other. Numbers are known beforehand, so that rows can name each other."""

    def __init__(self, directory: Directory) -> None:
        self.directory = directory
        self.names = [canonical_domain(domain.name) for domain in directory.domains]
        self.persons = [list(directory.people(domain)) for domain in directory.domains]  # read for every table
        self.others = [self._others(domain) for domain in directory.domains]
        self.customer, self.domain, self.user = next_id(Customer), next_id(Domain), next_id(User)
        self.mailbox, self.address = next_id(Mailbox), next_id(Address)
        self.first_person = list(accumulate((domain.size for domain in directory.domains), initial=0))
        counts = (len(others) for others in self.others)
        self.first_other = list(accumulate(counts, initial=self.address + directory.mailboxes))

    def people(self) -> Iterator[tuple[int, InventedDomain, Person]]:
        """All of them, numbered from 0."""
        number = 0
        for domain in self.directory.domains:
            for person in self.persons[domain.number]:
                yield number, domain, person
                number += 1

    def at(self, domain: InventedDomain) -> str:
        return f"@{self.names[domain.number]}"

    def made(self, number: int) -> dt.datetime:
        """When the so-and-so-many-th person was made."""
        return BEGINNING + dt.timedelta(days=DAYS * number / self.directory.mailboxes)

    def _others(self, domain: InventedDomain) -> list[Other]:
        at, kinds = self.at(domain), Address.Kind
        people = self.persons[domain.number]
        found = [Other(local, kinds.ALIAS, [person + at]) for local, person in aliases(people)]
        for group in self.directory.groups(domain, people):
            found.append(
                Other(group.local, kinds.GROUP, [*(member + at for member in group.members), *group.elsewhere])
            )
        found += [Other(local, kinds.FORWARD, [target]) for local, target in self.directory.forwards(domain)]
        return found

    def tenants(self) -> None:
        """Customers, domains and their names, with the counts of all that follows."""
        people, active = Counter[int](), Counter[int]()
        for _number, domain, person in self.people():
            people[domain.customer] += 1
            active[domain.number] += person.status == Status.ENABLED
        with rows(Customer, "id", "name", "domain_count", "mailbox_count", "created_at") as write:
            for number, name in enumerate(self.directory.customers):
                write(self.customer + number, name, self.directory.domain_counts[number], people[number], BEGINNING)
        counts = ("mailbox_count", "active_count", "alias_count", "group_count", "forward_count")
        with rows(Domain, "id", "customer_id", "name", "quota_bytes", *counts, "created_at") as write:
            for domain in self.directory.domains:
                kinds = Counter(other.kind for other in self.others[domain.number])
                of_kinds = (kinds[Address.Kind.ALIAS], kinds[Address.Kind.GROUP], kinds[Address.Kind.FORWARD])
                ours = (self.domain + domain.number, self.customer + domain.customer, self.names[domain.number])
                moment = self.made(self.first_person[domain.number])
                write(*ours, domain.quota_bytes, domain.size, active[domain.number], *of_kinds, moment)
        first = next_id(DomainName)
        with rows(DomainName, "id", "name", "domain_id", "is_alias", "created_at") as write:
            for number, name in enumerate(self.names):
                write(first + number, name, self.domain + number, False, BEGINNING)

    def policies(self) -> None:
        """Each domain's default policy: that of the first as its service makes it, the others like it."""
        first = make_default_policy(Domain.objects.get(pk=self.domain))
        values = {field.attname: getattr(first, field.attname) for field in Policy._meta.concrete_fields}
        names = [name for name in values if name not in ("id", "domain_id", "name")]
        same = [values[name] for name in names]
        with rows(Policy, "id", "domain_id", "name", *names) as write:
            for number, domain in enumerate(self.names[1:], 1):
                write(first.pk + number, self.domain + number, first.name.replace(self.names[0], domain), *same)
        Domain.objects.filter(pk__gt=self.domain).update(default_policy_id=F("pk") + (first.pk - self.domain))

    def users(self) -> None:
        """People without a password."""
        columns = ("id", "password", "email", "first_name", "last_name", "is_active", "language", "created_at")
        with rows(User, *columns, "home_domain_id", "home_customer_id") as write:
            for number, domain, person in self.people():
                names = (person.local + self.at(domain), person.first, person.last)
                is_active, moment = person.status == Status.ENABLED, self.made(number)
                home = (self.domain + domain.number, self.customer + domain.customer)
                write(self.user + number, f"!{number:040}", *names, is_active, "en", moment, *home)

    def claims(self) -> None:
        """Addresses: those of mailboxes first, numbered like them."""
        columns = ("id", "local", "text", "kind", "recipient_count", "version", "is_enabled", "created_at")
        with rows(Address, *columns, "domain_id", "customer_id") as write:
            for number, domain, person in self.people():
                text, kind = person.local + self.at(domain), Address.Kind.MAILBOX
                home = (self.domain + domain.number, self.customer + domain.customer)
                write(
                    self.address + number,
                    person.local,
                    text,
                    kind,
                    0,
                    1,
                    person.status == Status.ENABLED,
                    self.made(number),
                    *home,
                )
            for domain in self.directory.domains:
                home = (self.domain + domain.number, self.customer + domain.customer)
                moment = self.made(self.first_person[domain.number])
                for number, other in enumerate(self.others[domain.number], self.first_other[domain.number]):
                    text = other.local + self.at(domain)
                    write(
                        number, other.local, text, other.kind, len(other.recipients), other.version, True, moment, *home
                    )

    def mailboxes(self) -> None:
        """Mailboxes and what is used of them."""
        columns = ("id", "domain_id", "customer_id", "claim_id", "user_id", "address", "status", "name", "quota_bytes")
        used = ("used_bytes", "used_messages", "fill_permille")
        with rows(Mailbox, *columns, *used, "created_at") as write:
            for number, domain, person in self.people():
                home = (self.domain + domain.number, self.customer + domain.customer)
                same = (self.address + number, self.user + number, person.local + self.at(domain))
                name, moment = f"{person.first} {person.last}", self.made(number)
                quota = effective(("mailbox", person.quota_bytes), ("domain", domain.quota_bytes)).value
                usage = (person.used_bytes, person.used_messages, permille(person.used_bytes, quota))
                write(self.mailbox + number, *home, *same, person.status, name, person.quota_bytes, *usage, moment)

    def recipients(self) -> None:
        """Where aliases, groups and forwards lead; their own domain's addresses by number."""
        number = next_id(Recipient)
        with rows(Recipient, "id", "address_id", "email", "target_id", "created_at") as write:
            for domain in self.directory.domains:
                targets = self.numbers(domain)
                for here, other in enumerate(self.others[domain.number], self.first_other[domain.number]):
                    for email in other.recipients:
                        write(number, here, email, targets.get(email), BEGINNING)
                        number += 1

    def numbers(self, domain: InventedDomain) -> dict[str, int]:
        """The addresses of one domain."""
        at, first = self.at(domain), self.address + self.first_person[domain.number]
        found = {person.local + at: number for number, person in enumerate(self.persons[domain.number], first)}
        others = enumerate(self.others[domain.number], self.first_other[domain.number])
        return found | {other.local + at: number for number, other in others}

    def grants(self) -> None:
        """Administrators of customers and domains, and those to measure as."""
        password, label = make_password(PASSWORD), Actor.console().label
        held: dict[int, list[tuple[Level, int]]] = {}
        user = next_id(User)
        with rows(User, "id", "email", "password", "is_active") as write:
            for number, email in enumerate(ADMINISTRATORS, user):
                write(number, email, password, True)
        held[user] = [(Level.DOMAIN, self.directory.largest.number)]
        step = max(1, len(self.names) // FORTY)
        held[user + 1] = [(Level.DOMAIN, number) for number in range(0, len(self.names), step)][:FORTY]
        held[user + 2] = [(Level.CUSTOMER, min(1, len(self.directory.customers) - 1))]
        seen, number = set[int](), next_id(Grant)
        for domain in self.directory.domains:
            first = held.setdefault(self.user + self.first_person[domain.number], [])
            if domain.customer not in seen:
                first.append((Level.CUSTOMER, domain.customer))
            if domain.number % EVERY_DOMAIN_ADMINISTRATOR == 0:
                first.append((Level.DOMAIN, domain.number))
            seen.add(domain.customer)
        with rows(
            Grant, "id", "user_id", "role_key", "level", "object_id", "object_label", "granted_by_label"
        ) as write:
            for holder, scopes in held.items():
                for level, at in scopes:
                    is_domain = level == Level.DOMAIN
                    key = (self.domain if is_domain else self.customer) + at
                    name = self.names[at] if is_domain else self.directory.customers[at]
                    write(number, holder, f"{level.value}_administrator", level.value, key, name, label)
                    number += 1
