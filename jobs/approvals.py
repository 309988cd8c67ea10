"""Approvals: what can't be undone is asked for with a reason and its numbers, and a second person lets it happen.

    approval = approvals.ask(actor, "ReleaseHold", ReleaseHoldArguments(hold=5), reason="The case is closed")
    approval.task  # runs already where the rule isn't in force (`two_people`); else None until somebody approves

Approved, it runs as a task of the requester, whose rights are asked again then. Not for whether a service may go on:
that is `proofs.require`, asked by the service itself.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import audit, options, proving
from accounts.actors import Actor
from accounts.errors import AccountsError, Forbidden
from accounts.permissions import Right
from accounts.scopes import SERVER
from accounts.services.options import write_option
from config.kit.versions import ChangedMeanwhile
from jobs import closeness, proofs, running, services, two_people
from jobs.commands import Command, command, get_command
from jobs.dry_runs import Plan
from jobs.errors import AskedAlready, BadArguments, JobsError, NotRunnable, NotYours
from jobs.models import Approval, Task
from jobs.running import TaskRun

State, Basis = Approval.State, Approval.Basis
REASON_MAX = 500
MAIL, SWITCH_OFF = "MailAboutApproval", "SwitchOffTwoPersonApproval"


def ask(actor: Actor, name: str, arguments: object, *, reason: str) -> Approval:
    """Ask for a command that can't be undone; who could approve it is told by mail.

    Where the rule isn't in force it is approved at once, and its task runs.
    Raises: UnknownCommand, Forbidden, BadArguments (also without a reason, or where nothing needs an approval),
    AskedAlready, and what the command's own check and plan raise.
    """
    command = get_command(name)
    services.require_right(actor, command)
    proving.require_recent(actor)
    reason = read_reason(reason)
    if command.check is not None:
        command.check(actor, arguments)
    stored, wanted = command.arguments_as_json(arguments), plan(actor, command, arguments)
    with transaction.atomic():
        row = proofs.build(actor, command, stored, wanted, reason)
        basis = two_people.exception(row.need, row, actor.user)
        if basis is not None:
            proofs.grant_exception(actor, row, basis, "approval.skip")
            row.task = services.submit(actor, name, arguments, approval=row)
            return row
        _require_new(row)
        row.save()
        audit.record(
            actor, "approval.ask", row, reason=reason, command=name, subject=row.subject, arguments=row.arguments
        )
        _tell(row, "asked")
    return row


def plan(actor: Actor, command: Command, arguments: object) -> Plan:
    """What it would do now. Raises: BadArguments where that can be undone."""
    found = None if command.two_people is None else command.two_people(actor, arguments)
    if found is None:
        raise BadArguments(_("This needs nobody's approval; it can be done directly."))
    return found


def plan_now(approval: Approval) -> Plan:
    """What a request would do now, for its requester. Raises: JobsError, Forbidden and what the plan raises."""
    command = get_command(approval.command)
    return plan(_requester(approval), command, command.arguments_from_json(approval.arguments))


def approve(actor: Actor, approval: Approval, *, answer: str = "", seen: list[int] | None = None) -> Approval:
    """Let it happen: its task runs as soon as this is committed.

    seen: the numbers the approver looked at; when they are others now, they must look again.
    Raises: Forbidden, NotYours, NotRunnable (decided or expired), ChangedMeanwhile, and what the plan raises.
    """
    require_deciding(actor, approval)
    proving.require_recent(actor)
    with transaction.atomic():
        row = _locked(approval)
        now = plan_now(row)
        if seen is not None and list(seen) != now.counts():
            raise ChangedMeanwhile(f"what {row} would do has changed")
        row.numbers = now.as_json()
        _decide(row, actor, State.APPROVED, answer)
        row.basis = Basis.SECOND_PERSON
        row.save()
        audit.record(actor, "approval.approve", row, reason=answer, subject=row.subject, asked_by=row.requester_label)
        arguments = get_command(row.command).arguments_from_json(row.arguments)
        row.task = services.submit(_requester(row), row.command, arguments, approval=row)
        _tell(row, "approved")
    approval.refresh_from_db()
    return approval


def reject(actor: Actor, approval: Approval, *, answer: str) -> Approval:
    """Don't let it happen, and say why. Raises: Forbidden, NotYours, NotRunnable, BadArguments."""
    require_deciding(actor, approval)
    answer = read_reason(answer)
    with transaction.atomic():
        row = _locked(approval)
        _decide(row, actor, State.REJECTED, answer)
        row.save()
        audit.record(actor, "approval.reject", row, reason=answer, subject=row.subject, asked_by=row.requester_label)
        _tell(row, "rejected")
    approval.refresh_from_db()
    return approval


def withdraw(actor: Actor, approval: Approval) -> Approval:
    """Whoever asked takes it back. Raises: Forbidden, NotRunnable."""
    require_own(actor, approval)
    with transaction.atomic():
        row = _locked(approval)
        _decide(row, actor, State.WITHDRAWN, "")
        row.save()
        audit.record(actor, "approval.withdraw", row, subject=row.subject)
    approval.refresh_from_db()
    return approval


def expire() -> int:
    """End the requests whose time is over; how many (the clock calls this)."""
    ended = 0
    for approval in Approval.objects.filter(state=State.WAITING, expires_at__lte=timezone.now()):
        with transaction.atomic():
            row = Approval.objects.select_for_update().get(pk=approval.pk)
            if row.state == State.WAITING:
                row.state, row.decided_at = State.EXPIRED, timezone.now()
                row.save()
                audit.record(Actor.system(), "approval.expire", row, subject=row.subject)
                _tell(row, "expired")
                ended += 1
    return ended


def at_once(actor: Actor, name: str, arguments: object, *, reason: str, echo: running.Echo | None = None) -> Task:
    """From the shell, in an emergency: without a second person, with a row, an event and a mail that tell of it.

    Raises: Forbidden (not at the shell), BadArguments, and what `services.run_here` raises.
    """
    if actor.kind != "console":
        raise Forbidden("emergencies are for the shell")
    command = get_command(name)
    reason = read_reason(reason)
    with transaction.atomic():
        wanted = plan(actor, command, arguments)
        row = proofs.build(actor, command, command.arguments_as_json(arguments), wanted, reason)
        proofs.grant_exception(actor, row, Basis.EMERGENCY, "approval.emergency")
        _tell(row, "emergency")
    return services.run_here(actor, name, arguments, echo=echo, approval=row)


def require_deciding(actor: Actor, approval: Approval) -> None:
    """Who may decide: holds the right, signed in as themselves, is not who asked, was there before they asked, and
    isn't somebody whom they let in days ago (`closeness`).

    Raises: Forbidden, NotYours.
    """
    actor.require(Right(approval.need), approval)
    actor.require_writing()
    if actor.user is None or actor.acting is not None:
        raise Forbidden("only a person who is signed in decides")
    if approval.requester_id == actor.user.pk:
        raise NotYours(_("You asked for this yourself; somebody else must decide."))
    if actor.user.created_at > approval.created_at:
        raise NotYours(_("Your account was made after this was asked for; somebody else must decide."))
    if closeness.is_close(approval.requester, approval.requester_label, actor.user):
        text = _(
            "Whoever asked made your account, gave you rights or could sign in as you in the last %(days)d days; "
            "somebody else must decide."
        )
        raise NotYours(text % {"days": closeness.DAYS})


def may_decide(actor: Actor, approval: Approval) -> bool:
    """Whether to offer it."""
    try:
        require_deciding(actor, approval)
    except (AccountsError, JobsError):
        return False
    return approval.is_waiting


def why_not(actor: Actor, approval: Approval) -> str:
    """Why somebody who holds the right may not decide a waiting request of somebody else; nothing where they may."""
    if not approval.is_waiting or is_own(actor, approval):
        return ""
    try:
        require_deciding(actor, approval)
    except NotYours as error:
        return str(error)
    except AccountsError:
        return ""
    return ""


def require_own(actor: Actor, approval: Approval) -> None:
    """Raises: Forbidden for everybody but who asked for it."""
    if not is_own(actor, approval):
        raise Forbidden("only who asked takes it back")
    actor.require_writing()


def is_own(actor: Actor, approval: Approval) -> bool:
    """Whether this actor asked for it."""
    if actor.acting is not None:
        return False
    if actor.user is None:
        return actor.kind == "console" and approval.requester_label == actor.label
    return approval.requester_id == actor.user.pk


def read_reason(text: str) -> str:
    """Raises: BadArguments without one."""
    reason = " ".join(text.replace("\0", " ").split())[:REASON_MAX]
    if len(reason) < 3:
        raise BadArguments(_("Say why, in a few words; it is kept for ever."), field="reason")
    return reason


def _require_new(row: Approval) -> None:
    same = Approval.objects.filter(
        command=row.command, arguments=row.arguments, state=State.WAITING, expires_at__gt=timezone.now()
    ).first()
    if same is not None:
        text = _("%(who)s asked for the same already; it waits for its answer.") % {"who": same.requester_label}
        raise AskedAlready(text, same.pk)


def _locked(approval: Approval) -> Approval:
    row = Approval.objects.select_for_update().get(pk=approval.pk)
    if not row.is_waiting:
        raise NotRunnable(_("This was decided already, or its time is over."))
    return row


def _decide(row: Approval, actor: Actor, state: Approval.State, answer: str) -> None:
    row.state, row.answer = state, " ".join(answer.replace("\0", " ").split())[:REASON_MAX]
    row.decider, row.decider_label, row.decided_at = actor.user, actor.label[:300], timezone.now()


def _requester(approval: Approval) -> Actor:
    return running.actor_again(approval.requester_id, approval.requester_label, approval.rights)


def _tell(row: Approval, news: str) -> None:
    """Mail about it, as a task, so that nobody waits for the mail server."""
    services.submit(Actor.system(), MAIL, ApprovalMailArguments(row.pk, news))


@dataclass(frozen=True, slots=True)
class ApprovalMailArguments:
    """About which request, and what happened to it: asked, approved, rejected, expired or emergency."""

    approval: int
    news: str


@dataclass(frozen=True, slots=True)
class SwitchOffArguments:
    """Nothing to say."""


def _plan_switch_off(actor: Actor, arguments: SwitchOffArguments) -> Plan | None:
    if not two_people.is_switched_on():
        return None
    waiting = Approval.objects.filter(state=State.WAITING, expires_at__gt=timezone.now()).count()
    numbers = [(waiting, _("requests wait at the moment"))]
    return Plan(
        _("The rule of two people"),
        numbers,
        note=_("From then on one administrator alone can purge, end holds, shorten retention and detach stores."),
    )


@command(
    SWITCH_OFF,
    needs=Right.MANAGE_SERVER,
    arguments=SwitchOffArguments,
    label=gettext_lazy("Switching off the rule of two people"),
    two_people=_plan_switch_off,
)
def switch_off(actor: Actor, run: TaskRun, arguments: SwitchOffArguments) -> dict[str, object]:
    """Let one person alone do what can't be undone."""
    actor.require(Right.MANAGE_SERVER)
    if two_people.is_switched_on():
        proofs.require(actor, run.approved, SWITCH_OFF, subject=_("The rule of two people"))
        write_option(actor, SERVER, options.get(two_people.OPTION), False)
    return {"two_people": False}
