"""Legal holds: placed by one person, at once; ended by two. While one is in force nothing that it covers is deleted.

What a hold covers is decided anew for every message that should go (`archive.ruling`), so mail that comes later is held
too. `preview` counts what one would cover now. Not for cases and their exports.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass, field

from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import audit
from accounts.actors import Actor
from accounts.permissions import Right
from archive import engines, locking
from archive.errors import BadPolicy, StoreUnavailable
from archive.models import Case, LegalHold, Store
from archive.owners import passing
from archive.query import nodes
from archive.query.distances import put_down
from archive.query.errors import QueryError
from archive.query.language import LONGEST_QUERY, parse, to_text
from archive.store.errors import StoreError
from config.kit import versions
from domains.models import Mailbox
from jobs import proofs

COMMAND = "ReleaseHold"
State = LegalHold.State


@dataclass(frozen=True, slots=True)
class HoldTerms:
    """What a hold covers: everything, or mail of these mailboxes (none: of all) that matches, of this period."""

    name: str
    reason: str
    everything: bool = False
    mailboxes: Sequence[Mailbox] = ()
    query: str = ""
    date_from: datetime.date | None = None
    date_to: datetime.date | None = None
    case: Case | None = None


@dataclass
class Covered:
    """What a hold covers now. behind: stores whose index is behind; silent: stores that don't answer."""

    messages: int = 0
    by_store: list[tuple[str, int]] = field(default_factory=list)
    behind: list[str] = field(default_factory=list)
    silent: list[str] = field(default_factory=list)


def list_holds(actor: Actor) -> QuerySet[LegalHold]:
    """Raises: Forbidden."""
    actor.require(Right.MANAGE_HOLDS)
    return LegalHold.objects.all()


def get_hold(actor: Actor, hold_id: int) -> LegalHold:
    """Raises: Forbidden, Http404."""
    actor.require(Right.MANAGE_HOLDS)
    found = LegalHold.objects.filter(pk=hold_id).first()
    if found is None:
        raise Http404("no such hold")
    return found


def place_hold(actor: Actor, terms: HoldTerms) -> LegalHold:
    """Put a hold in force. Days of its search that are counted from today ("7d") are kept as the dates they are.

    Raises: Forbidden, BadPolicy.
    """
    actor.require(Right.MANAGE_HOLDS)
    actor.require_writing()
    check_terms(terms)
    if terms.case is not None and not terms.case.is_open:
        raise BadPolicy(_("“%(case)s” is closed.") % {"case": terms.case.name}, field="case")
    with locking.placing():
        hold = LegalHold.objects.create(
            name=terms.name.strip(),
            case=terms.case,
            everything=terms.everything,
            query="" if terms.everything else _with_dates(terms.query),
            date_from=None if terms.everything else terms.date_from,
            date_to=None if terms.everything else terms.date_to,
            reason=terms.reason.strip(),
            created_by_label=actor.label[:300],
        )
        if not terms.everything:
            hold.mailboxes.set(terms.mailboxes)
        audit.record(
            actor, "hold.place", hold, reason=hold.reason, everything=hold.everything, query=hold.query,
            custodians=[mailbox.address for mailbox in terms.mailboxes], case=str(terms.case or ""),
            date_from=hold.date_from, date_to=hold.date_to,
        )  # fmt: skip
    return hold


def rename_hold(actor: Actor, hold: LegalHold, *, name: str, expected: int | None = None) -> None:
    """Another name; what it covers never changes. Raises: Forbidden, BadPolicy, ChangedMeanwhile."""
    actor.require(Right.MANAGE_HOLDS)
    actor.require_writing()
    if not name.strip():
        raise BadPolicy(_("A hold needs a name."), field="name")
    with transaction.atomic():
        changes = versions.change(hold, {"name": name.strip()[:200]}, expected=expected)
        if changes:
            audit.record(actor, "hold.rename", hold, changes=changes)


def release_hold(actor: Actor, hold: LegalHold, *, reason: str, approved: proofs.Approved | None = None) -> None:
    """End a hold: what only it kept may go from now on. Takes two people.

    Raises: Forbidden, BadPolicy, NeedsApproval.
    """
    actor.require(Right.MANAGE_HOLDS)
    actor.require_writing()
    with transaction.atomic():
        found = LegalHold.objects.select_for_update().get(pk=hold.pk)
        if not found.is_active:
            raise BadPolicy(_("“%(hold)s” has ended already.") % {"hold": found.name})
        proofs.require(actor, approved, COMMAND, subject=found.name, hold=found.pk)
        versions.change(
            found,
            {
                "state": State.RELEASED,
                "released_at": timezone.now(),
                "released_by_label": actor.label[:300],
                "release_reason": reason[:500],
            },
        )
        audit.record(actor, "hold.release", found, reason=reason)
    hold.refresh_from_db()


def check_terms(terms: HoldTerms) -> None:
    """Raises: BadPolicy."""
    if not terms.name.strip() or len(terms.name) > 200:
        raise BadPolicy(_("A hold needs a name of at most 200 characters."), field="name")
    if len(terms.reason.strip()) < 3:
        raise BadPolicy(_("Say why, in a few words."), field="reason")
    try:
        parse(terms.query)
    except QueryError as error:
        raise BadPolicy(str(error), field="query") from error
    if terms.date_from and terms.date_to and terms.date_to < terms.date_from:
        raise BadPolicy(_("The period ends before it begins."), field="date_to")
    narrow = terms.mailboxes or terms.query.strip() or terms.date_from or terms.date_to
    if not terms.everything and not narrow:
        raise BadPolicy(_("Say what it covers: mailboxes, a search or a period, or everything."), field="everything")


def _with_dates(query: str) -> str:
    """Raises: BadPolicy where that makes it too long."""
    node = parse(query)
    settled = put_down(node, timezone.now().astimezone(datetime.UTC).date())
    if settled == node:
        return query.strip()
    text = to_text(settled)
    if len(text) > LONGEST_QUERY:
        raise BadPolicy(_("The search is too long. Write days as dates."), field="query")
    return text


def terms_of(hold: LegalHold) -> HoldTerms:
    return HoldTerms(
        hold.name,
        hold.reason,
        hold.everything,
        list(hold.mailboxes.all()),
        hold.query,
        hold.date_from,
        hold.date_to,
        hold.case,
    )


def preview(actor: Actor, terms: HoldTerms) -> Covered:
    """How many messages a hold would cover now, store by store, as the indexes tell. Raises: Forbidden, BadPolicy."""
    actor.require(Right.MANAGE_HOLDS)
    check_terms(terms)
    found = Covered()
    for store in Store.objects.filter(detached_at=None).order_by("pk"):
        try:
            opened = engines.open_store(store)
            if opened.lag():
                found.behind.append(store.name)
            if terms.everything:
                count = opened.catalogue.counter("messages")
            else:
                boxes = {number for mailbox in terms.mailboxes for number in (mailbox.pk, passing(mailbox.pk))} or None
                count = opened.search(hold_node(terms), mailboxes=boxes, limit=1).total
        except (StoreUnavailable, StoreError, OSError):
            found.silent.append(store.name)
            continue
        found.messages += count
        found.by_store.append((store.name, count))
    return found


def hold_node(hold: LegalHold | HoldTerms) -> nodes.Node:
    """Words and period of a hold as a query of the index (without its custodians)."""
    words = hold.words() if isinstance(hold, LegalHold) else parse(hold.query)
    return _node(words, hold.date_from, hold.date_to)


def _node(words: nodes.Node, date_from: datetime.date | None, date_to: datetime.date | None) -> nodes.Node:
    parts = [] if isinstance(words, nodes.All) else [words]
    if date_from is not None and date_from > datetime.date.min:
        parts.append(nodes.Days("after", (date_from - datetime.timedelta(days=1)).isoformat()))
    if date_to is not None and date_to < datetime.date.max:
        parts.append(nodes.Days("before", (date_to + datetime.timedelta(days=1)).isoformat()))
    return nodes.All() if not parts else parts[0] if len(parts) == 1 else nodes.And(tuple(parts))
