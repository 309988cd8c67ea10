"""The commands about profiles, under the names that archive programs know them by; each is one service.

Source: the MailStore administration API, "Archiving and exporting profiles"; ChangeProfile, TestProfile and
CheckProfile are ours.
"""

from __future__ import annotations

from typing import Any

from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.actors import Actor
from accounts.errors import Forbidden
from accounts.permissions import Right
from archive.errors import BadProfile
from archive.models import Profile, Trigger
from archive.profiles import completeness, fields
from archive.services.profiles import automatic, keeping, results, running, trying
from archive.services.profiles.arguments import (
    AutomaticRunArguments,
    ChangeArguments,
    ExecutionArguments,
    ProfileArguments,
    PropertiesArguments,
    RawArguments,
    ResultArguments,
    ResultsArguments,
)
from jobs.commands import command
from jobs.running import TaskRun

Result = dict[str, object]
_READ_ONLY = ("id", "version", "serverSideExecution")


def _may(actor: Actor, arguments: object = None) -> None:
    """Whoever may run some kind of profile. Raises: Forbidden."""
    if not (actor.has(Right.IMPORT_MAIL) or actor.has(Right.EXPORT_MAIL)):
        raise Forbidden("neither importing nor exporting mail of others")


def _only_raw(raw: bool) -> None:
    if not raw:
        raise BadProfile(_("Only raw=true is supported."), field="raw")


def parts_of(properties: dict[str, Any]) -> tuple[str, str, dict[str, Any]]:
    """Name, kind and values of a profile's JSON; what only answers have is passed over. Raises: BadProfile."""
    given = {key: value for key, value in properties.items() if key not in _READ_ONLY and not key.startswith("has")}
    name, kind = given.pop("name", None), given.pop("type", None)
    if not isinstance(name, str) or not isinstance(kind, str):
        raise BadProfile(_("A profile has a name and a type."), field="name" if isinstance(kind, str) else "type")
    return name, kind, fields.read_outside(kind, given)


@command("GetProfiles", needs=None, arguments=RawArguments, label=gettext_lazy("List of profiles"), check=_may)
def get_profiles(actor: Actor, run: TaskRun, arguments: RawArguments) -> Result:
    """List archiving and exporting profiles with their properties, without their secrets."""
    _may(actor)
    _only_raw(arguments.raw)
    return {"profiles": [keeping.properties(profile) for profile in keeping.list_profiles(actor)]}


@command("CreateProfile", needs=None, arguments=PropertiesArguments, label=gettext_lazy("New profile"), check=_may)
def create_profile(actor: Actor, run: TaskRun, arguments: PropertiesArguments) -> Result:
    """Create an archiving or exporting profile from its properties."""
    _only_raw(arguments.raw)
    name, kind, values = parts_of(arguments.properties)
    return keeping.properties(keeping.create_profile(actor, name=name, kind=kind, values=values))


@command("ChangeProfile", needs=None, arguments=ChangeArguments, label=gettext_lazy("Change of a profile"), check=_may)
def change_profile(actor: Actor, run: TaskRun, arguments: ChangeArguments) -> Result:
    """Change properties of a profile; those that aren't named stay."""
    _only_raw(arguments.raw)
    profile = keeping.get_profile(actor, arguments.id)
    name, _kind, values = parts_of({"name": profile.name, **arguments.properties, "type": profile.kind})
    return keeping.properties(keeping.update_profile(actor, profile, name=name, values=values))


@command(
    "DeleteProfile", needs=None, arguments=ProfileArguments, label=gettext_lazy("Deletion of a profile"), check=_may
)
def delete_profile(actor: Actor, run: TaskRun, arguments: ProfileArguments) -> Result:
    """Delete a profile; what it archived stays."""
    profile = keeping.get_profile(actor, arguments.id)
    keeping.delete_profile(actor, profile)
    return {"deleted": arguments.id}


@command("RunProfile", needs=None, arguments=ProfileArguments, label=gettext_lazy("Profile run"), check=_may)
def run_profile(actor: Actor, run: TaskRun, arguments: ProfileArguments) -> Result:
    """Run an archiving or exporting profile."""
    return running.run_profile(actor, run, keeping.get_profile(actor, arguments.id))


@command(
    "RunProfileAutomatically", needs=Right.MANAGE_SERVER, arguments=AutomaticRunArguments,
    label=gettext_lazy("Automatic profile run"),
)  # fmt: skip
def run_automatically(actor: Actor, run: TaskRun, arguments: AutomaticRunArguments) -> Result:
    """Run a profile that is switched to automatic; the clock asks for it."""
    profile = Profile.objects.filter(Q(pk=arguments.id), automatic=True).first()
    if profile is None:
        return {"profile": arguments.id, "outcome": "switched off"}
    try:
        return running.run_profile(actor, run, profile, trigger=Trigger.AUTOMATIC)
    finally:
        automatic.pause(profile)


@command(
    "RunTemporaryProfile", needs=None, arguments=PropertiesArguments, label=gettext_lazy("Temporary profile"),
    check=_may,
)  # fmt: skip
def run_temporary_profile(actor: Actor, run: TaskRun, arguments: PropertiesArguments) -> Result:
    """Run a profile that is not kept."""
    _only_raw(arguments.raw)
    name, kind, values = parts_of(arguments.properties)
    profile = keeping.create_profile(actor, name=name, kind=kind, values=values, temporary=True)
    try:
        return running.run_profile(actor, run, profile, trigger=Trigger.TEMPORARY)
    finally:
        profile.delete()


@command("TestProfile", needs=None, arguments=ProfileArguments, label=gettext_lazy("Try of a profile"), check=_may)
def test_profile(actor: Actor, run: TaskRun, arguments: ProfileArguments) -> Result:
    """See whether a profile's source or target can be used, and which folders it has; nothing is archived."""
    return trying.try_profile(actor, keeping.get_profile(actor, arguments.id))


@command("CheckProfile", needs=None, arguments=ProfileArguments, label=gettext_lazy("Completeness check"), check=_may)
def check_profile(actor: Actor, run: TaskRun, arguments: ProfileArguments) -> Result:
    """Count all that a profile archived again: by source, archive and index, per mailbox and day."""
    profile = keeping.get_profile(actor, arguments.id)
    actor.require(keeping.right_for(profile.kind))
    return {"profile": profile.name, **completeness.check(profile, stop=run.stopping)}


@command(
    "SetProfileServerSideExecution", needs=None, arguments=ExecutionArguments,
    label=gettext_lazy("Automatic execution of a profile"), check=_may,
)  # fmt: skip
def set_profile_server_side_execution(actor: Actor, run: TaskRun, arguments: ExecutionArguments) -> Result:
    """Turn a profile's automatic execution on (with the pause between runs) or off."""
    profile = keeping.get_profile(actor, arguments.id)
    keeping.set_automatic(
        actor, profile, automatic=arguments.automatic, pause_s=arguments.automatic_pause_between_executions,
        window=arguments.automatic_maintenance_windows,
    )  # fmt: skip
    return {"id": profile.pk, **keeping.properties(profile)["serverSideExecution"]}


@command(
    "GetWorkerResults", needs=None, arguments=ResultsArguments, label=gettext_lazy("Results of profiles"), check=_may
)
def get_worker_results(actor: Actor, run: TaskRun, arguments: ResultsArguments) -> Result:
    """List results of profile runs in a time range."""
    found = results.results_between(
        actor, arguments.from_including, arguments.to_excluding, arguments.time_zone_id,
        profile_id=arguments.profile_id, user_name=arguments.user_name,
    )  # fmt: skip
    return {"results": found}


@command(
    "GetWorkerResultReport", needs=None, arguments=ResultArguments, label=gettext_lazy("Report of a run"), check=_may
)
def get_worker_result_report(actor: Actor, run: TaskRun, arguments: ResultArguments) -> Result:
    """Read one result with its folders."""
    return results.report(results.get_result(actor, arguments.id))
