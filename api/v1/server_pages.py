"""The server's overviews: all settings, secrets by name, pending updates."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, JsonValue

from accounts.actors import Actor
from accounts.permissions import Right
from accounts.scopes import SERVER
from api.operations import Group
from api.schemas import Answer, Body, Moment
from api.v1 import subjects
from config.kit import updates
from config.kit.held_secrets import Kind
from config.kit.known_settings import Setting
from jobs import server_settings, server_state
from jobs.configuration import files
from jobs.configuration import services as configuration

group = Group("Server", "All settings with their source and effect, the secrets it holds by name, pending updates.")


class SettingsQuery(BaseModel, extra="forbid"):
    """query: words that each setting must hold."""

    query: Annotated[str, Field(max_length=200)] = ""


class SettingAnswer(Answer):
    """A setting. value: null for a secret; page: the path at which it is changed, null for the environment's."""

    name: str
    group: str
    label: str
    value: str | None
    is_secret: bool
    is_set: bool
    source: Literal["default", "environment", "page"]
    effect: str
    page: str | None
    needs_restart: bool


class CredentialAnswer(Answer):
    """A secret, without its value."""

    name: str
    page: str | None
    changed_at: Moment | None
    last_used_at: Moment | None


class CredentialKindAnswer(Answer):
    """Secrets of one kind. credentials: named where they are few enough."""

    kind: str
    count: int
    credentials: list[CredentialAnswer]


class SchemaAnswer(Answer):
    """An app's place in the database."""

    app: str
    applied: str
    installed: str
    count: int


class UpdatesAnswer(Answer):
    """Whether what runs, what is installed and what the database has belong together."""

    running_version: str
    installed_version: str
    needs_restart: bool
    missing_migrations: list[str]
    unknown_migrations: list[str]
    schemas: list[SchemaAnswer]


def _setting(setting: Setting) -> SettingAnswer:
    return SettingAnswer(
        name=setting.name,
        group=str(setting.group),
        label=str(setting.label),
        value=None if setting.is_secret else str(setting.value),
        is_secret=setting.is_secret,
        is_set=setting.is_set if setting.is_secret else bool(str(setting.value)),
        source=setting.source,
        effect=str(setting.effect),
        page=setting.url or None,
        needs_restart=setting.restarts,
    )


def _kind(kind: Kind) -> CredentialKindAnswer:
    named: list[Any] = [
        CredentialAnswer(name=each.name, page=each.url or None, changed_at=each.changed_at, last_used_at=each.used_at)
        for each in kind.held
    ]
    return CredentialKindAnswer(kind=kind.label, count=kind.count, credentials=named)


def _updates(state: updates.State) -> UpdatesAnswer:
    return UpdatesAnswer(
        running_version=state.running,
        installed_version=state.installed,
        needs_restart=state.needs_restart,
        missing_migrations=state.missing,
        unknown_migrations=state.unknown,
        schemas=[
            SchemaAnswer(app=each.app, applied=each.applied, installed=each.installed, count=each.count)
            for each in state.schema
        ],
    )


@group.get("/server/settings", admit=subjects.server(Right.MANAGE_SERVER))
def server_settings_list(actor: Actor, server: subjects.Server, query: SettingsQuery) -> list[SettingAnswer]:
    """List every setting of the server: value, source, effect. Secrets say only whether they are set."""
    return [_setting(each) for each in server_settings.list_settings(actor, query.query)]


class ExportBody(Body):
    """parts: all without any; passphrase: secrets come along, sealed with it."""

    parts: Annotated[list[str], Field(max_length=100)] = []
    passphrase: Annotated[str, Field(max_length=500)] = ""


class ImportBody(Body):
    """The document of an export. removes: what it lacks goes; apply: do it, else it is only compared."""

    configuration: dict[str, JsonValue]
    parts: Annotated[list[str], Field(max_length=100)] = []
    removes: bool = False
    apply: bool = False
    passphrase: Annotated[str, Field(max_length=500)] = ""


class ConfigurationAnswer(Answer):
    """The configuration; docs/configuration.md says how it is written."""

    kind: str
    format: int
    version: str
    protection: dict[str, JsonValue] | None
    parts: dict[str, JsonValue]


class ChangedFieldAnswer(Answer):
    """A value that an import changes, as text; secrets are masked."""

    name: str
    old: str | None
    new: str | None


class ChangeAnswer(Answer):
    """What an import does to an object; stay: the file doesn't have it, and it is left alone."""

    part: str
    key: str
    action: Literal["add", "change", "remove", "stay"]
    fields: list[ChangedFieldAnswer]


class UnsetAnswer(Answer):
    """A secret that remains to be set. is_left_out: its object can't be made without it, and wasn't."""

    part: str
    key: str
    name: str
    is_left_out: bool


class RemarkAnswer(Answer):
    """Something to know of an object. is_missing: it leans on something that is neither here nor in the file."""

    part: str
    key: str
    text: str
    is_missing: bool


class DiffAnswer(Answer):
    """What an import does. secrets_to_set: what the file only marks and nobody has set here yet."""

    applied: bool
    changes: list[ChangeAnswer]
    secrets_to_set: list[UnsetAnswer]
    remarks: list[RemarkAnswer]


def _configuration(actor: Actor) -> subjects.Server:
    """The whole configuration is for system administrators only, and tokens of theirs that let everything."""
    configuration.require_whole(actor)
    return SERVER


def _document(text: str) -> ConfigurationAnswer:
    return ConfigurationAnswer(**json.loads(text))


@group.get("/server/configuration", admit=_configuration)
def configuration_export(actor: Actor, server: subjects.Server) -> ConfigurationAnswer:
    """Read the whole configuration, without secrets. For a token that lets everything a system administrator may."""
    return _document(configuration.export_configuration(actor))


@group.post("/server/configuration/export", admit=_configuration, status=200)
def configuration_export_some(actor: Actor, server: subjects.Server, body: ExportBody) -> ConfigurationAnswer:
    """Read some parts of the configuration, with secrets sealed where there is a passphrase."""
    return _document(configuration.export_configuration(actor, parts=body.parts or None, passphrase=body.passphrase))


@group.post("/server/configuration/import", admit=_configuration, status=200)
def configuration_import(actor: Actor, server: subjects.Server, body: ImportBody) -> DiffAnswer:
    """Compare a configuration with what is set, or put it in place, all or nothing."""
    wanted = files.inside(body.configuration, body.passphrase)
    do = configuration.import_configuration if body.apply else configuration.compare
    diff = do(actor, wanted, parts=body.parts or None, removes=body.removes)
    changes = [
        ChangeAnswer(
            part=change.part.name,
            key=change.key,
            action=change.action,  # type: ignore[arg-type]
            fields=[ChangedFieldAnswer(name=each.name, old=each.old, new=each.new) for each in change.fields],
        )
        for change in diff.changes
    ]
    unset = [
        UnsetAnswer(part=each.part.name, key=each.key, name=each.name, is_left_out=each.is_left_out)
        for each in diff.unset
    ]
    remarks = [
        RemarkAnswer(part=each.part.name, key=each.key, text=each.text, is_missing=each.is_missing)
        for each in diff.remarks
    ]
    return DiffAnswer(applied=body.apply, changes=changes, secrets_to_set=unset, remarks=remarks)


@group.get("/server/credentials", admit=subjects.server(Right.MANAGE_SERVER))
def server_credentials(actor: Actor, server: subjects.Server) -> list[CredentialKindAnswer]:
    """List the secrets that the server holds, by kind and name; never a value."""
    return [_kind(each) for each in server_state.list_secrets(actor)]


@group.get("/server/updates", admit=subjects.server(Right.VIEW_HEALTH))
def server_updates(actor: Actor, server: subjects.Server) -> UpdatesAnswer:
    """Read which version runs, which is installed, and which migrations the database lacks."""
    return _updates(server_state.get_updates(actor))
