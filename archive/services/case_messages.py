"""The messages of a case: put in from a search, tagged, written about, taken out again.

Only mail of the case's custodians, and only while their archives are open to whoever puts it in. Everything leaves an
event at the case. Not for searching (`archive.case_selectors`) nor for cases themselves (`cases`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice

from django.db import transaction
from django.utils.translation import gettext as _

from accounts import audit
from accounts.actors import Actor
from archive import case_selectors as selectors
from archive import engines
from archive.errors import BadCase, MessageUnknown
from archive.models import Case, CaseMessage, CaseNote, CaseTag
from archive.selectors import Archive, Hit, open_stores
from archive.selectors import get_message as get_archived
from archive.services.cases import check_query
from domains.models import Mailbox

MOST = 10_000  # put in at once
BATCH = 500


def add_messages(actor: Actor, case: Case, public_ids: Sequence[str], *, tag: str = "") -> int:
    """Put these in; how many were new. Raises: Forbidden, BadCase, MessageUnknown (nobody's of them, or not open)."""
    archives, _closed = _ready(actor, case)
    boxes = {archive.mailbox.pk for archive in archives}
    hits = []
    for public_id in public_ids[:MOST]:
        found = get_archived(actor, public_id)
        if not {mailbox for _folder, mailbox in found.row.placements} & boxes:
            raise MessageUnknown("not a custodian's message")
        hits.append(Hit(found.store, found.row))
    return _add(actor, case, hits, tag)


def add_matching(actor: Actor, case: Case, query: str, *, tag: str = "") -> int:
    """Put in all that a search finds in the open archives, at most MOST; how many were new.

    Raises: Forbidden, BadCase, StoreUnavailable.
    """
    archives, closed = _ready(actor, case)
    if closed:
        names = ", ".join(mailbox.address for mailbox in closed[:5])
        raise BadCase(_("These archives aren't open to you: %(names)s.") % {"names": names})
    check_query(query)
    return _add(actor, case, islice(_matching(case, archives, query), MOST), tag)


def _matching(case: Case, archives: Sequence[Archive], query: str) -> Iterable[Hit]:
    node, scope = selectors.node_of(case, query), selectors.scope_of(archives)
    for store in open_stores():
        opened = engines.open_store(store)
        folders = scope.folders_in(opened)
        seen: set[int] = set()
        for row in opened.iterate(node, mailboxes=set(scope.mailboxes or ())):
            if row.number not in seen and (folders is None or folders & {folder for folder, _box in row.placements}):
                seen.add(row.number)
                yield Hit(store, row)


def _ready(actor: Actor, case: Case) -> tuple[list[Archive], list[Mailbox]]:
    actor.require_writing()
    archives, closed = selectors.open_archives(actor, case)
    if not case.is_open:
        raise BadCase(_("“%(case)s” is closed.") % {"case": case.name})
    if not archives:
        raise BadCase(_("No archive of its custodians is open to you."))
    return archives, closed


def _add(actor: Actor, case: Case, hits: Iterable[Hit], tag: str) -> int:
    rows = [
        CaseMessage(
            case=case, store=hit.store, store_identity=hit.store.identity or "", number=hit.row.number,
            sha256=hit.row.sha256, subject=hit.row.subject.replace("\0", "")[:300],
            sender=hit.row.sender.replace("\0", "")[:300], date=hit.row.date, size_bytes=hit.row.size,
            added_by_label=actor.label[:300],
        )
        for hit in hits
    ]  # fmt: skip
    with transaction.atomic():
        before = CaseMessage.objects.filter(case=case).count()
        CaseMessage.objects.bulk_create(rows, ignore_conflicts=True, batch_size=BATCH)
        added = CaseMessage.objects.filter(case=case).count() - before
        if tag.strip():
            kept = _same(case, rows)
            _tag(case, kept, _tag_row(case, tag))
        if added or tag.strip():
            audit.record(actor, "case.add", case, messages=added, tag=tag.strip())
    return added


def _same(case: Case, rows: Sequence[CaseMessage]) -> list[int]:
    """The numbers of the rows that stand for these, whoever put them in."""
    wanted = {(row.store_identity, row.number) for row in rows}
    known = CaseMessage.objects.filter(case=case).values_list("pk", "store_identity", "number")
    return [pk for pk, identity, number in known if (identity, number) in wanted]


def tag_messages(actor: Actor, case: Case, message_ids: Sequence[int], name: str) -> int:
    """Mark messages with a word; how many. Raises: Forbidden, BadCase."""
    chosen = _chosen(actor, case, message_ids)
    with transaction.atomic():
        tag = _tag_row(case, name)
        _tag(case, chosen, tag)
        audit.record(actor, "case.tag", case, tag=tag.name, messages=len(chosen))
    return len(chosen)


def untag_messages(actor: Actor, case: Case, message_ids: Sequence[int], name: str) -> int:
    """Take a word off messages; a tag that nothing has any more is gone. Raises: Forbidden, BadCase, Http404."""
    chosen = _chosen(actor, case, message_ids)
    tag = selectors.tag_of(actor, case, name)
    with transaction.atomic():
        gone, _kinds = CaseMessage.tags.through.objects.filter(casetag=tag, casemessage_id__in=chosen).delete()
        audit.record(actor, "case.untag", case, tag=tag.name, messages=gone)
        if not tag.messages.exists():
            tag.delete()
    return gone


def remove_messages(actor: Actor, case: Case, message_ids: Sequence[int]) -> int:
    """Take messages out of the case; they stay in the archive, and what was written about them in the case."""
    chosen = _chosen(actor, case, message_ids)
    with transaction.atomic():
        named = list(CaseMessage.objects.filter(pk__in=chosen).values_list("sha256", flat=True)[:100])
        CaseMessage.objects.filter(pk__in=chosen).delete()
        CaseTag.objects.filter(case=case, messages=None).delete()
        audit.record(actor, "case.remove", case, messages=len(chosen), sha256=named)
    return len(chosen)


def add_note(actor: Actor, case: Case, text: str, *, message: CaseMessage | None = None) -> CaseNote:
    """Write about a case, or about one message of it. Raises: Forbidden, BadCase."""
    actor.require_writing()
    selectors.require_reading(actor, case)
    text = text.replace("\0", "").strip()
    if not 0 < len(text) <= 4000:
        raise BadCase(_("A note has 1 to 4,000 characters."), field="text")
    if not case.is_open:
        raise BadCase(_("“%(case)s” is closed.") % {"case": case.name})
    with transaction.atomic():
        note = CaseNote.objects.create(
            case=case, message=message, about="" if message is None else str(message)[:300], text=text,
            user=actor.user, by_label=actor.label[:300],
        )  # fmt: skip
        audit.record(actor, "case.note", case, message="" if message is None else message.public_id)
    return note


def _chosen(actor: Actor, case: Case, message_ids: Sequence[int]) -> list[int]:
    actor.require_writing()
    rows = selectors.list_messages(actor, case)
    if not case.is_open:
        raise BadCase(_("“%(case)s” is closed.") % {"case": case.name})
    found = list(rows.filter(pk__in=list(message_ids)[:MOST]).values_list("pk", flat=True))
    if not found:
        raise BadCase(_("Choose messages first."))
    return found


def _tag_row(case: Case, name: str) -> CaseTag:
    name = " ".join(name.split())
    if not 0 < len(name) <= 60 or not name.isprintable() or name == "-":
        raise BadCase(_("A tag is a word of at most 60 characters."), field="tag")
    return CaseTag.objects.filter(case=case, name__iexact=name).first() or CaseTag.objects.create(case=case, name=name)


def _tag(case: Case, message_ids: Sequence[int], tag: CaseTag) -> None:
    through = CaseMessage.tags.through
    through.objects.bulk_create(
        [through(casemessage_id=each, casetag_id=tag.pk) for each in message_ids],
        ignore_conflicts=True,
        batch_size=BATCH,
    )
