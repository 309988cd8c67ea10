"""This app's and the accounts' parts of the configuration: options, roles, mail server, log, webhooks, jobs."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import options
from accounts.actors import Actor
from accounts.models import OptionValue, Role, User
from accounts.optiontypes import OptionType
from accounts.permissions import Level
from accounts.scopes import SERVER, ScopeRef
from accounts.services.options import reset_option, set_option
from accounts.services.roles import change_role, create_role, delete_role
from config.kit import logbook
from jobs import logs, mail_server, planning
from jobs.configuration.parts import (
    Need,
    Objects,
    Part,
    Secret,
    Values,
    needed_place_of,
    register,
    scope_keys,
    secret,
    split_key,
)
from jobs.errors import BadValue
from jobs.models import Job, MailServer, Webhook
from jobs.webhooks import services as webhooks
from jobs.webhooks.selectors import LEVELS

PERSONAL = Level.USER  # what people set for themselves is theirs


def register_ours() -> None:
    register(
        Part("options", gettext_lazy("Options"), 30, _options, _save_option, _reset_option, needs=_place),
        Part("roles", gettext_lazy("Roles"), 40, _roles, _save_role, _remove_role, needs=_place),
        Part("mail_server", gettext_lazy("Mail server"), 80, _mail_server, _save_mail_server, _forget_mail_server),
        Part("webhooks", gettext_lazy("Webhooks"), 160, _webhooks, _save_webhook, _remove_webhook, needs=_place),
        Part("jobs", gettext_lazy("Jobs"), 170, _jobs, _save_job, _remove_job),
        Part("log", gettext_lazy("Log"), 900, _log, _save_log),  # a file: nothing takes it back, so last
    )


def _place(key: str, values: Values) -> Iterable[Need]:
    return needed_place_of(key)


# --- options ---------------------------------------------------------------------------------------------------------


def _options() -> Objects:
    rows = list(OptionValue.objects.exclude(level=PERSONAL))
    keys = scope_keys({_scope(row) for row in rows})
    known = {option.name for option in options.catalogue()}
    there = [row for row in rows if row.name in known and _scope(row) in keys]
    return {f"{keys[_scope(row)]}/{row.name}": _option(row) for row in there}


def _scope(row: Any) -> ScopeRef:
    return SERVER if row.level == Level.SERVER else ScopeRef(Level(row.level), row.object_id)


def _option(row: OptionValue) -> Values:
    option, value = options.get(row.name), options.stored_value(row)
    if option.type == OptionType.PASSWORD:
        return {"secret": Secret(value.reveal())} if value else {}
    if option.type == OptionType.CREDENTIALS:
        return {"username": value["username"], "secret": Secret(value["password"].reveal())}
    return {"value": value}


def _save_option(actor: Actor, key: str, values: Values, present: Values | None) -> None:
    scope, name = split_key(key)
    option = options.get(name)
    if option.type == OptionType.PASSWORD:
        if "secret" in values:
            set_option(actor, scope, name, values["secret"])
        return
    if option.type == OptionType.CREDENTIALS:
        if "secret" not in values and present is None:
            return  # somebody sets both on its page
        given = {"username": values["username"], "password": values.get("secret", "")}
        set_option(actor, scope, name, given)
        return
    set_option(actor, scope, name, values["value"], even_looser=True)  # what is above may come later in the file


def _reset_option(actor: Actor, key: str) -> None:
    scope, name = split_key(key)
    reset_option(actor, scope, name)


# --- roles -----------------------------------------------------------------------------------------------------------


def _roles() -> Objects:
    rows = list(Role.objects.all())
    keys = scope_keys({row.scope for row in rows})
    return {
        f"{keys[row.scope]}/{row.name}": {"description": row.description, "rights": sorted(row.rights)}
        for row in rows
        if row.scope in keys
    }


def _role(key: str) -> tuple[ScopeRef, str, Role | None]:
    scope, name = split_key(key)
    return scope, name, Role.objects.filter(level=scope.level, object_id=scope.id, name=name).first()


def _save_role(actor: Actor, key: str, values: Values, present: Values | None) -> None:
    scope, name, role = _role(key)
    rights = _texts(values.get("rights", role.rights if role else []))
    description = str(values.get("description", role.description if role else ""))
    if role is None:
        create_role(actor, scope, name=name, rights=rights, description=description)
    else:
        change_role(actor, role, {"rights": rights, "description": description})


def _remove_role(actor: Actor, key: str) -> None:
    role = _role(key)[2]
    if role is not None:
        delete_role(actor, role)


# --- mail server and log ---------------------------------------------------------------------------------------------


def _mail_server() -> Objects:
    row = MailServer.objects.first()
    if row is None:
        return {}
    values: Values = {column: getattr(row, column) for column in mail_server.NAMES.values() if column != "password"}
    if row.password:
        values["password"] = secret(row.password)
    return {"server": values}


def _save_mail_server(actor: Actor, key: str, values: Values, present: Values | None) -> None:
    _only(key, "server")
    now = {} if present is None else {name: value for name, value in present.items() if name != "password"}
    mail_server.set_mail_server(actor, now | values)


def _forget_mail_server(actor: Actor, key: str) -> None:
    mail_server.forget_mail_server(actor)


def _log() -> Objects:
    kept = logbook.read_settings()
    return {"kept": asdict(kept) | {"parts": dict(kept.parts)}}


def _save_log(actor: Actor, key: str, values: Values, present: Values | None) -> None:
    _only(key, "kept")
    given = {name: values.get(name) for name in ("level", "days", "megabytes")}
    parts = values.get("parts")
    if parts is not None:
        parts = dict.fromkeys(logbook.PARTS) | dict(parts)
    logs.set_log_settings(actor, **given, parts=parts)


# --- webhooks --------------------------------------------------------------------------------------------------------


def _webhooks() -> Objects:
    rows = list(Webhook.objects.all())
    keys = scope_keys({row.scope for row in rows})
    return {f"{keys[row.scope]}/{row.name}": _webhook_values(row) for row in rows if row.scope in keys}


def _webhook_values(row: Webhook) -> Values:
    """What stands behind the question mark of an address is the receiver's key as often as not."""
    address, mark, query = row.url.partition("?")
    values: Values = {"url": address, "events": list(row.events), "is_enabled": row.is_enabled}
    return values | {"secret": secret(row.secret)} | ({"query": Secret(query)} if mark else {})


def _webhook(key: str) -> tuple[ScopeRef, str, Webhook | None]:
    scope, name = split_key(key)
    if scope.level not in LEVELS:
        raise BadValue(_("Webhooks are of the server, a customer or a domain."), field="configuration")
    return scope, name, Webhook.objects.filter(level=scope.level, object_id=scope.id, name=name).first()


def _save_webhook(actor: Actor, key: str, values: Values, present: Values | None) -> None:
    scope, name, hook = _webhook(key)
    if "query" in values:
        values = values | {"url": f"{values['url'].partition('?')[0]}?{values['query']}"}
    if hook is None:
        hook, _made = webhooks.create_webhook(actor, scope, name=name, url=values["url"], events=values["events"])
    else:
        given: Values = {field: values[field] for field in ("url", "events") if field in values}
        address, mark, _query = hook.url.partition("?")
        if mark and given.get("url") == address:  # the file doesn't say the rest: it stays
            del given["url"]
        webhooks.change_webhook(actor, hook, given)
    if "secret" in values and values["secret"] != hook.secret.reveal():
        webhooks.set_secret(actor, hook, values["secret"])
    if values.get("is_enabled", hook.is_enabled) is not hook.is_enabled:
        webhooks.switch_webhook(actor, hook, on=bool(values["is_enabled"]))


def _remove_webhook(actor: Actor, key: str) -> None:
    hook = _webhook(key)[2]
    if hook is not None:
        webhooks.delete_webhook(actor, hook)


# --- jobs ------------------------------------------------------------------------------------------------------------

BUILT_IN = "built-in:"


def _jobs() -> Objects:
    found: Objects = {}
    for job in Job.objects.order_by("pk"):
        if job.built_in is not None:
            found[f"{BUILT_IN}{job.built_in}"] = _planned(job)
            continue
        values = _planned(job) | {"command": job.command, "arguments": job.arguments, "owner": job.owner_label}
        if job.secrets:
            values["secrets"] = secret(job.secrets)
        found.setdefault(job.name, values)  # of two with one name the first
    return found


def _planned(job: Job) -> Values:
    return {"schedule": job.schedule, "missed": str(job.missed), "is_enabled": job.is_enabled}


def _job(key: str) -> Job | None:
    if key.startswith(BUILT_IN):
        return Job.objects.filter(built_in=key.removeprefix(BUILT_IN)).first()
    return Job.objects.filter(built_in=None, name=key).order_by("pk").first()


def _save_job(actor: Actor, key: str, values: Values, present: Values | None) -> None:
    job = _job(key)
    schedule = planning.parse_schedule(values["schedule"]) if "schedule" in values else None
    if job is not None:
        own: dict[str, Any] = {}
        if job.built_in is None and ("arguments" in values or "secrets" in values):
            own["arguments"] = _arguments(values, job.arguments)
        planning.change_job(actor, job, schedule=schedule, missed=values.get("missed"), **own)
        if values.get("is_enabled", job.is_enabled) is not job.is_enabled:
            planning.set_job_enabled(actor, job, bool(values["is_enabled"]))
        return
    if key.startswith(BUILT_IN) or schedule is None:
        raise BadValue(_("There is no such job in this version."), field="configuration")
    planning.create_job(
        actor,
        command=str(values["command"]),
        arguments=_arguments(values, {}),
        schedule=schedule,
        name=key,
        owner=User.objects.filter(email=str(values.get("owner", "")).lower(), is_active=True).first() or actor.user,
        missed=str(values.get("missed", Job.Missed.RUN_ONCE)),
        enabled=values.get("is_enabled", True) is True,
    )


def _arguments(values: Values, present: dict[str, Any]) -> dict[str, Any]:
    given = values.get("arguments", present)
    if not isinstance(given, dict):
        raise TypeError("arguments")
    return given | (json.loads(values["secrets"]) if "secrets" in values else {})


def _remove_job(actor: Actor, key: str) -> None:
    job = _job(key)
    if job is not None and job.built_in is None:
        planning.delete_job(actor, job)


def _texts(value: Any) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise TypeError("a list of texts")
    return value


def _only(key: str, wanted: str) -> None:
    if key != wanted:
        raise BadValue(_("There is only “%(name)s” here.") % {"name": wanted}, field="configuration")
