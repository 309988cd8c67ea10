"""Deleting many messages at once: those of a search, in one archive or in all. Takes two people, leaves a certificate.

The index only chooses candidates, and only while it isn't behind and is verified to be whole; each is asked itself
whether it matches, and whether anything keeps it (`archive.ruling`). Not for expiry (`retention_run`).
"""

from __future__ import annotations

import dataclasses
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts import audit
from accounts.actors import Actor
from accounts.permissions import Right
from archive import engines, locking
from archive.errors import BadArguments, Kept
from archive.models import Compliance, DeletionCertificate, Store, StoreState
from archive.owners import owner_of
from archive.query import nodes
from archive.query.errors import QueryError
from archive.query.language import parse
from archive.ruling import Keeper
from archive.selectors import get_mailbox
from archive.services.certificates import append_lines, begin_certificate, finish_certificates, line_of
from archive.services.index_trust import require_current, require_whole
from archive.store.errors import Stopped
from archive.store.judging import Judge
from jobs import proofs
from jobs.dry_runs import Plan
from jobs.running import TaskRun

COMMAND = "DeleteMessages"
BATCH = 1000


@dataclasses.dataclass(frozen=True, slots=True)
class DeleteMessagesArguments:
    """Which, in the language of the search box, in whose archive (none: all), and why.

    at_most: more than that found is a mistake, and nothing is deleted.
    """

    query: str
    reason: str
    user_name: str | None = None
    at_most: int = 100_000


def plan(actor: Actor, arguments: DeleteMessagesArguments) -> Plan:
    """How many match now. Raises: Forbidden, BadArguments, Kept, ProcessingStopped."""
    actor.require(Right.DELETE_MAIL)
    _require_allowed()
    found = _candidates(arguments)
    count = sum(len(numbers) for _store, numbers in found)
    if count > arguments.at_most:
        raise BadArguments(_("%(count)d messages match, which is more than was said.") % {"count": count})
    whose = arguments.user_name or _("all archives")
    numbers = [
        (
            count,
            ngettext(
                "message matches, and goes unless it is kept", "messages match, and go unless they are kept", count
            ),
        ),
    ]
    return Plan(f"“{arguments.query}” · {whose}", numbers, note=arguments.reason)


def delete_messages(actor: Actor, run: TaskRun, arguments: DeleteMessagesArguments) -> dict[str, Any]:
    """Delete what matches and nothing keeps.

    Raises: Forbidden, BadArguments, NeedsApproval, Kept (compliance forbids it), ProcessingStopped, Cancelled.
    """
    actor.require(Right.DELETE_MAIL)
    node, boxes = _wanted(arguments)
    about = dataclasses.asdict(arguments)
    _require_allowed()
    proofs.require(actor, run.approved, COMMAND, subject=arguments.query, **about)
    try:
        for store in _stores():
            require_whole(store, run.stopping)
    except Stopped as error:
        raise run.cancelled({"found": 0, "deleted": 0, "kept": 0}) from error
    found = _candidates(arguments)
    total = sum(len(numbers) for _store, numbers in found)
    if total > arguments.at_most:
        raise BadArguments(_("%(count)d messages match, which is more than was said.") % {"count": total})
    done = {"found": total, "deleted": 0, "kept": 0}
    for store, numbers in found:
        finish_certificates(store)
        certificate = begin_certificate(actor, run.task_id, store, arguments.reason)
        try:
            for at in range(0, len(numbers), BATCH):
                if run.stopping():
                    break
                _batch(actor, store, numbers[at : at + BATCH], node, boxes, certificate, done)
                run.progress(done["deleted"] + done["kept"], total, note=store.name)
        finally:
            finish_certificates(store)
    audit.record(
        actor, "mail.delete_many", None, reason=arguments.reason, query=arguments.query, found=total,
        deleted=done["deleted"], kept=done["kept"],
    )  # fmt: skip
    if run.stopping():
        raise run.cancelled(dict(done))
    return dict(done)


def _batch(
    actor: Actor, store: Store, numbers: list[int], node: nodes.Node, boxes: set[int] | None,
    certificate: DeletionCertificate, done: dict[str, int],
) -> None:  # fmt: skip
    with locking.deleting():
        _require_allowed()
        keeper = Keeper(store)
        rows = [
            row
            for row in keeper.opened.rows(numbers)
            # A message that others hold too isn't one person's alone: it stays with them.
            if boxes is None or all(owner_of(mailbox) in boxes for _folder, mailbox in row.placements)
        ]
        (said,) = Judge(keeper.opened, [node], now=keeper.now).judge(rows)
        rulings = keeper.rule(rows)
        going = [row for row in rows if row.number in said.matching and rulings[row.number].allowed]
        done["kept"] += len(numbers) - len(going)
        if not going:
            return
        names = {policy.id: policy.name for policy in keeper.policies}
        append_lines(certificate, [line_of(row, rulings[row.number], names) for row in going])
        reason = f"{certificate.reason} (certificate {certificate.pk})"
        keeper.opened.delete([row.number for row in going], reason=reason, by=actor.label[:300], erase=True)
        done["deleted"] += len(going)


def _wanted(arguments: DeleteMessagesArguments) -> tuple[nodes.Node, set[int] | None]:
    """Raises: BadArguments, ArchiveClosed."""
    if len(arguments.reason.strip()) < 3:
        raise BadArguments(_("Say why, in a few words; it is kept for ever."))
    try:
        node = parse(arguments.query)
    except QueryError as error:
        raise BadArguments(str(error)) from error
    if isinstance(node, nodes.All):
        raise BadArguments(_("Say which messages: an empty search would mean all."))
    return node, None if arguments.user_name is None else {get_mailbox(arguments.user_name).pk}


def _require_allowed() -> None:
    """What people may not do one by one they don't do by the thousand. Raises: Kept."""
    if not Compliance.now().deletion_allowed:
        raise Kept(_("Compliance forbids that people delete messages."))


def _stores() -> list[Store]:
    return list(
        Store.objects.filter(detached_at=None, state__in=(StoreState.CURRENT, StoreState.NORMAL)).order_by("pk")
    )


def _candidates(arguments: DeleteMessagesArguments) -> list[tuple[Store, list[int]]]:
    """What the indexes find, store by store. Raises: ProcessingStopped where one is behind."""
    node, boxes = _wanted(arguments)
    found = []
    for store in _stores():
        require_current(store)
        numbers = sorted(engines.open_store(store).numbers_matching(node, mailboxes=boxes))
        if numbers:
            found.append((store, numbers))
    return found
