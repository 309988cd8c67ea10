"""The server itself: health by component, figures, and the version of its schema (our migrations).

Health is told without credentials, as James's is and as load balancers need it: names and states; why something is
wrong only to who may see the server's health.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

from django.db.migrations.recorder import MigrationRecorder
from django.http import HttpResponse

from accounts.actors import Actor
from accounts.errors import Forbidden
from accounts.permissions import Right
from api.errors import ApiError
from api.james import credentials, tasks
from api.james.answers import JamesError, body, not_found
from api.james.asking import Asked
from config.kit import health
from config.kit.monitoring import exposition
from jobs.commands import NoArguments

STATUS = {"ok": "healthy", "warning": "degraded", "error": "unhealthy"}
SUPPORTED_UNTIL = 1_000_000


def check_all(asked: Asked) -> HttpResponse:
    reports = health.run_all_in_english()
    wanted = asked.call.query.getlist("check")
    if wanted:
        chosen = [report for report in reports if str(report.name) in wanted]
        if not chosen:
            raise not_found(f"Components with name {', '.join(wanted)[:500]} cannot be found")
        reports = chosen
    return _told(asked, reports, {"checks": [_one(asked, report) for report in reports]})


def list_checks(asked: Asked) -> HttpResponse:
    names = health.names()
    return body([{"componentName": name, "escapedComponentName": quote(name, safe="")} for name in names])


def check_one(asked: Asked) -> HttpResponse:
    name = asked.named["component"]
    reports = [report for report in health.run_all_in_english() if str(report.name) == name]
    if not reports:
        raise not_found(f"Component with name {name} cannot be found")
    worst = max(reports, key=lambda report: list(STATUS).index(report.state))
    response = _told(asked, [worst], {})
    return body(_one(asked, worst), response.status_code)


def _told(asked: Asked, reports: list[health.Report], more: dict[str, Any]) -> HttpResponse:
    worst = max((list(STATUS).index(report.state) for report in reports), default=0)
    state = list(STATUS)[worst]
    is_down = state == "error" or (state == "warning" and asked.has("strict"))
    return body({"status": STATUS[state], **more}, 503 if is_down else 200)


def _one(asked: Asked, report: health.Report) -> dict[str, Any]:
    name = str(report.name)
    sees = _caller(asked) is not None
    return {
        "componentName": name,
        "escapedComponentName": quote(name, safe=""),
        "status": STATUS[report.state],
        "cause": str(report.text) if sees and report.state != "ok" else None,
    }


def metrics(asked: Asked) -> HttpResponse:
    """Figures as OpenMetrics text, for who may see the server's health."""
    actor = _caller(asked)
    if actor is None:
        raise Forbidden("figures are for who may see the server's health")
    return HttpResponse("".join(exposition()), content_type="text/plain; version=0.0.4; charset=utf-8")


def _caller(asked: Asked) -> Actor | None:
    """Whoever may see the health, of a public route; credentials are looked at once."""
    if asked.call.actor is None and (asked.call.header("Password") or asked.call.header("Authorization")):
        try:
            asked.call.actor = credentials.actor_of(asked.call)
        except ApiError:
            return None
    actor = asked.call.actor
    return actor if actor is not None and actor.has(Right.VIEW_HEALTH) else None


def swagger(asked: Asked) -> HttpResponse:
    """What can be asked, as a document of Swagger 2.0; for everybody, as in James."""
    paths: dict[str, dict[str, Any]] = {}
    for operation in asked.call.dialect.operations():
        names = re.findall(r"\{(\w+)\}", operation.path)
        paths.setdefault(operation.path, {})[operation.method.lower()] = {
            "summary": operation.about,
            "parameters": [{"name": name, "in": "path", "required": True, "type": "string"} for name in names],
            "responses": {"default": {"description": operation.refused or "as WebAdmin answers"}},
        }
    return body({"swagger": "2.0", "info": {"title": "WebAdmin", "version": "1"}, "paths": paths})


# --- the schema -------------------------------------------------------------------------------------------------


def version(asked: Asked) -> HttpResponse:
    asked.actor.require(Right.MANAGE_SERVER)
    return body({"version": _version()})


def latest(asked: Asked) -> HttpResponse:
    """The same: the schema is brought up before anything is served."""
    return version(asked)


def upgrade(asked: Asked) -> HttpResponse:
    asked.actor.require(Right.MANAGE_SERVER)
    text = asked.text()
    if not text.isdecimal() or not 0 < int(text[:9]) < SUPPORTED_UNTIL:
        raise JamesError(400, "InvalidArgument", "Invalid request for version upgrade", "a positive number is expected")
    if int(text) > _version():
        raise JamesError(410, "WrongState", "The migration requested can not be performed", "there is no such version")
    return tasks.begin(asked, "CheckSchema", NoArguments())


def upgrade_latest(asked: Asked) -> HttpResponse:
    asked.actor.require(Right.MANAGE_SERVER)
    return tasks.begin(asked, "CheckSchema", NoArguments())


def merge_mailboxes(asked: Asked) -> HttpResponse:
    asked.actor.require(Right.MANAGE_SERVER)
    asked.json()
    raise JamesError(
        400, "InvalidArgument", "Ghost mailboxes are a fault of Cassandra's; there are none here",
        "MergeFolders puts one folder of an archive into another",
    )  # fmt: skip


def _version() -> int:
    return MigrationRecorder.Migration.objects.count()
