"""E-discovery cases: making, changing and closing one, the searches that are kept with it, and packages out of it.

Making a case opens nobody's mail: that is `open_case`, which every custodian sees like any other opening, and holds and
delayed notices keep their own rules (two people). Not for the messages in a case (`case_messages`).
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import audit
from accounts.actors import Actor
from accounts.permissions import Right
from archive import case_selectors as selectors
from archive.errors import BadCase
from archive.models import Case, CaseMessage, CaseSearch, PackageFormat
from archive.query.errors import MESSAGES, QueryError
from archive.query.language import parse
from archive.services import access, packages
from archive.services.packages import PackageArguments
from config.kit import versions
from domains.models import Mailbox
from jobs.models import Task
from jobs.services import submit

MOST_CUSTODIANS = 500


@dataclass(frozen=True, slots=True)
class CaseTerms:
    """What a case is about: whose mail, of which period (None: any), and why."""

    name: str
    reason: str
    mailboxes: Sequence[Mailbox] = ()
    date_from: datetime.date | None = None
    date_to: datetime.date | None = None


def create_case(actor: Actor, terms: CaseTerms) -> Case:
    """Raises: Forbidden, BadCase."""
    actor.require(Right.MANAGE_HOLDS)
    actor.require_writing()
    values = _checked(terms)
    try:
        with transaction.atomic():
            case = Case.objects.create(**values, created_by_label=actor.label[:300])
            case.mailboxes.set(terms.mailboxes)
            audit.record(
                actor, "case.create", case, reason=case.reason, date_from=terms.date_from, date_to=terms.date_to,
                custodians=[mailbox.address for mailbox in terms.mailboxes],
            )  # fmt: skip
    except IntegrityError as error:
        raise BadCase(_("There is a case of this name already."), field="name") from error
    return case


def change_case(actor: Actor, case: Case, terms: CaseTerms, *, expected: int | None = None) -> versions.Changes:
    """Raises: Forbidden, BadCase (also for a closed one), ChangedMeanwhile."""
    actor.require(Right.MANAGE_HOLDS)
    actor.require_writing()
    _require_open(case)
    values = _checked(terms)
    before = sorted(mailbox.address for mailbox in case.mailboxes.all())
    after = sorted(mailbox.address for mailbox in terms.mailboxes)
    try:
        with transaction.atomic():
            changes = dict(versions.change(case, values, expected=expected))
            if before != after:
                case.mailboxes.set(terms.mailboxes)
                changes["mailboxes"] = (before, after)
            if changes:
                audit.record(actor, "case.change", case, changes=changes)
    except IntegrityError as error:
        raise BadCase(_("There is a case of this name already."), field="name") from error
    return changes


def close_case(actor: Actor, case: Case, *, reason: str) -> None:
    """Nothing more is searched, added or exported. Its holds must have ended before. Raises: Forbidden, BadCase."""
    actor.require(Right.MANAGE_HOLDS)
    actor.require_writing()
    with transaction.atomic():
        found = Case.objects.select_for_update().get(pk=case.pk)
        _require_open(found)
        held = found.holds.filter(state="active").first()
        if held is not None:
            text = _("The hold “%(hold)s” of this case is in force still; end it first.")
            raise BadCase(text % {"hold": held.name})
        versions.change(
            found, {"state": Case.State.CLOSED, "closed_at": timezone.now(), "closed_by_label": actor.label[:300]}
        )
        audit.record(actor, "case.close", found, reason=reason)
    case.refresh_from_db()


def reopen_case(actor: Actor, case: Case) -> None:
    """Raises: Forbidden, BadCase."""
    actor.require(Right.MANAGE_HOLDS)
    actor.require_writing()
    with transaction.atomic():
        found = Case.objects.select_for_update().get(pk=case.pk)
        if found.is_open:
            raise BadCase(_("It is open already."))
        versions.change(found, {"state": Case.State.OPEN, "closed_at": None, "closed_by_label": ""})
        audit.record(actor, "case.reopen", found)
    case.refresh_from_db()


def open_case(actor: Actor, case: Case, *, minutes: int) -> int:
    """Open the archives of its custodians that aren't open to the actor; each owner sees it, with the case's reason.

    How many were opened. Raises: Forbidden, BadCase, BadArguments (for too long).
    """
    _require_open(case)
    _open, closed = selectors.open_archives(actor, case)
    why = f"{case.name}: {case.reason}"[:500]
    for mailbox in closed:
        if actor.user is not None and mailbox.user_id == actor.user.pk:
            raise BadCase(_("You are a custodian of this case yourself; somebody else must look through it."))
        access.open_archive(actor, address=mailbox.address, reason=why, minutes=minutes)
    return len(closed)


def note_search(actor: Actor, case: Case, archives: Sequence[Any], query: str) -> None:
    """Keep what was searched for, at the case and before every owner."""
    audit.record(actor, "case.search", case, query=query[:500].replace("\0", ""))
    for archive in archives:
        if archive.access is not None:
            access.note_search(actor, archive.access, query)


def save_search(actor: Actor, case: Case, *, name: str, query: str) -> CaseSearch:
    """Keep a search with a case, or another query under a name it has. Raises: Forbidden, BadCase."""
    actor.require(Right.MANAGE_HOLDS)
    actor.require_writing()
    _require_open(case)
    name, query = " ".join(name.split()), query.strip()
    if not 0 < len(name) <= 200 or not name.isprintable():
        raise BadCase(_("A search needs a name of at most 200 characters."), field="name")
    check_query(query)
    if not query:
        raise BadCase(_("Say what to search for."), field="query")
    with transaction.atomic():
        search = CaseSearch.objects.filter(case=case, name__iexact=name).first() or CaseSearch(case=case, name=name)
        search.query, search.created_by_label = query, actor.label[:300]
        search.found, search.found_at = None, None
        search.save()
        audit.record(actor, "case.save_search", case, search=name, query=query[:500])
    return search


def note_found(search: CaseSearch, total: int) -> None:
    """Keep how much a kept search found when it was asked."""
    CaseSearch.objects.filter(pk=search.pk).update(found=total, found_at=timezone.now())


def remove_search(actor: Actor, search: CaseSearch) -> None:
    """Raises: Forbidden, BadCase."""
    actor.require(Right.MANAGE_HOLDS)
    actor.require_writing()
    _require_open(search.case)
    with transaction.atomic():
        audit.record(actor, "case.remove_search", search.case, search=search.name, query=search.query[:500])
        search.delete()


def check_query(query: str) -> None:
    """Raises: BadCase."""
    try:
        parse(query)
    except QueryError as error:
        raise BadCase(_(MESSAGES[error.code]) % error.params, field="query") from error


@dataclass(frozen=True, slots=True)
class Choice:
    """What of a case goes into a package: a kept search, the messages with a tag, or all messages in it."""

    search: CaseSearch | None = None
    tag: str = ""
    reason: str = ""
    format: str = PackageFormat.EML
    messages: Sequence[str] = field(default_factory=list)


def package_arguments(actor: Actor, case: Case, choice: Choice) -> PackageArguments:
    """Raises: Forbidden, BadCase."""
    selectors.require_reading(actor, case)
    _require_open(case)
    addresses = [mailbox.address for mailbox in selectors.custodians(case)]
    query, chosen = "", list(choice.messages)
    if choice.search is not None:
        query = selectors.text_of(case, choice.search.query)
    elif not chosen:
        rows = selectors.list_messages(actor, case, tag=choice.tag)
        chosen = [each.public_id for each in rows.exclude(store=None)[: packages.MOST_CHOSEN + 1]]
        if not chosen:
            raise BadCase(_("There are no such messages in the case."), field="what")
        if len(chosen) > packages.MOST_CHOSEN:
            text = _("At most %(count)d messages can be named; export a search instead.")
            raise BadCase(text % {"count": packages.MOST_CHOSEN}, field="what")
    reason = f"{case.name}: {choice.reason.strip()}"[:500]
    return PackageArguments(reason, addresses, query, chosen, choice.format, case=case.pk)


def export_case(actor: Actor, case: Case, choice: Choice) -> Task:
    """Begin a package of what was chosen. Raises: Forbidden, BadCase, and as check_package."""
    if len(choice.reason.strip()) < 3:
        raise BadCase(_("Say why, in a few words; the owners will read it."), field="reason")
    arguments = package_arguments(actor, case, choice)
    packages.check_package(actor, arguments)
    return submit(actor, "ExportPackage", arguments)


def _require_open(case: Case) -> None:
    if not case.is_open:
        raise BadCase(_("“%(case)s” is closed.") % {"case": case.name})


def _checked(terms: CaseTerms) -> dict[str, Any]:
    """The fields of a case. Raises: BadCase."""
    name, reason = " ".join(terms.name.split()), " ".join(terms.reason.split())
    if not 0 < len(name) <= 200 or not name.isprintable():
        raise BadCase(_("A case needs a name of at most 200 characters."), field="name")
    if len(reason) < 5:
        raise BadCase(_("Say why, in a few words; the owners will read it."), field="reason")
    if not terms.mailboxes:
        raise BadCase(_("Say whose mail, by the addresses of their mailboxes."), field="mailboxes")
    if len(terms.mailboxes) > MOST_CUSTODIANS:
        text = _("At most %(count)d mailboxes.") % {"count": MOST_CUSTODIANS}
        raise BadCase(text, field="mailboxes")
    if terms.date_from and terms.date_to and terms.date_to < terms.date_from:
        raise BadCase(_("The period ends before it begins."), field="date_to")
    return {"name": name, "reason": reason[:500], "date_from": terms.date_from, "date_to": terms.date_to}


def count_messages(case: Case) -> int:
    return CaseMessage.objects.filter(case=case).count()
