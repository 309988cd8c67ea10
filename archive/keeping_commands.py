"""The commands about keeping and deleting, under the names that archive programs know them by; each is one service.

Source of the names and datasets: the MailStore administration API.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import Annotated, Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.actors import Actor
from accounts.permissions import Right
from archive.errors import BadPolicy, HoldUnknown, StoreUnavailable
from archive.keeping import exchange
from archive.keeping.policies import Policy
from archive.keeping.wording import shortening_lines
from archive.models import Compliance, LegalHold
from archive.selectors import open_stores
from archive.services import (
    compliance,
    deleting,
    holds,
    mass_deletion,
    retention_dates,
    retention_policies,
    retention_preview,
)
from archive.services.mass_deletion import DeleteMessagesArguments
from archive.services.retention_run import process
from archive.store.errors import StoreError
from jobs.commands import JsonList, JsonObject, NoArguments, command
from jobs.dry_runs import Plan
from jobs.parameters import About
from jobs.running import TaskRun

Result = dict[str, object]


@dataclass(frozen=True, slots=True)
class DeleteMessageArguments:
    """Which, as `<store>:<number>`, and why."""

    id: str
    reason: str


@command(
    "DeleteMessage",
    needs=Right.DELETE_MAIL,
    arguments=DeleteMessageArguments,
    label=gettext_lazy("Deletion of a message"),
)
def delete_message(actor: Actor, run: TaskRun, arguments: DeleteMessageArguments) -> Result:
    """Delete one message, with a reason; what retention, a hold or compliance keeps stays."""
    deleting.delete_message(actor, arguments.id, reason=arguments.reason)
    return {"deleted": arguments.id}


@command(
    mass_deletion.COMMAND,
    needs=Right.DELETE_MAIL,
    arguments=DeleteMessagesArguments,
    label=gettext_lazy("Deletion of many messages"),
    two_people=mass_deletion.plan,
)
def delete_messages(actor: Actor, run: TaskRun, arguments: DeleteMessagesArguments) -> Result:
    """Delete the messages of a search, with a reason and a certificate; what is kept stays."""
    return mass_deletion.delete_messages(actor, run, arguments)


@command(
    "GetComplianceConfiguration",
    needs=Right.MANAGE_RETENTION,
    arguments=NoArguments,
    label=gettext_lazy("Reading of the compliance settings"),
)
def get_compliance_configuration(actor: Actor, run: TaskRun, arguments: NoArguments) -> Result:
    """Read the compliance settings."""
    row = compliance.get_compliance(actor)
    return exchange.compliance_as_json({name: getattr(row, name) for name in compliance.FIELDS})


@dataclass(frozen=True, slots=True)
class ConfigurationArguments:
    """An object as GetComplianceConfiguration gives it."""

    config: Annotated[JsonObject, About(gettext_lazy("Settings"), gettext_lazy("As they are read."), long=True)]


def _plan_compliance(actor: Actor, arguments: ConfigurationArguments) -> Plan | None:
    row = compliance.get_compliance(actor)
    if not compliance.releases(row, exchange.compliance_from_json(arguments.config)):
        return None
    total = sum(each.messages for each in retention_preview.store_counts())
    return Plan(_("Hold on everything"), [(total, _("messages are no longer held by it"))])


@command(
    compliance.COMMAND,
    needs=Right.MANAGE_RETENTION,
    arguments=ConfigurationArguments,
    label=gettext_lazy("Compliance settings"),
    two_people=_plan_compliance,
)
def set_compliance_configuration(actor: Actor, run: TaskRun, arguments: ConfigurationArguments) -> Result:
    """Set the compliance settings; letting go of the hold on everything takes two people."""
    values = exchange.compliance_from_json(arguments.config)
    compliance.set_compliance(actor, values, approved=run.approved)
    row = Compliance.now()
    return exchange.compliance_as_json({name: getattr(row, name) for name in compliance.FIELDS})


@command(
    "GetRetentionPolicies",
    needs=Right.MANAGE_RETENTION,
    arguments=NoArguments,
    label=gettext_lazy("Reading of the retention policies"),
)
def get_retention_policies(actor: Actor, run: TaskRun, arguments: NoArguments) -> Result:
    """Read the retention policies, in their order."""
    actor.require(Right.MANAGE_RETENTION)
    rows = retention_policies.list_policies()
    return {"policies": [exchange.policy_as_json(retention_policies.as_values(row)) for row in rows]}


@dataclass(frozen=True, slots=True)
class PoliciesArguments:
    """A list as GetRetentionPolicies gives it."""

    config: Annotated[JsonList, About(gettext_lazy("Policies"), gettext_lazy("As they are read."), long=True)]
    locked: Annotated[list[str], About(gettext_lazy("Locked"), gettext_lazy("Names of policies to lock."))] = field(
        default_factory=list
    )


def _plan_policies(actor: Actor, arguments: PoliciesArguments) -> Plan | None:
    actor.require(Right.MANAGE_RETENTION)
    return plan_of(retention_policies.read_policies(arguments.config, arguments.locked))


def plan_of(values: list[dict[str, Any]]) -> Plan | None:
    """What of a change lets messages go earlier; None: nothing. Raises: BadPolicy."""
    new: list[Policy] = retention_policies.check(values)
    weaker = retention_policies.weakenings(new)
    if not weaker:
        return None
    found = retention_preview.preview(new)
    numbers = [
        (found.earlier, _("messages may go earlier than now")),
        (found.due, _("messages fall due at once")),
        (found.held, _("of these are held")),
    ]
    return Plan(_("Retention policies"), numbers, note=" ".join(shortening_lines(weaker)))


@command(
    retention_policies.COMMAND,
    needs=Right.MANAGE_RETENTION,
    arguments=PoliciesArguments,
    label=gettext_lazy("Change of the retention policies"),
    two_people=_plan_policies,
)
def set_retention_policies(actor: Actor, run: TaskRun, arguments: PoliciesArguments) -> Result:
    """Set the retention policies, all in their order; what shortens takes two people, a locked one isn't weakened."""
    values = retention_policies.read_policies(arguments.config, arguments.locked)
    edition = retention_policies.set_policies(actor, values, approved=run.approved)
    return {"policies": len(values), "shortens": edition.shortens, **_follow_all(run)}


@command(
    "ProcessRetentionPolicies",
    needs=Right.MANAGE_RETENTION,
    arguments=NoArguments,
    label=gettext_lazy("Processing of retention"),
    resumable=True,
)
def process_retention_policies(actor: Actor, run: TaskRun, arguments: NoArguments) -> Result:
    """Delete what the retention policies let go and nothing else keeps, with a certificate."""
    return process(actor, run)


@command(
    "FollowRetention",
    needs=Right.MANAGE_RETENTION,
    arguments=NoArguments,
    label=gettext_lazy("Working out of retention dates"),
    resumable=True,
)
def follow_retention(actor: Actor, run: TaskRun, arguments: NoArguments) -> Result:
    """Work out from when each message may go, for new messages and after a change of the policies."""
    actor.require(Right.MANAGE_RETENTION)
    result = _follow_all(run)
    if run.stopping():
        raise run.cancelled(result)
    return result


def _follow_all(run: TaskRun) -> Result:
    done = 0
    for store in open_stores():
        if run.stopping():
            break
        progress = partial(run.progress, note=store.name)
        try:
            done += retention_dates.follow(store, stop=run.stopping, progress=progress).messages
        except (StoreUnavailable, StoreError) as error:  # the others are worked out all the same; nothing goes there
            run.log(f"{store.name}: {error}", level="warning")
    return {"worked_out": done}


@dataclass(frozen=True, slots=True)
class ReleaseHoldArguments:
    """Which."""

    hold: int


def _hold(actor: Actor, arguments: ReleaseHoldArguments) -> LegalHold:
    actor.require(Right.MANAGE_HOLDS)
    found = LegalHold.objects.filter(pk=arguments.hold, state=LegalHold.State.ACTIVE).first()
    if found is None:
        raise HoldUnknown(_("There is no hold of this number in force."))
    return found


def _plan_release(actor: Actor, arguments: ReleaseHoldArguments) -> Plan:
    hold = _hold(actor, arguments)
    try:
        numbers = [(holds.preview(actor, holds.terms_of(hold)).messages, _("messages are no longer held by it"))]
    except BadPolicy:  # its words can't be read any more
        numbers = []
    note = _("What no other hold and no policy keeps may be deleted from then on.")
    return Plan(hold.name, numbers, note=note)


@command(
    holds.COMMAND,
    needs=Right.MANAGE_HOLDS,
    arguments=ReleaseHoldArguments,
    label=gettext_lazy("End of a legal hold"),
    two_people=_plan_release,
)
def release_hold(actor: Actor, run: TaskRun, arguments: ReleaseHoldArguments) -> Result:
    """End a legal hold; what only it kept may go from then on."""
    hold = _hold(actor, arguments)
    holds.release_hold(actor, hold, reason=run.approved.reason if run.approved else "", approved=run.approved)
    return {"hold": hold.name}
