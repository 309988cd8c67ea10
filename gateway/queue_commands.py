"""The commands of queues and repositories: the same orders as on the pages, for schedules, shells and the API.

Source of what they do: mail queues and mail repositories of james.md; RELEASESMTPQUEUE, REJECTQUEUEMESSAGE(S) of
communigate.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated

from django.http import Http404
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from accounts.actors import Actor
from accounts.permissions import Right
from domains.errors import DomainsError
from gateway.queue.adding import QUEUE
from gateway.selectors import queues as found_queues
from gateway.selectors import repositories as found
from gateway.selectors.queues import Wanted
from gateway.services import queues, repositories
from jobs.commands import About, NoArguments, command
from jobs.errors import BadArguments
from jobs.running import TaskRun

Result = dict[str, object]
EXPIRE = "ExpireRepositories"
ROOT, TRANSPORT = "root", "transport"
PROCESSORS = ("", ROOT, TRANSPORT)
MOST_MINUTES = 10_000_000  # nineteen years; what is older than that is nothing


@dataclass(frozen=True, slots=True)
class QueueArguments:
    """Which items; all that is said counts, and what isn't said doesn't matter."""

    queue: Annotated[str, About(_("Queue"))] = ""
    sender: Annotated[str, About(_("Envelope sender"), _("“<>” for the empty one."))] = ""
    recipient: Annotated[str, About(_("Recipient"))] = ""
    name: Annotated[str, About(_("Name"), _("The key of a message, as in its passport."))] = ""
    destination: Annotated[str, About(_("Destination"), _("Such as mx:example.org or relay:7."))] = ""
    older_than_minutes: Annotated[int | None, About(_("Older than, in minutes"), least=0, most=MOST_MINUTES)] = None

    @property
    def wanted(self) -> Wanted:
        return _wanted(self)


@dataclass(frozen=True, slots=True)
class RejectArguments:
    """Which items, and whether their senders are told."""

    queue: Annotated[str, About(_("Queue"))] = ""
    sender: Annotated[str, About(_("Envelope sender"), _("“<>” for the empty one."))] = ""
    recipient: Annotated[str, About(_("Recipient"))] = ""
    name: Annotated[str, About(_("Name"), _("The key of a message, as in its passport."))] = ""
    destination: Annotated[str, About(_("Destination"), _("Such as mx:example.org or relay:7."))] = ""
    older_than_minutes: Annotated[int | None, About(_("Older than, in minutes"), least=0, most=MOST_MINUTES)] = None
    notice: Annotated[bool, About(_("Tell the senders"))] = True
    text: Annotated[str, About(_("Reason"), _("For the senders."))] = ""


def _wanted(arguments: QueueArguments | RejectArguments) -> Wanted:
    minutes = arguments.older_than_minutes
    return Wanted(
        queue=arguments.queue,
        sender=arguments.sender or None,
        recipient=arguments.recipient,
        name=arguments.name,
        destination=arguments.destination,
        older_than=None if minutes is None else timedelta(minutes=minutes),
    )


def _check_something(actor: Actor, arguments: QueueArguments | RejectArguments) -> None:
    """Whoever wants everything says which queue. Raises: BadArguments."""
    if not _wanted(arguments).as_data():
        raise BadArguments(_t("Say which messages, or which queue."), field="queue")


@command("FlushQueue", needs=Right.MANAGE_QUEUES, arguments=QueueArguments, label=_("Try queued messages now"))
def flush_queue(actor: Actor, run: TaskRun, arguments: QueueArguments) -> Result:
    """Try what waits in the queues now, whatever its time."""
    rows = found_queues.find_items(actor, arguments.wanted)
    return {"tried": queues.flush_items(actor, rows, about=arguments.wanted.as_data())}


@command(
    "HoldQueue", needs=Right.MANAGE_QUEUES, arguments=QueueArguments, label=_("Hold queued messages back"),
    check=_check_something,
)  # fmt: skip
def hold_queue(actor: Actor, run: TaskRun, arguments: QueueArguments) -> Result:
    """Keep messages in the queues from being tried until somebody lets them go."""
    rows = found_queues.find_items(actor, arguments.wanted)
    return {"held": queues.hold_items(actor, rows, about=arguments.wanted.as_data())}


@command("FreeQueue", needs=Right.MANAGE_QUEUES, arguments=QueueArguments, label=_("Let held messages go"))
def free_queue(actor: Actor, run: TaskRun, arguments: QueueArguments) -> Result:
    """Let messages go that were held back in the queues."""
    rows = found_queues.find_items(actor, arguments.wanted)
    return {"freed": queues.free_items(actor, rows, about=arguments.wanted.as_data())}


@command(
    "RejectFromQueue", needs=Right.MANAGE_QUEUES, arguments=RejectArguments, label=_("Send queued messages back"),
    check=_check_something, plannable=False,
)  # fmt: skip
def reject_from_queue(actor: Actor, run: TaskRun, arguments: RejectArguments) -> Result:
    """Give messages in the queues up, with a notice to their senders or without."""
    wanted = _wanted(arguments)
    rows = found_queues.find_items(actor, wanted)
    done = queues.reject_items(actor, rows, notice=arguments.notice, text=arguments.text, about=wanted.as_data())
    return {"rejected": done}


@command(
    "DeleteFromQueue", needs=Right.MANAGE_QUEUES, arguments=QueueArguments, label=_("Delete queued messages"),
    check=_check_something, plannable=False,
)  # fmt: skip
def delete_from_queue(actor: Actor, run: TaskRun, arguments: QueueArguments) -> Result:
    """Delete messages in the queues; nobody is told."""
    rows = found_queues.find_items(actor, arguments.wanted)
    total = rows.count()
    run.progress(0, total)
    done = queues.delete_items(
        actor, rows, about=arguments.wanted.as_data(), told=lambda count: run.progress(count, total), stop=run.stopping
    )
    result: Result = {"initialCount": total, "remainingCount": total - done, "deleted": done}
    if run.stopping() and done < total:
        raise run.cancelled(result)
    return result


@command("QueueStatistics", needs=Right.MANAGE_QUEUES, arguments=NoArguments, label=_("Queues in numbers"))
def queue_statistics(actor: Actor, run: TaskRun, arguments: NoArguments) -> Result:
    """Count what waits, by queue and by destination."""
    return {
        "queues": [
            {"name": each.name, "waiting": each.waiting, "held": each.held, "bytes": each.size_bytes}
            for each in found_queues.list_queues(actor)
        ],
        "destinations": [
            {
                "destination": each.destination, "waiting": each.waiting, "held": each.held,
                "delivered": each.delivered, "deferred": each.deferred, "failed": each.failed,
                "lastAnswer": each.last_answer,
            }
            for each in found_queues.list_destinations(actor)
        ],
    }  # fmt: skip


@dataclass(frozen=True, slots=True)
class RepositoryArguments:
    """Which repository, and which message there (all without a key)."""

    repository: Annotated[str, About(_("Repository"), _("Its path, such as var/mail/error."))]
    key: Annotated[str, About(_("Message"), _("Its key there; all without one."))] = ""


@dataclass(frozen=True, slots=True)
class ReprocessArguments:
    """Which messages, and where to."""

    repository: Annotated[str, About(_("Repository"), _("Its path, such as var/mail/error."))]
    key: Annotated[str, About(_("Message"), _("Its key there; all without one."))] = ""
    queue: Annotated[str, About(_("Queue"), _("Straight into it; without one they are judged anew."))] = ""
    processor: Annotated[str, About(_("Processor"), _("root judges anew, transport hands over for delivery."))] = ""


def _queue_of(arguments: ReprocessArguments) -> str:
    """The queue it goes into; "" to be judged anew. James calls the two ways processors. Raises: BadArguments."""
    if arguments.processor not in PROCESSORS:
        raise BadArguments(_t("The processors are root and transport."), field="processor")
    return arguments.queue or (QUEUE if arguments.processor == TRANSPORT else "")


def _check_repository(actor: Actor, arguments: RepositoryArguments | ReprocessArguments) -> None:
    try:
        place = found.repository_named(actor, arguments.repository)
        if arguments.key:
            found.stored_named(actor, place, arguments.key)
    except Http404 as error:
        raise BadArguments(_t("There is no such repository or message."), field="repository") from error
    if isinstance(arguments, ReprocessArguments):
        _queue_of(arguments)


@command(
    "ClearRepository", needs=Right.MANAGE_QUEUES, arguments=RepositoryArguments, check=_check_repository,
    label=_("Remove messages from a repository"), plannable=False,
)  # fmt: skip
def clear_repository(actor: Actor, run: TaskRun, arguments: RepositoryArguments) -> Result:
    """Remove messages from a repository for good."""
    rows = _stored(actor, arguments)
    total = rows.count()
    done = repositories.delete_stored(
        actor, rows, about={"repository": arguments.repository}, stop=run.stopping,
        told=lambda so_far: run.progress(so_far.count, total),
    )  # fmt: skip
    return _told(run, arguments, total, done)


@command(
    "ReprocessRepository", needs=Right.MANAGE_QUEUES, arguments=ReprocessArguments, check=_check_repository,
    label=_("Process messages of a repository again"), plannable=False,
)  # fmt: skip
def reprocess_repository(actor: Actor, run: TaskRun, arguments: ReprocessArguments) -> Result:
    """Send messages of a repository on their way again: into a queue, or from the beginning."""
    rows = _stored(actor, arguments)
    total = rows.count()
    try:
        done = repositories.reprocess_stored(
            actor, rows, queue=_queue_of(arguments), about={"repository": arguments.repository}, stop=run.stopping,
            told=lambda so_far: run.progress(so_far.count, total),
        )  # fmt: skip
    except DomainsError as error:
        raise BadArguments(str(error), field=error.field) from error
    for why, count in done.refused.items():
        run.log(f"{count}: {why}", "warning")
    return _told(run, arguments, total, done)


@command(
    EXPIRE, needs=Right.MANAGE_QUEUES, arguments=NoArguments,
    label=_("Remove from repositories what has lain there for long"),
)  # fmt: skip
def expire_repositories(actor: Actor, run: TaskRun, arguments: NoArguments) -> Result:
    """Remove for good what has lain in repositories for longer than the server's setting says."""
    done = repositories.expire_stored(actor, stop=run.stopping, told=lambda so_far: run.progress(so_far.count, None))
    return {"removed": done.count}


def _stored(actor: Actor, arguments: RepositoryArguments | ReprocessArguments) -> repositories.Rows:
    rows = found.list_stored(actor, found.repository_named(actor, arguments.repository).pk)
    return rows.filter(key=arguments.key) if arguments.key else rows


def _told(
    run: TaskRun, arguments: RepositoryArguments | ReprocessArguments, total: int, done: repositories.Done
) -> Result:
    result: Result = {
        "repositoryPath": arguments.repository,
        "initialCount": total,
        "remainingCount": total - done.count,
        "refused": done.refused,
    }
    if run.stopping() and done.count < total:
        raise run.cancelled(result)
    return result
