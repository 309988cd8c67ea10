"""What each kind of person may do to many rows at once: every registered bulk action × role × own and foreign rows.

An action without a row here fails tests/test_bulk_access.py, which tries each line; docs/access-matrix.md shows them.
`see` is the right with which the list shows a row, `need` the one that the action takes on it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any

from django.utils import timezone

from accounts.actors import Actor
from accounts.lists_sessions import SESSIONS
from accounts.models import AuditEvent, OneTimeLink, Session, User
from accounts.permissions import Right
from config.kit import bulk
from config.kit.bulk import BulkOrder
from config.shell.styleguide_pages import GUIDE_LIST
from domains.models import Address, Customer, Domain, Mailbox
from domains.policy.rules import RuleKind
from domains.services import groups
from domains.services.policies import create_policy
from domains.services.rule_values import KINDS
from domains.tables.addresses import GROUPS
from domains.tables.mailboxes import USERS
from domains.tables.rules import OF_ALL, OF_DOMAIN, OF_MAILBOX
from domains.tables.tenants import CUSTOMERS, DOMAINS
from domains.views.mailbox_links import allowed, links_file
from gateway.models import QueueItem, RepositoryItem
from gateway.models import Recipient as Held
from gateway.queue.storing import ADDRESS_ERROR, ERROR, store
from gateway.tables.quarantine import MANAGED, OWN
from gateway.tables.queues import QUEUED
from gateway.tables.repositories import STORED
from jobs.models import Alert, Task
from jobs.tables import ALERTS, TASKS
from tests.access import DELEGATES, Place, role_holds
from tests.domains.factories import make_customer, make_domain, make_mailbox_in
from tests.domains.filters.builders import make_rule
from tests.factories import PASSWORD, make_alert, make_mailbox, make_session, make_task
from tests.gateway.factories import held_for
from tests.gateway.making import make_queued
from tests.stage import Cast, Role

SYSTEM = Actor.system()
TENANT = (Place.DOMAIN, Place.SIBLING, Place.ELSEWHERE)


class Told(StrEnum):
    """What somebody gets."""

    DONE = "✓"
    REFUSED = "refused"  # seen, counted as refused, and left as it is
    UNSEEN = "404"  # no such row for them: nothing to do
    FORBIDDEN = "403"  # the action isn't theirs anywhere


@dataclass(frozen=True)
class BulkRow:
    """One action of one list. make: a row of it at a place; done: whether it was done to the row with this key."""

    list_name: str
    action: str
    make: Callable[[Cast, Place, User], Any]
    done: Callable[[Any], bool]
    see: Right | None = None
    need: Right | None = None
    places: Sequence[Place] = TENANT
    values: Callable[[Cast, Any], Mapping[str, Any]] = lambda cast, row: {}
    scope: Callable[[Any], Mapping[str, Any]] = lambda row: {}
    is_open: bool = False  # everybody has the list, and sees nothing in it of what isn't theirs
    wide: bool = False  # only for who holds the right beyond the one domain
    only: frozenset[Role] | None = None  # only for these, of those who hold the right

    @property
    def name(self) -> str:
        return f"{self.list_name} {self.action}"

    def expected(self, role: Role, place: Place) -> Told:
        if self.see is None or self.need is None:  # one's own things
            if role == Role.ANONYMOUS:
                return Told.UNSEEN
            return Told.DONE if place == Place.OWN or role == Role.ADMINISTRATOR else Told.UNSEEN
        action = next(each for name, each in bulk.registered() if (name, each.name) == (self.list_name, self.action))
        needs = Right(action.needs) if action.needs is not None else self.see
        if not role_holds(role, needs) or not role_holds(role, self.see):
            return Told.UNSEEN if self.is_open else Told.FORBIDDEN
        if not role_holds(role, self.see, place):
            return Told.UNSEEN
        return Told.DONE if role_holds(role, self.need, place) and self._reaches(role) else Told.REFUSED

    def holds(self, role: Role, place: Place) -> bool:
        return self.need is None or role_holds(role, self.need, place)

    def _reaches(self, role: Role) -> bool:
        if self.only is not None:
            return role in self.only
        return not self.wide or role == Role.ADMINISTRATOR or DELEGATES[role][1] == "customer"

    def order(self, cast: Cast, row: Any) -> BulkOrder:
        return BulkOrder(
            self.list_name, self.action, (str(row.pk),), scope=self.scope(row), values=self.values(cast, row)
        )

    def run(self, actor: Actor, order: BulkOrder) -> tuple[int, bool]:
        """(how many it was done to, whether somebody was told why not)."""
        if (self.list_name, self.action) == (USERS.name, "links"):
            return _links(actor, order)
        outcome = bulk.run_order(actor, order)
        return outcome.done, bool(outcome.refused)


def _links(actor: Actor, order: BulkOrder) -> tuple[int, bool]:
    """The links are a download: who may not have one isn't in it, and the preview says so."""
    action = bulk.get_action(order.list_name, order.action, actor)
    rows = bulk.rows_of(actor, order)
    told = bool(action.preview(actor, rows, {}).refused)
    sent: Any = links_file(actor, allowed(actor, rows))
    lines = b"".join(sent.streaming_content).splitlines()
    return len(lines) - 1, told


def _domain(cast: Cast, place: Place) -> Domain:
    chosen = {Place.DOMAIN: cast.domain, Place.SIBLING: cast.sibling, Place.ELSEWHERE: cast.elsewhere}[place]
    return Domain.objects.get(pk=chosen.pk)


# --- users ----------------------------------------------------------------------------------------------------------


def _user(**fields: Any) -> Callable[[Cast, Place, User], Mailbox]:
    def make(cast: Cast, place: Place, person: User) -> Mailbox:
        mailbox = make_mailbox_in(_domain(cast, place))
        Mailbox.objects.filter(pk=mailbox.pk).update(**fields) if fields else None
        return mailbox

    return make


def _users(action: str, need: Right, done: Callable[[Mailbox], bool], **more: Any) -> BulkRow:
    make = more.pop("make", _user())
    return BulkRow(
        USERS.name, action, make, lambda row: done(Mailbox.objects.select_related("user", "domain").get(pk=row.pk)),
        see=Right.VIEW_USERS, need=need, **more,
    )  # fmt: skip


def _with_password(cast: Cast, place: Place, person: User) -> Mailbox:
    row: Mailbox = _user()(cast, place, person)
    _person(row).set_password(PASSWORD)
    _person(row).save()
    return row


def _person(row: Mailbox) -> User:
    assert row.user is not None
    return row.user


def _other_domain(cast: Cast, row: Mailbox) -> Mapping[str, Any]:
    """Another domain of the same customer."""
    if row.domain_id == cast.domain.pk:
        return {"domain": cast.sibling.pk}
    if row.domain_id == cast.sibling.pk:
        return {"domain": cast.domain.pk}
    return {"domain": make_domain(None, cast.elsewhere_customer).pk}


def _one_password(cast: Cast, row: Mailbox) -> Mapping[str, Any]:
    action = next(each for name, each in bulk.registered() if (name, each.name) == (USERS.name, "password"))
    return action.stored({"password": PASSWORD, "sure": True})


def _a_policy(cast: Cast, row: Mailbox) -> Mapping[str, Any]:
    create_policy(SYSTEM, row.domain, {"name": "Strict"})
    return {"policy": "Strict"}


_DELETED = {"status": "deleted", "status_before": "enabled", "deleted_at": timezone.now()}
_DELETED["purge_at"] = timezone.now() + timedelta(days=30)
_OF_USERS = (
    _users("enable", Right.MANAGE_USERS, lambda row: row.status == "enabled", make=_user(status="disabled")),
    _users("disable", Right.MANAGE_USERS, lambda row: row.status == "disabled"),
    _users("delete", Right.MANAGE_USERS, lambda row: row.status == "deleted"),
    _users("restore", Right.MANAGE_USERS, lambda row: row.status == "enabled", make=_user(**_DELETED)),
    _users(
        "move", Right.MANAGE_USERS, lambda row: not row.address.endswith(f"@{_made_in(row)}"), values=_other_domain,
        wide=True,
    ),
    _users(
        "quota", Right.MANAGE_QUOTAS, lambda row: row.quota_bytes == 7_000_000,
        values=lambda c, r: {"quota_bytes": 7_000_000},
    ),
    _users(
        "language", Right.MANAGE_USERS, lambda row: _person(row).language == "nb",
        values=lambda c, r: {"language": "nb"},
    ),
    _users(
        "transport", Right.MANAGE_USERS, lambda row: row.transport == "dovecot",
        values=lambda c, r: {"transport": "dovecot"},
    ),
    _users(
        "policy", Right.MANAGE_POLICIES, lambda row: str(row.policy) == "Strict", values=_a_policy,
    ),
    _users("links", Right.SET_PASSWORDS, lambda row: OneTimeLink.objects.filter(user=row.user).exists()),
    _users(
        "want-password", Right.SET_PASSWORDS, lambda row: _person(row).password_wanted,
        make=_with_password,
    ),
    _users("password", Right.SET_PASSWORDS, lambda row: _person(row).has_usable_password(), values=_one_password),
)  # fmt: skip


def _made_in(row: Mailbox) -> str:
    """The domain it was made in: its first event says so."""
    made = AuditEvent.objects.filter(action="mailbox.create", object_id=str(row.pk)).order_by("pk").first()
    assert made is not None
    return made.object_label.rpartition("@")[2]


# --- groups, domains, customers -------------------------------------------------------------------------------------


def _group(**fields: Any) -> Callable[[Cast, Place, User], Address]:
    def make(cast: Cast, place: Place, person: User) -> Address:
        group = groups.create_group(SYSTEM, _domain(cast, place), email="many")
        Address.objects.filter(pk=group.pk).update(**fields) if fields else None
        return group

    return make


def _groups(action: str, done: Callable[[Address | None], bool], **fields: Any) -> BulkRow:
    return BulkRow(
        GROUPS.name, action, _group(**fields), lambda row: done(Address.objects.filter(pk=row.pk).first()),
        see=Right.VIEW_USERS, need=Right.MANAGE_ADDRESSES,
    )  # fmt: skip


def _domains(action: str, need: Right, done: Callable[[Domain], bool], **more: Any) -> BulkRow:
    fields = more.pop("fields", {})

    def make(cast: Cast, place: Place, person: User) -> Domain:
        domain = _domain(cast, place)
        Domain.objects.filter(pk=domain.pk).update(**fields) if fields else None
        return domain

    return BulkRow(
        DOMAINS.name, action, make, lambda row: done(Domain.objects.get(pk=row.pk)), see=Right.VIEW_DOMAINS, need=need,
        **more,
    )  # fmt: skip


def _customers(action: str, wanted: bool) -> BulkRow:
    def make(cast: Cast, place: Place, person: User) -> Customer:
        customer = cast.customer if place == Place.CUSTOMER else cast.elsewhere_customer
        Customer.objects.filter(pk=customer.pk).update(is_enabled=not wanted)
        return customer

    return BulkRow(
        CUSTOMERS.name, action, make, lambda row: Customer.objects.get(pk=row.pk).is_enabled == wanted,
        see=Right.VIEW_CUSTOMERS, need=Right.MANAGE_CUSTOMERS, places=(Place.CUSTOMER, Place.ELSEWHERE),
    )  # fmt: skip


_OF_TENANTS = (
    _groups("enable", lambda row: row is not None and row.is_enabled, is_enabled=False),
    _groups("disable", lambda row: row is not None and not row.is_enabled),
    _groups("delete", lambda row: row is None),
    _domains("enable", Right.EDIT_DOMAINS, lambda row: row.status == "enabled", fields={"status": "disabled"}),
    _domains("disable", Right.EDIT_DOMAINS, lambda row: row.status == "disabled"),
    _domains("delete", Right.DELETE_DOMAINS, lambda row: row.status == "deleted"),
    _domains("restore", Right.DELETE_DOMAINS, lambda row: row.status == "enabled", fields=_DELETED),
    _domains(  # to a customer in whose name one makes no domains, nobody moves one
        "move", Right.DELETE_DOMAINS, lambda row: str(row.customer).startswith("Third"),
        values=lambda cast, row: {"customer": make_customer("Third").pk}, only=frozenset({Role.ADMINISTRATOR}),
    ),
    _customers("enable", wanted=True),
    _customers("disable", wanted=False),
)  # fmt: skip


# --- filters --------------------------------------------------------------------------------------------------------


def _rules(list_name: str, kind: RuleKind, *, of_mailbox: bool = False, **more: Any) -> list[BulkRow]:
    model = KINDS[kind].model

    def make(enabled: bool) -> Callable[[Cast, Place, User], Any]:
        def made(cast: Cast, place: Place, person: User) -> Any:
            domain = _domain(cast, place)
            rule = make_rule(kind, make_mailbox_in(domain) if of_mailbox else domain)
            model.objects.filter(pk=rule.pk).update(is_enabled=enabled)
            return rule

        return made

    def row(action: str, enabled: bool, done: Callable[[Any], bool]) -> BulkRow:
        return BulkRow(
            list_name, action, make(enabled), lambda rule: done(model.objects.filter(pk=rule.pk).first()),
            see=Right.VIEW_POLICIES, need=KINDS[kind].right, **more,
        )  # fmt: skip

    return [
        row("enable", False, lambda rule: rule is not None and rule.is_enabled),
        row("disable", True, lambda rule: rule is not None and not rule.is_enabled),
        row("delete", True, lambda rule: rule is None),
    ]


_OF_RULES = [
    *(
        row
        for kind in RuleKind
        for row in (
            *_rules(OF_DOMAIN[kind].name, kind, scope=lambda rule: {"domain": rule.domain_id}),
            *_rules(OF_ALL[kind].name, kind),
        )
    ),
    *_rules(OF_MAILBOX.name, RuleKind.SENDER, of_mailbox=True, scope=lambda rule: {"mailbox": rule.mailbox_id}),
]


# --- tasks ----------------------------------------------------------------------------------------------------------


def _sessions() -> BulkRow:
    def make(cast: Cast, place: Place, person: User) -> Session:
        return make_session(_person(_user()(cast, place, person)))

    return BulkRow(
        SESSIONS.name, "end", make, lambda row: not Session.objects.filter(pk=row.pk).exists(),
        see=Right.MANAGE_USERS, need=Right.MANAGE_USERS,
    )  # fmt: skip


def _tasks(list_name: str) -> BulkRow:
    def make(cast: Cast, place: Place, person: User) -> Task:
        other = cast.administrator if person != cast.administrator else cast.user
        return make_task(person if place == Place.OWN else other, state="waiting")

    return BulkRow(
        list_name, "cancel", make, lambda row: Task.objects.get(pk=row.pk).state == "cancelled",
        places=(Place.OWN, Place.OTHERS),
    )  # fmt: skip


def _alerts() -> BulkRow:
    def make(cast: Cast, place: Place, person: User) -> Alert:
        return make_alert(_domain(cast, place))

    return BulkRow(
        ALERTS.name, "acknowledge", make, lambda row: not Alert.objects.get(pk=row.pk).is_open,
        see=Right.MANAGE_ALERTS, need=Right.MANAGE_ALERTS, places=TENANT, is_open=True,
    )  # fmt: skip


# --- queues and repositories ------------------------------------------------------------------------------------------


def _queued(action: str, done: Callable[[QueueItem | None], bool], *, state: str = "waiting") -> BulkRow:
    def make(cast: Cast, place: Place, person: User) -> QueueItem:
        [item] = make_queued(age=timedelta(hours=1))
        QueueItem.objects.filter(pk=item.pk).update(state=state, next_at=timezone.now() + timedelta(hours=1))
        return item

    return BulkRow(
        QUEUED.name, action, make, lambda row: done(QueueItem.objects.filter(pk=row.pk).first()),
        see=Right.MANAGE_QUEUES, need=Right.MANAGE_QUEUES, places=(Place.DOMAIN,),
    )  # fmt: skip


def _stored(action: str, **values: Any) -> BulkRow:
    def make(cast: Cast, place: Place, person: User) -> RepositoryItem:
        [item] = make_queued()
        [stored] = store([(item, ERROR, "550 no")], item.created_at)
        item.delete()
        return stored

    return BulkRow(
        STORED.name, action, make,
        lambda row: not RepositoryItem.objects.filter(pk=row.pk, repository__name=ERROR).exists(),
        see=Right.MANAGE_QUEUES, need=Right.MANAGE_QUEUES, places=(Place.DOMAIN,), values=lambda cast, row: values,
        scope=lambda row: {"repository": row.repository_id},
    )  # fmt: skip


_OF_QUEUES = [
    _queued("flush", lambda item: item is not None and item.next_at <= timezone.now()),
    _queued("hold", lambda item: item is not None and item.state == "held"),
    _queued("free", lambda item: item is not None and item.state == "waiting", state="held"),
    _queued("reject", lambda item: item is None),
    _queued("delete", lambda item: item is None),
    _stored("reprocess", way="outgoing"),
    _stored("move", to=ADDRESS_ERROR),
    _stored("remove"),
]

# --- quarantine ----------------------------------------------------------------------------------------------------


def _kept(action: str, need: Right, done: Callable[[Held], bool]) -> Iterator[BulkRow]:
    """Of those looked after, and of one's own."""

    def make(cast: Cast, place: Place, person: User) -> Held:
        return held_for(make_mailbox_in(_domain(cast, place)))

    def make_own(cast: Cast, place: Place, person: User) -> Held:
        return held_for(Mailbox.objects.filter(user=person).first() or make_mailbox(person))

    def is_done(row: Held) -> bool:
        return done(Held.objects.get(pk=row.pk))

    yield BulkRow(MANAGED.name, action, make, is_done, see=Right.MANAGE_QUARANTINE, need=need, places=TENANT)
    yield BulkRow(OWN.name, action, make_own, is_done, places=(Place.OWN,))


_OF_QUARANTINE = [
    *_kept("release", Right.MANAGE_QUARANTINE, lambda row: row.state == "released"),
    *_kept("delete", Right.MANAGE_QUARANTINE, lambda row: row.state == "deleted"),
    *_kept("report-clean", Right.MANAGE_QUARANTINE, lambda row: row.steps.filter(kind="reported").exists()),
    *_kept("block", Right.MANAGE_FILTERS, lambda row: row.state == "deleted"),
]


ROWS: list[BulkRow] = [
    _alerts(), _sessions(), *_OF_QUARANTINE, *_OF_USERS, *_OF_TENANTS, *_OF_RULES, *_OF_QUEUES, _tasks(TASKS.name),
    _tasks(GUIDE_LIST.name),
]  # fmt: skip
