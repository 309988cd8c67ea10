"""The server's overviews: all settings, secrets by name, pending updates."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from accounts.actors import Actor
from accounts.permissions import Right
from api.operations import Group
from api.schemas import Answer, Moment
from api.v1 import subjects
from config.kit import updates
from config.kit.held_secrets import Kind
from config.kit.known_settings import Setting
from jobs import server_settings, server_state

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


@group.get("/server/credentials", admit=subjects.server(Right.MANAGE_SERVER))
def server_credentials(actor: Actor, server: subjects.Server) -> list[CredentialKindAnswer]:
    """List the secrets that the server holds, by kind and name; never a value."""
    return [_kind(each) for each in server_state.list_secrets(actor)]


@group.get("/server/updates", admit=subjects.server(Right.VIEW_HEALTH))
def server_updates(actor: Actor, server: subjects.Server) -> UpdatesAnswer:
    """Read which version runs, which is installed, and which migrations the database lacks."""
    return _updates(server_state.get_updates(actor))
