"""Quarantine by a shell or a task: list what lies there, release it, delete it. The services are the pages' own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from accounts.actors import Actor
from accounts.errors import Forbidden
from accounts.permissions import Right
from archive.errors import StoreUnavailable
from archive.store.errors import StoreError
from gateway import wording
from gateway.content import DamagedContent
from gateway.errors import GatewayError
from gateway.models import Recipient
from gateway.selectors.quarantine import list_managed
from gateway.services import quarantine
from gateway.services.held import clean_reason
from jobs.commands import About, command
from jobs.errors import BadArguments
from jobs.running import TaskRun

LIST, RELEASE, DELETE = "ListQuarantine", "ReleaseFromQuarantine", "DeleteFromQuarantine"
MOST_LISTED = 1_000
MOST_AT_ONCE = 10_000
NEED = Right.MANAGE_QUARANTINE
Result = dict[str, object]


@dataclass(frozen=True, slots=True)
class ListArguments:
    """Which messages; all that is said counts. before_id: go on below this id."""

    recipient: Annotated[str, About(_("Recipient"), _("An address, or @ and a domain."))] = ""
    sender: Annotated[str, About(_("Sender"), _("An address, or @ and a domain; From or envelope."))] = ""
    verdict: Annotated[str, About(_("Verdict"), _("Such as spam or virus."))] = ""
    limit: Annotated[int, About(_("At most"), least=1)] = 100
    before_id: Annotated[int | None, About(_("Before id"), least=1)] = None


@dataclass(frozen=True, slots=True)
class HandleArguments:
    """Which messages: by ids of the list or by the key of one; all that is said counts. reason: of infected mail."""

    ids: Annotated[list[str], About(_("Ids"), _("As the list has them."))]
    reason: Annotated[str, About(_("Reason"))] = ""
    dry_run: Annotated[bool, About(_("Only look"))] = False


@command(LIST, needs=NEED, arguments=ListArguments, label=_("List quarantined mail"), plannable=False)
def list_quarantine(actor: Actor, run: TaskRun, arguments: ListArguments) -> Result:
    """List what lies in quarantine, the newest first."""
    rows = list_managed(actor)
    if arguments.recipient:
        rows = rows.filter(_like("address", arguments.recipient))
    if arguments.sender:
        rows = rows.filter(_like("message__header_from", arguments.sender) | _like("message__sender", arguments.sender))
    if arguments.verdict:
        if arguments.verdict not in wording.CATEGORIES:
            known = ", ".join(wording.CATEGORIES)
            raise BadArguments(_t("The verdict is one of: %(known)s.") % {"known": known}, field="verdict")
        rows = rows.filter(category=arguments.verdict)
    if arguments.before_id is not None:
        rows = rows.filter(pk__lt=arguments.before_id)
    limit = min(arguments.limit, MOST_LISTED)
    found = list(rows.order_by("-pk")[: limit + 1])
    return {"messages": [_shown(row) for row in found[:limit]], "more": len(found) > limit}


def _like(path: str, text: str) -> Q:
    clean = text.strip().lower().replace("\0", "")
    return Q(**{f"{path}__iendswith": clean}) if clean.startswith("@") else Q(**{f"{path}__iexact": clean})


def _shown(row: Recipient) -> Result:
    message = row.message
    return {
        "id": row.pk, "key": message.key, "recipient": row.address, "from": message.header_from,
        "envelope_sender": message.sender, "subject": message.subject, "received_at": row.received_at.isoformat(),
        "verdict": row.category, "why": wording.decided_because(row.decision), "score": row.score,
    }  # fmt: skip


@command(RELEASE, needs=NEED, arguments=HandleArguments, label=_("Release quarantined mail"), plannable=False)
def release_from_quarantine(actor: Actor, run: TaskRun, arguments: HandleArguments) -> Result:
    """Release messages to their recipients; infected ones take a right and a reason of their own."""
    return _each(actor, run, arguments, release=True)


@command(DELETE, needs=NEED, arguments=HandleArguments, label=_("Delete quarantined mail"), plannable=False)
def delete_from_quarantine(actor: Actor, run: TaskRun, arguments: HandleArguments) -> Result:
    """Delete messages from quarantine."""
    return _each(actor, run, arguments, release=False)


def _each(actor: Actor, run: TaskRun, arguments: HandleArguments, *, release: bool) -> Result:
    """One after the other; what can't be done is named and doesn't keep the others."""
    clean_reason(arguments.reason)
    rows = _chosen(actor, arguments.ids)
    done: list[Result] = []
    failed: list[Result] = []
    for row in rows:
        if run.stopping():
            raise run.cancelled({"done": done, "failed": failed})
        said: Result = {"id": row.pk, "key": row.message.key, "recipient": row.address}
        try:
            if release:
                quarantine.require_releasing(actor, row, arguments.reason)
                if not arguments.dry_run:
                    said["sent_as"] = quarantine.release(actor, row, reason=arguments.reason).key
            elif not arguments.dry_run:
                quarantine.delete(actor, row, reason=arguments.reason)
            done.append(said)
        except (GatewayError, StoreUnavailable, StoreError, DamagedContent, Forbidden) as error:
            failed.append({**said, "reason": str(error)})
        run.progress(len(done) + len(failed), len(rows), "messages")
    return {"dry_run": arguments.dry_run, "done": done, "failed": failed}


def _chosen(actor: Actor, ids: list[str]) -> list[Recipient]:
    """Raises: BadArguments (none, too many, or one that isn't in quarantine or not theirs to handle)."""
    if not ids or len(ids) > MOST_AT_ONCE:
        raise BadArguments(_t("Name from 1 to %(most)d messages.") % {"most": MOST_AT_ONCE}, field="ids")
    numbers = {int(text) for text in ids if text.isdecimal() and len(text) < 19}
    keys = {text for text in ids if not text.isdecimal()}
    rows: QuerySet[Recipient] = list_managed(actor).filter(Q(pk__in=numbers) | Q(message__key__in=keys))
    found = list(rows.select_related("mailbox__user", "mailbox__domain").order_by("pk"))
    missing = (numbers - {row.pk for row in found}, keys - {row.message.key for row in found})
    for each in (*sorted(missing[0]), *sorted(missing[1])):
        raise BadArguments(_t("%(id)s is not in a quarantine that you look after.") % {"id": each}, field="ids")
    return found
