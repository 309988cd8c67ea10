"""The commands of evidence: signing stores, the server's keys, packages. And the job that signs by itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from accounts.actors import Actor
from accounts.permissions import Right
from archive import evidence_selectors
from archive.errors import ArchiveError
from archive.evidence.packages import fingerprint
from archive.query.errors import MESSAGES, QueryError
from archive.services import evidence, notices, packages
from archive.services.evidence import CheckpointArguments
from archive.services.notices import DelayArguments
from archive.services.packages import PackageArguments
from jobs.commands import NoArguments, command
from jobs.dispatching import BuiltIn, register_built_in
from jobs.dry_runs import Plan
from jobs.errors import BadArguments
from jobs.running import TaskRun
from jobs.schedules import Schedule


@command("SignStore", needs=Right.MANAGE_STORES, arguments=CheckpointArguments, label=_("Signing of stores"))
def sign_store(actor: Actor, run: TaskRun, arguments: CheckpointArguments) -> dict[str, object]:
    """Sign what each store's journal is now, and have that stamped where an authority is set."""
    return evidence.sign_stores(actor, run, arguments)


@command("GetEvidenceKeys", needs=Right.MANAGE_STORES, arguments=NoArguments, label=_("List of signing keys"))
def get_evidence_keys(actor: Actor, run: TaskRun, arguments: NoArguments) -> dict[str, object]:
    """List the public keys this server signs and has signed with."""
    return {"keys": [
        {
            "public": key.public,
            "fingerprint": fingerprint(bytes.fromhex(key.public)),
            "since": key.created_at.isoformat(),
            "until": None if key.retired_at is None else key.retired_at.isoformat(),
        }
        for key in evidence_selectors.list_keys(actor)
    ]}  # fmt: skip


@contextmanager
def _said_to_whoever_asks() -> Iterator[None]:
    """What is wrong with arguments, as every door tells it. Raises: BadArguments of jobs."""
    try:
        yield
    except QueryError as error:
        raise BadArguments(_now(MESSAGES[error.code]) % error.params, field="query") from error
    except ArchiveError as error:
        raise BadArguments(str(error), field=getattr(error, "field", None) or "") from error


def _check_package(actor: Actor, arguments: PackageArguments) -> None:
    with _said_to_whoever_asks():
        packages.check_package(actor, arguments)


def _plan_delay(actor: Actor, arguments: DelayArguments) -> Plan:
    with _said_to_whoever_asks():
        return notices.plan_delay(actor, arguments)


@command(
    "ExportPackage",
    needs=None,
    arguments=PackageArguments,
    label=_("Evidence package"),
    check=_check_package,
    plannable=False,
)
def export_package(actor: Actor, run: TaskRun, arguments: PackageArguments) -> dict[str, object]:
    """Put messages into a package that others can check without Postkeep."""
    return packages.make_package(actor, run, arguments)


@command(
    notices.COMMAND,
    needs=Right.READ_OTHERS_MAIL,
    arguments=DelayArguments,
    label=_("Delay of the owner's notice"),
    plannable=False,
    two_people=_plan_delay,
)
def delay_notice(actor: Actor, run: TaskRun, arguments: DelayArguments) -> dict[str, object]:
    """For a case, tell the owner of a mailbox only on a set day who opened it."""
    made = notices.delay_notice(actor, arguments, approved=run.approved)
    return {"mailbox": made.mailbox.address, "until": made.until.isoformat(), "case": made.case}


def register_jobs() -> None:
    register_built_in(BuiltIn("sign-stores", "Signing of stores", "SignStore", Schedule(interval=60)))
