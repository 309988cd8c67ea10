"""Files as an import reads them, of what is there: constant memory, a few queries for each thousand rows.

For whoever may see the rows; never passwords. What doesn't fit one cell (members of a large group) goes on in further
rows of the same address.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, groupby
from typing import TypeVar

from django.db import transaction
from django.db.models import Model, QuerySet

from accounts import audit
from accounts.actors import Actor
from accounts.permissions import Right
from domains import selectors
from domains.models import Address, AllowedSender, Domain, Mailbox, MailingList, Recipient, Status, Subscriber
from domains.selectors import lists
from domains.services.importing.kinds import KINDS
from domains.services.importing.user_rows import MIB

BATCH = 1_000
CELL = 30_000  # characters; a spreadsheet takes 32,767
M = TypeVar("M", bound=Model)
Row = Sequence[object]


@dataclass(frozen=True)
class Scope:
    """Of what: everything that the actor sees, or what lies in one domain, or on one list (the caller asked)."""

    domain: Domain | None = None
    mailing_list: MailingList | None = None


def sees(kind: str) -> Right:
    """The right to see what files of this kind are about."""
    return Right.VIEW_DOMAINS if kind == "catch-alls" else Right.VIEW_USERS


def require(actor: Actor, kind: str) -> None:
    """That the actor may take out such files at all; owners of lists their lists' subscribers. Raises: Forbidden."""
    if kind != "subscribers" or not lists.list_own_lists(actor).exists():
        actor.require_somewhere(sees(kind))


def scope_of(actor: Actor, kind: str, *, domain_id: int | None = None, list_id: int | None = None) -> Scope:
    """What somebody asks for, which must be theirs to see. Raises: Http404, Forbidden."""
    domain = None if domain_id is None else selectors.get_domain(actor, domain_id, need=sees(kind))
    mailing_list = None if list_id is None or kind != "subscribers" else lists.get_list(actor, list_id)
    return Scope(domain, mailing_list)


def export(actor: Actor, kind: str, scope: Scope) -> tuple[list[str], Iterator[Row]]:
    """(columns, rows). Notes in the trail that it was asked for. Raises: Forbidden."""
    columns, rows = _SOURCES[kind]
    found = rows(actor, scope)
    with transaction.atomic():
        about = scope.mailing_list.address if scope.mailing_list is not None else scope.domain
        audit.record(actor, f"{_OBJECTS[kind]}.export", about, kind=kind)
    return columns, found


def _batches(rows: QuerySet[M]) -> Iterator[list[M]]:
    last = 0
    while batch := list(rows.filter(pk__gt=last).order_by("pk")[:BATCH]):
        yield batch
        last = batch[-1].pk


def _seen(actor: Actor, scope: Scope, kind: str) -> QuerySet[Address]:
    actor.require_somewhere(Right.VIEW_USERS)
    rows = Address.objects.visible_to(actor, Right.VIEW_USERS).filter(kind=kind)
    rows = rows.exclude(domain__status__in=(Status.DELETED, Status.PURGED))
    return rows.filter(domain=scope.domain) if scope.domain is not None else rows


def _status(address: Address) -> str:
    return str(Status.ENABLED if address.is_enabled else Status.DISABLED)


def _users(actor: Actor, scope: Scope) -> Iterator[Row]:
    actor.require_somewhere(Right.VIEW_USERS)
    rows = Mailbox.objects.visible_to(actor, Right.VIEW_USERS).exclude(status=Status.DELETED)
    rows = rows.exclude(domain__status=Status.DELETED).select_related("user", "policy")
    rows = rows.filter(domain=scope.domain) if scope.domain is not None else rows
    return chain.from_iterable(map(_user_rows, _batches(rows)))


def _user_rows(batch: list[Mailbox]) -> Iterator[Row]:
    """Aliases and groups of other domains stand in the files of aliases and groups."""
    domains = {mailbox.claim_id: mailbox.domain_id for mailbox in batch}
    leading: dict[tuple[int | None, str], list[str]] = {}
    found = Recipient.objects.filter(target__in=[each.claim_id for each in batch])
    found = found.filter(address__kind__in=(Address.Kind.ALIAS, Address.Kind.GROUP)).order_by("address__text")
    for target, domain, kind, text in found.values_list(
        "target_id", "address__domain_id", "address__kind", "address__text"
    ):
        if domain == domains[target]:
            leading.setdefault((target, kind), []).append(text)
    for mailbox in batch:
        person = mailbox.user
        quota = mailbox.quota_bytes
        yield (
            mailbox.address,
            mailbox.name if person is None else person.name,
            "" if person is None else person.first_name,
            "" if person is None else person.last_name,
            "" if person is None else person.language,
            mailbox.status,
            "" if quota is None else "unlimited" if quota < 0 else f"{quota / MIB:.20f}".rstrip("0").rstrip("."),
            "" if mailbox.policy is None else mailbox.policy.name,
            " ".join(leading.get((mailbox.claim_id, Address.Kind.ALIAS), ())),
            " ".join(leading.get((mailbox.claim_id, Address.Kind.GROUP), ())),
        )


def _aliases(actor: Actor, scope: Scope) -> Iterator[Row]:
    rows = _seen(actor, scope, Address.Kind.ALIAS).prefetch_related("recipients")
    return (
        (alias.text, recipient.email, _status(alias))
        for batch in _batches(rows)
        for alias in batch
        for recipient in alias.recipients.all()
    )


def _groups(actor: Actor, scope: Scope) -> Iterator[Row]:
    return chain.from_iterable(map(_group_rows, _batches(_seen(actor, scope, Address.Kind.GROUP))))


def _group_rows(batch: list[Address]) -> Iterator[Row]:
    allowed = AllowedSender.objects.filter(address__in=batch).order_by("address_id", "value")
    senders = dict(_gathered(allowed.values_list("address_id", "value").iterator()))
    for group, cells in _beside(batch, _gathered(_recipients(batch))):
        listed = senders.get(group.pk, [""])
        yield group.text, group.name, group.description, _status(group), group.senders, listed[0], cells[0]
        for more in listed[1:]:
            yield group.text, "", "", "", "", more, ""
        for more in cells[1:]:
            yield group.text, "", "", "", "", "", more


def _forwards(actor: Actor, scope: Scope) -> Iterator[Row]:
    return chain.from_iterable(map(_forward_rows, _batches(_seen(actor, scope, Address.Kind.FORWARD))))


def _forward_rows(batch: list[Address]) -> Iterator[Row]:
    for forward, cells in _beside(batch, _gathered(_recipients(batch))):
        yield forward.text, forward.name, forward.description, _status(forward), cells[0]
        for more in cells[1:]:
            yield forward.text, "", "", "", more


def _forwarding(actor: Actor, scope: Scope) -> Iterator[Row]:
    rows = _seen(actor, scope, Address.Kind.MAILBOX).filter(recipient_count__gt=0)
    rows = rows.exclude(mailbox__status=Status.DELETED)
    return chain.from_iterable(map(_forwarding_rows, _batches(rows)))


def _forwarding_rows(batch: list[Address]) -> Iterator[Row]:
    for claim, cells in _beside(batch, _gathered(_recipients(batch))):
        yield claim.text, cells[0], claim.keep_copy
        for more in cells[1:]:
            yield claim.text, more, ""


def _recipients(batch: list[Address]) -> Iterator[tuple[int, str]]:
    rows = Recipient.objects.filter(address__in=batch).order_by("address_id", "email")
    return rows.values_list("address_id", "email").iterator()


def _gathered(pairs: Iterable[tuple[int, str]]) -> Iterator[tuple[int, list[str]]]:
    """(id, cells) of sorted (id, text): texts set apart by spaces, in as many cells as they need."""
    for key, found in groupby(pairs, key=lambda pair: pair[0]):
        cells: list[list[str]] = [[]]
        size = 0
        for _key, text in found:
            if size + len(text) > CELL:
                cells.append([])
                size = 0
            cells[-1].append(text)
            size += len(text) + 1
        yield key, [" ".join(cell) for cell in cells]


def _beside(batch: list[Address], gathered: Iterator[tuple[int, list[str]]]) -> Iterator[tuple[Address, list[str]]]:
    """Each address with the cells of what it delivers to; both are in the order of the keys."""
    waiting = next(gathered, None)
    for address in batch:
        if waiting is not None and waiting[0] == address.pk:
            yield address, waiting[1]
            waiting = next(gathered, None)
        else:
            yield address, [""]


def _catch_alls(actor: Actor, scope: Scope) -> Iterator[Row]:
    actor.require_somewhere(Right.VIEW_DOMAINS)
    rows = Domain.objects.visible_to(actor, Right.VIEW_DOMAINS).exclude(status=Status.DELETED)
    rows = rows.filter(pk=scope.domain.pk) if scope.domain is not None else rows
    return ((domain.name, domain.catch_all) for batch in _batches(rows) for domain in batch)


def _subscribers(actor: Actor, scope: Scope) -> Iterator[Row]:
    rows = Subscriber.objects.exclude(state=Subscriber.State.UNCONFIRMED).select_related("list__address")
    if scope.mailing_list is not None:
        rows = rows.filter(list=scope.mailing_list)
    else:
        actor.require_somewhere(Right.VIEW_USERS)
        seen = Address.objects.visible_to(actor, Right.VIEW_USERS).filter(kind=Address.Kind.LIST)
        rows = rows.filter(list__address__in=seen if scope.domain is None else seen.filter(domain=scope.domain))
    return (
        (row.list.address.text, row.email, row.name, row.mode, row.state, row.posting, row.moderate_next)
        for batch in _batches(rows)
        for row in batch
    )


_Source = Callable[[Actor, Scope], Iterator[Row]]
_SOURCES: dict[str, tuple[list[str], _Source]] = {
    "users": ([name for name in KINDS["users"].columns if name != "password"], _users),
    "aliases": (list(KINDS["aliases"].columns), _aliases),
    "groups": (list(KINDS["groups"].columns), _groups),
    "forwards": (list(KINDS["forwards"].columns), _forwards),
    "forwarding": (list(KINDS["forwarding"].columns), _forwarding),
    "catch-alls": (list(KINDS["catch-alls"].columns), _catch_alls),
    "subscribers": (list(KINDS["subscribers"].columns), _subscribers),
}
_OBJECTS = {
    "users": "user",
    "aliases": "alias",
    "groups": "group",
    "forwards": "forward",
    "forwarding": "forwarding",
    "catch-alls": "catch_all",
    "subscribers": "subscriber",
}
