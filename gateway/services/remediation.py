"""Taking delivered mail back: out of the mailboxes of those it was delivered to, with a right and a reason.

Each recipient's passport gets a step and the audit trail an event, also where nothing was found. Looking first
(dry run) changes nothing and is noted too. Not for what lies in quarantine (`quarantine`) nor for archived mail, which
goes by the archive's own rules.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from accounts import audit
from accounts.actors import Actor
from accounts.permissions import Right
from archive.errors import StoreUnavailable
from archive.remote.errors import RemoteError
from archive.store.errors import StoreError
from config.kit import net
from domains.policy.facts import Direction
from gateway.content import DamagedContent
from gateway.errors import CopyGone, GatewayError
from gateway.keeping.reading import copy_of
from gateway.models import Message, Recipient
from gateway.remediating.accounts import account_of
from gateway.remediating.looking import Found, Wanted, look, original_bytes
from gateway.services.held import clean_reason
from gateway.steps import Kind, step

State = Recipient.State
DELIVERED = (State.DELIVERED, State.RELEASED, State.ARCHIVED)
MOST_RECIPIENTS = 1_000


class NotRemediable(GatewayError):
    """This message can't be taken out of anybody's mailbox; the text says why."""


class Outcome(StrEnum):
    """What came of one mailbox."""

    REMOVED = "removed"
    FOUND = "found"  # a dry run found it
    MISSING = "missing"
    DIFFERS = "differs"  # what is there only looks like it
    UNREACHABLE = "unreachable"
    NO_ACCOUNT = "no_account"  # no archiving profile says how the mailbox is reached
    PARTLY = "partly"  # some copies couldn't be deleted


@dataclass(frozen=True, slots=True)
class Result:
    """Of one recipient."""

    recipient: str
    outcome: Outcome
    profile: str = ""
    problem: str = ""
    folders: list[dict[str, object]] = field(default_factory=list)
    not_looked_into: int = 0  # folders of other people and shared ones, which the account sees too


def require_remediating(actor: Actor, recipient: Recipient) -> None:
    """Raises: Forbidden."""
    actor.require_writing()
    actor.require(Right.REMEDIATE_MAIL, recipient)


def may_remediate(actor: Actor, recipient: Recipient) -> bool:
    """Whether a page offers it."""
    if recipient.mailbox_id is None or recipient.direction != Direction.INCOMING:
        return False
    return recipient.state in DELIVERED and actor.has(Right.REMEDIATE_MAIL, recipient)


def find_recipients(actor: Actor, message: str, recipient: str = "") -> list[Recipient]:
    """The delivered copies of a message (by its key or its Message-ID) for whom the actor may take them back.

    Raises: NotRemediable (none; too many; other messages bear the same Message-ID).
    """
    text = message.strip()
    named = Q(message__key=text) | (Q(message__message_id=text) if "@" in text else Q(pk__in=[]))
    rows = Recipient.objects.visible_to(actor, Right.REMEDIATE_MAIL).filter(
        named, direction=Direction.INCOMING.value, mailbox__isnull=False, state__in=DELIVERED
    )
    if recipient:
        rows = rows.filter(Q(address=recipient.lower()) | Q(mailbox__address=recipient.lower()))
    rows = rows.select_related("message", "mailbox__domain", "mailbox__user", "followed_by")
    found = list(rows.order_by("-pk")[: MOST_RECIPIENTS + 1])
    if not found:
        raise NotRemediable(_("No mailbox that you look after got such a message."), field="message")
    if len(found) > MOST_RECIPIENTS:
        said = _("More than %(most)d mailboxes got it; name a recipient, or its key.")
        raise NotRemediable(said % {"most": MOST_RECIPIENTS}, field="message")
    if _count_different(found) > 1:
        raise NotRemediable(_("Several messages bear this Message-ID; name its key."), field="message")
    return sorted(_once_each(found), key=lambda row: row.address)


def _count_different(rows: Sequence[Recipient]) -> int:
    """How many messages these are; what one was released as is none of its own, nor are the same bytes again."""
    kin = {row.message_id: bytes(row.message.sha256) for row in rows}
    if len(kin) > 1:
        links = Recipient.objects.filter(message__in=list(kin), followed_by__in=list(kin))
        for before, after in links.values_list("message_id", "followed_by_id").distinct():
            old, new = kin[after], kin[before]
            kin = {number: new if known == old else known for number, known in kin.items()}
    return len(set(kin.values()))


def _once_each(rows: Sequence[Recipient]) -> list[Recipient]:
    """One row for each mailbox that a message came to, also by two addresses; what it was released as goes with it."""
    first = {(row.message_id, row.mailbox_id): row for row in rows}
    covered = {(row.followed_by_id, row.mailbox_id) for row in first.values()}
    return [row for key, row in first.items() if key not in covered]


def remediate(
    actor: Actor,
    recipients: Sequence[Recipient],
    *,
    reason: str,
    dry_run: bool = False,
    stop: Callable[[], bool] = lambda: False,
    told: Callable[[Result], None] = lambda result: None,
) -> list[Result]:
    """Look into each mailbox in turn and delete the message there, or only say where it is.

    stop: asked between mailboxes. told: each result as it comes. Raises: Forbidden, BadRelease (no reason).
    """
    why = clean_reason(reason, needed=True)
    for row in recipients:
        require_remediating(actor, row)
    results = []
    for row in recipients:
        if stop():
            break
        result = _one(row, delete=not dry_run)
        _note(actor, row, result, why, dry_run=dry_run)
        results.append(result)
        told(result)
    return results


def _one(row: Recipient, *, delete: bool) -> Result:
    assert row.mailbox is not None
    account = account_of(row.mailbox)
    if account is None:
        return Result(row.address, Outcome.NO_ACCOUNT, problem=_("No archiving profile says how it is reached."))
    name = account.profile.name
    found: list[Found] = []
    try:
        with account.open() as client:
            left_out = look(client, _wanted(row), found, delete=delete)
    except (net.NetError, RemoteError, OSError) as error:
        # what is deleted is deleted, also when the connection broke after it
        outcome = Outcome.PARTLY if any(each.deleted for each in found) else Outcome.UNREACHABLE
        return Result(row.address, outcome, name, str(error), _as_data(found))
    problem = next((each.problem for each in found if each.problem), "")
    return Result(row.address, _outcome(found, delete=delete), name, problem, _as_data(found), left_out)


def _as_data(found: Sequence[Found]) -> list[dict[str, object]]:
    return [asdict(each) for each in found]


def _outcome(found: Sequence[Found], *, delete: bool) -> Outcome:
    same, deleted = sum(each.same for each in found), sum(each.deleted for each in found)
    if not same:
        if any(each.problem for each in found):
            return Outcome.PARTLY
        return Outcome.DIFFERS if found else Outcome.MISSING
    if not delete:
        return Outcome.FOUND
    return Outcome.REMOVED if deleted == same and not any(each.problem for each in found) else Outcome.PARTLY


def _wanted(row: Recipient) -> Wanted:
    """How it is recognised; of what isn't kept any more by our own line alone."""
    original = None
    try:
        body = copy_of(row).body()
        try:
            original = original_bytes(body)
        finally:
            body.close()
    except (CopyGone, StoreUnavailable, StoreError, DamagedContent):
        pass  # then only its Received line tells
    follows = [row.followed_by.key] if isinstance(row.followed_by, Message) else []
    return Wanted(row.message.message_id, (row.message.key, *follows), original)


def _note(actor: Actor, row: Recipient, result: Result, why: str, *, dry_run: bool) -> None:
    """Into the passport and the audit trail; a dry run only into the trail, for nothing happened to the message."""
    removed = sum(int(str(each["deleted"])) for each in result.folders)
    with transaction.atomic():
        if not dry_run:
            data = {"why": why, "outcome": result.outcome.value, "copies": removed, "problem": result.problem[:500]}
            step(Kind.REMEDIATED, row.message, row, actor=actor, data=data).save()
        audit.record(
            actor, "message.remediate", row, reason=why, message=row.message.key, outcome=result.outcome.value,
            copies=removed, dry_run=dry_run,
        )  # fmt: skip
