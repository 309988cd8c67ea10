"""Reads of e-discovery cases: which there are, what is in them, and searching in their custodians' mail.

Cases are for who may place holds. What stands in mail (a list of messages, a search, a message) takes the right to read
the mail of every custodian too; and searching and reading take archives that are open to the person just now, so that
their owners see it (`archive.services.access`). Not for changing anything.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Count, Q, QuerySet
from django.http import Http404
from django.utils.translation import gettext as _

from accounts.actors import Actor
from accounts.errors import Forbidden
from accounts.permissions import Right
from archive import selectors
from archive import store as engine
from archive.models import Case, CaseMessage, CaseNote, CaseSearch, CaseTag, EvidencePackage, LegalHold, NoticeDelay
from archive.query import nodes
from archive.query.language import parse
from archive.selectors import Archive, Found, Scope
from domains.models import Mailbox


def list_cases(actor: Actor) -> QuerySet[Case]:
    """Raises: Forbidden."""
    actor.require(Right.MANAGE_HOLDS)
    return Case.objects.all()


def get_case(actor: Actor, case_id: int) -> Case:
    """Raises: Forbidden, Http404."""
    found = list_cases(actor).filter(pk=case_id).first()
    if found is None:
        raise Http404("no such case")
    return found


def custodians(case: Case) -> list[Mailbox]:
    return list(case.mailboxes.order_by("address"))


def may_read(actor: Actor, case: Case) -> bool:
    """Whether this person may read the mail of all its custodians, when they open it."""
    if actor.user is None or not actor.may_read_mail:
        return False
    return all(actor.has(Right.READ_OTHERS_MAIL, mailbox) for mailbox in case.mailboxes.all())


def require_reading(actor: Actor, case: Case) -> None:
    """Raises: Forbidden."""
    if not may_read(actor, case):
        raise Forbidden(f"{actor.label} may not read the mail of all custodians of this case")


def list_searches(actor: Actor, case: Case) -> QuerySet[CaseSearch]:
    """Raises: Forbidden."""
    actor.require(Right.MANAGE_HOLDS)
    return case.searches.all()


def get_search(actor: Actor, case: Case, search_id: int) -> CaseSearch:
    """Raises: Forbidden, Http404."""
    found = list_searches(actor, case).filter(pk=search_id).first()
    if found is None:
        raise Http404("no such search")
    return found


def list_tags(actor: Actor, case: Case) -> QuerySet[CaseTag]:
    """With how many messages have each (`count`). Raises: Forbidden."""
    actor.require(Right.MANAGE_HOLDS)
    return case.tags.annotate(count=Count("messages")).order_by("name", "pk")


def list_messages(actor: Actor, case: Case, *, tag: str = "") -> QuerySet[CaseMessage]:
    """Those in the case, newest first; with a tag (by its name; "-": without any). Raises: Forbidden."""
    require_reading(actor, case)
    rows = CaseMessage.objects.filter(case=case)
    if tag == "-":
        return rows.filter(tags=None)
    return rows.filter(tags__name__iexact=tag) if tag else rows


def get_message(actor: Actor, case: Case, message_id: int) -> CaseMessage:
    """Raises: Forbidden, Http404."""
    found = list_messages(actor, case).filter(pk=message_id).select_related("store").first()
    if found is None:
        raise Http404("no such message")
    return found


def list_notes(actor: Actor, case: Case, message: CaseMessage | None = None) -> QuerySet[CaseNote]:
    """All of a case, or those of one message. Raises: Forbidden."""
    require_reading(actor, case)
    return CaseNote.objects.filter(case=case) if message is None else CaseNote.objects.filter(message=message)


@dataclass(frozen=True, slots=True)
class Owned:
    """What was made for a case."""

    holds: list[LegalHold]
    packages: list[EvidencePackage]
    delays: list[NoticeDelay]


def owned(actor: Actor, case: Case) -> Owned:
    """Raises: Forbidden."""
    actor.require(Right.MANAGE_HOLDS)
    return Owned(
        list(case.holds.all()),
        list(case.packages.select_related("task")[:50]),
        list(case.delays.select_related("mailbox", "user")),
    )


# --- searching ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CaseScope(Scope):
    """Several archives at once; of one whose folders may be read in part only, just those."""

    archives: tuple[Archive, ...] = ()

    def folders_in(self, opened: engine.Store) -> set[int] | None:
        if all(archive.is_whole for archive in self.archives):
            return None
        return {number for archive in self.archives for number in archive.allowed(opened)}


def open_archives(actor: Actor, case: Case) -> tuple[list[Archive], list[Mailbox]]:
    """(archives of custodians that are open to this person just now, custodians whose aren't). Raises: Forbidden."""
    require_reading(actor, case)
    readable = {archive.mailbox.pk: archive for archive in selectors.readable_archives(actor) if not archive.is_shared}
    wanted = custodians(case)
    return (
        [readable[mailbox.pk] for mailbox in wanted if mailbox.pk in readable],
        [mailbox for mailbox in wanted if mailbox.pk not in readable],
    )


def scope_of(archives: Sequence[Archive]) -> CaseScope:
    return CaseScope(frozenset(archive.mailbox.pk for archive in archives), archives=tuple(archives))


def search(
    case: Case, archives: Sequence[Archive], query: str, *, limit: int = 50, before: str = "", after: str = "",
    zone: datetime.tzinfo = datetime.UTC,
) -> Found:  # fmt: skip
    """What matches in these archives (of `open_archives`) and the period. Raises: QueryError, StoreUnavailable."""
    return selectors.search(
        scope_of(archives), node_of(case, query), limit=limit, before=before, after=after, zone=zone
    )


def node_of(case: Case, query: str) -> nodes.Node:
    """Words and the case's period. Raises: QueryError."""
    words = parse(query)
    parts = [*([] if isinstance(words, nodes.All) else [words]), *_period(case)]
    return nodes.All() if not parts else parts[0] if len(parts) == 1 else nodes.And(tuple(parts))


def text_of(case: Case, query: str) -> str:
    """The same as a text in the search language, for who searches by text. Raises: QueryError."""
    parse(query)
    words = [f"({query.strip()})"] if query.strip() else []
    if case.date_from is not None and case.date_from > datetime.date.min:
        words.append(f"after:{case.date_from - datetime.timedelta(days=1)}")
    if case.date_to is not None and case.date_to < datetime.date.max:
        words.append(f"before:{case.date_to + datetime.timedelta(days=1)}")
    return " ".join(words)


def _period(case: Case) -> list[nodes.Node]:
    found: list[nodes.Node] = []
    if case.date_from is not None and case.date_from > datetime.date.min:
        found.append(nodes.Days("after", (case.date_from - datetime.timedelta(days=1)).isoformat()))
    if case.date_to is not None and case.date_to < datetime.date.max:
        found.append(nodes.Days("before", (case.date_to + datetime.timedelta(days=1)).isoformat()))
    return found


def known_numbers(case: Case, found: Found) -> set[str]:
    """Which of the lines of a search are in the case already, by their public ids."""
    wanted = Q(pk__in=[])
    for hit in found.hits:
        wanted |= Q(store=hit.store, number=hit.row.number)
    return {each.public_id for each in CaseMessage.objects.filter(wanted, case=case)}


def tag_of(actor: Actor, case: Case, name: str) -> CaseTag:
    """Raises: Forbidden, Http404."""
    found = list_tags(actor, case).filter(name__iexact=name.strip()).first()
    if found is None:
        raise Http404(_("There is no such tag."))
    return found
