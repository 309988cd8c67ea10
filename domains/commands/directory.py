"""The commands about directory services, under the names that archive programs know them by.

They speak of the server's own directory: the one it chose, else the only one it has. Its configuration is the source's
name, kind, switches and settings; the password is given and never answered. Source of the names: the MailStore
administration API, "Directory services".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import responsible
from accounts.actors import Actor
from accounts.errors import AccountsError
from accounts.models import Source
from accounts.permissions import Right
from accounts.scopes import SERVER
from accounts.selectors.sources import sources_visible_to
from accounts.services.sources import choose_source, create_source, update_source
from accounts.sources.kinds import Kind
from domains.errors import DomainsError
from domains.models import DirectoryRun
from domains.services.syncing.running import require_syncing, sync_directory
from jobs.commands import About, NoArguments, SecretObject, command
from jobs.errors import BadArguments, NotReady
from jobs.running import TaskRun

Result = dict[str, object]
SWITCHES = ("is_enabled", "creates_people", "local_for_administrators")
_DIRECTORIES = [each.value for each in Kind if each.is_directory]


@dataclass(frozen=True, slots=True)
class ConfigurationArguments:
    """Of the shape that GetDirectoryServicesConfiguration answers, with `password` beside."""

    config: SecretObject


@dataclass(frozen=True, slots=True)
class SyncArguments:
    """source: which, by its number; the server's own where nobody says. confirm: as many as would be shut out."""

    dry_run: Annotated[bool, About(gettext_lazy("Only try"))] = False
    source: Annotated[int | None, About(gettext_lazy("Source"))] = None
    confirm: Annotated[
        int | None,
        About(
            gettext_lazy("Confirm so many leavers"),
            gettext_lazy("Where a run stopped because so many people would be shut out."),
        ),
    ] = None


def server_directory() -> Source | None:
    """The directory that the commands speak of."""
    chosen = responsible.chosen((SERVER,)).source
    if chosen is not None and chosen.kind_of.is_directory:
        return chosen
    return Source.objects.filter(level=SERVER.level, kind__in=_DIRECTORIES).order_by("pk").first()


@command(
    "GetDirectoryServicesConfiguration",
    needs=Right.MANAGE_SOURCES,
    arguments=NoArguments,
    label=gettext_lazy("Directory services"),
)
def get_directory_services_configuration(actor: Actor, run: TaskRun, arguments: NoArguments) -> Result:
    """Read how the organisation's directory is connected, without its password."""
    actor.require(Right.MANAGE_SOURCES)  # the server's own
    source = server_directory()
    if source is None:
        return {"status": "not set up", "type": None}
    return {"status": "set up", **configuration_of(source)}


def configuration_of(source: Source) -> Result:
    """Everything it is told but its password."""
    switches = {name: getattr(source, name) for name in SWITCHES}
    return {
        "type": source.kind, "name": source.name, "hasPassword": bool(source.secret), **switches,
        "settings": dict(source.settings),
    }  # fmt: skip


@command(
    "SetDirectoryServicesConfiguration",
    needs=Right.MANAGE_SOURCES,
    arguments=ConfigurationArguments,
    label=gettext_lazy("Connection of directory services"),
    plannable=False,
    needs_proof=True,
)
def set_directory_services_configuration(actor: Actor, run: TaskRun, arguments: ConfigurationArguments) -> Result:
    """Connect the organisation's directory for the whole server, or change how it is connected."""
    given: dict[str, Any] = dict(arguments.config)
    kind = str(given.pop("type", Kind.LDAP.value))
    if kind not in _DIRECTORIES:
        raise BadArguments(_("It is one of: %(known)s.") % {"known": ", ".join(_DIRECTORIES)}, field="config")
    for answered in ("status", "hasPassword"):
        given.pop(answered, None)
    values: dict[str, Any] = {name: given.pop(name) for name in SWITCHES if name in given}
    name, password = str(given.pop("name", "") or _("Directory")), given.pop("password", None)
    settings = given.pop("settings", {})
    if given or not isinstance(settings, dict) or not all(isinstance(each, bool) for each in values.values()):
        raise BadArguments(_("It has the shape that GetDirectoryServicesConfiguration answers."), field="config")
    source = server_directory()
    try:
        if source is not None and source.kind == kind:
            values |= {"name": name, "settings": settings, **({} if password is None else {"secret": str(password)})}
            update_source(actor, source, values)
        else:
            source = create_source(
                actor, SERVER, kind=kind, name=name, settings=settings, secret=str(password or ""), **values
            )
            if responsible.chosen((SERVER,)).at is None:
                choose_source(actor, SERVER, source)
    except AccountsError as error:
        raise BadArguments(str(error), field="config") from error
    return {"status": "set up", **configuration_of(source)}


def _check(actor: Actor, arguments: SyncArguments) -> None:
    """Before a task is made. Where nothing is set up, the task says so."""
    if arguments.source is None and server_directory() is None:
        actor.require(Right.MANAGE_SOURCES)
    else:
        require_syncing(actor, _source(actor, arguments.source))


@command(
    "SyncUsersWithDirectoryServices",
    needs=None,
    arguments=SyncArguments,
    label=gettext_lazy("Synchronisation with directory services"),
    check=_check,
)
def sync_users_with_directory_services(actor: Actor, run: TaskRun, arguments: SyncArguments) -> Result:
    """Take people over from the organisation's directory, or say what that would do. Leavers are shut out, their mail
    stays.
    """
    source = _source(actor, arguments.source)

    try:
        done = _sync(actor, run, source, dry_run=arguments.dry_run, confirm_leavers=arguments.confirm)
    except (AccountsError, DomainsError) as error:
        raise NotReady(str(error)) from error
    return result_of(done)


@command(
    "SyncServerDirectory",
    needs=Right.MANAGE_SERVER,
    arguments=NoArguments,
    label=gettext_lazy("Nightly synchronisation with directories"),
)
def sync_server_directory(actor: Actor, run: TaskRun, arguments: NoArguments) -> Result:
    """Take people over from every directory that some place has chosen; the job of every night.

    One that fails is told and keeps none of the others from being read.
    """
    rows = Source.objects.filter(kind__in=_DIRECTORIES, is_enabled=True, choices__isnull=False).distinct()
    done: list[Result] = []
    failed: list[str] = []
    for source in rows.order_by("pk"):
        if run.stopping():
            raise run.cancelled({"directories": done})
        try:
            done.append(result_of(_sync(actor, run, source)))
        except (AccountsError, DomainsError) as error:
            failed.append(f"{source.name}: {error}")
            run.log(failed[-1], "error")
    if failed:
        raise NotReady("; ".join(failed)[:2_000])
    return {"directories": done}


def _sync(actor: Actor, run: TaskRun, source: Source, **how: Any) -> DirectoryRun:
    """With progress, ended where the task is."""

    def stop() -> None:
        if run.stopping():
            raise run.cancelled({"source": source.name})

    def progress(count: int, note: str) -> None:
        run.progress(count, None, "entries", note)

    return sync_directory(actor, source, progress=progress, stop=stop, **how)


def result_of(done: DirectoryRun) -> Result:
    """Numbers of a run, and where its list is."""
    return {
        "source": done.source.name, "run": done.pk, "dryRun": done.is_dry, "entries": done.entries,
        "known": done.known, "leavers": done.leavers, **done.counts,
    }  # fmt: skip


def _source(actor: Actor, source_id: int | None) -> Source:
    """Raises: NotReady, BadArguments."""
    if source_id is None:
        found = server_directory()
        if found is None:
            raise NotReady(_("Directory services are not set up."))
        return found
    there = sources_visible_to(actor).filter(pk=source_id).first()
    if there is None:
        raise BadArguments(_("There is no such source."), field="source")
    return there
