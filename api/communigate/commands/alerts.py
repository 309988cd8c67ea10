"""Alerts of accounts, domains and the server. An alert is named by its time stamp."""

from __future__ import annotations

from datetime import datetime

from accounts.permissions import Level, Right
from accounts.places import scope_of
from accounts.scopes import SERVER
from api.communigate.context import Context, text_of
from api.communigate.format import DataError, Value, read_value, write_value
from api.communigate.grammar import Arguments
from api.communigate.pwd.door import Data
from api.communigate.refusing import NO_ACCOUNT, Refused
from api.communigate.table import Command, Handler, command, done
from jobs import alert_selectors, alerts
from jobs.models import Alert

STAMP_CHARACTERS = 21  # #T24-12-2026_17:00:00; what follows tells apart those of one second


def _open(context: Context, scope: object) -> list[Alert]:
    where = scope_of(scope)
    return list(alert_selectors.list_alerts_of(context.actor, where.level, where.id))


def _stamp(at: datetime) -> datetime:
    return at.replace(microsecond=0)


def _read(context: Context, scope: object) -> Data:
    """{time stamp: text}; two of one second differ by their number."""
    found: dict[str, Value] = {}
    for alert in _open(context, scope):
        key = write_value(_stamp(alert.posted_at))
        found[key if key not in found else f"{key}-{alert.pk}"] = alerts.words_of(alert)
    return found


def _post(context: Context, scope: object, text: str) -> Data:
    alerts.post_alert(context.actor, text, scope=scope, audience=Alert.Audience.EVERYBODY)
    return done()


def _replace(context: Context, scope: object, values: dict[str, Value]) -> Data:
    """Those that were read and are written back keep their time stamps."""
    warning, everybody = Alert.Severity.WARNING, Alert.Audience.EVERYBODY
    posts = [
        alerts.Post(text_of(text, key), severity=warning, audience=everybody, mail=False, posted_at=_moment(key))
        for key, text in values.items()
    ]
    alerts.set_alerts(context.actor, posts, scope=scope)
    return done()


def _moment(key: str) -> datetime | None:
    """The time that an alert is named by; None of another name."""
    try:
        found = read_value(key[:STAMP_CHARACTERS])
    except DataError:
        return None
    return found if isinstance(found, datetime) else None


def _remove(context: Context, scope: object, stamp: str) -> Data:
    for alert in _open(context, scope):
        key = write_value(_stamp(alert.posted_at))
        if stamp in (key, f"{key}-{alert.pk}"):
            context.actor.require(Right.MANAGE_ALERTS, alert)
            alerts.delete_alert(context.actor, alert)
            return done()
    raise Refused(501, "there is no such alert")


def _stamp_text(value: Value) -> str:
    """A time stamp as a value or as a string."""
    if isinstance(value, datetime):
        return write_value(value)
    text = text_of(value, "timeStamp")
    return write_value(read_value(text)) if text.startswith("#T") and "-" not in text[20:] else text


def _server(context: Context, arguments: Arguments) -> object:
    context.actor.require(Right.MANAGE_ALERTS, SERVER)
    return SERVER


def _domain(context: Context, arguments: Arguments) -> object:
    return context.domain(arguments.get("domain"), Right.MANAGE_ALERTS)


def _account(context: Context, arguments: Arguments) -> object:
    """Reading one's own takes no right."""
    found = context.account(arguments["name"], own=True)
    if found.user is None:
        raise Refused(NO_ACCOUNT, "nobody signs in with this account")
    if not context.actor.owns(found.user):
        context.actor.require(Right.MANAGE_ALERTS, found)
    return found.user


def _family(level: Level) -> list[Command]:
    find, word, name = {
        Level.SERVER: (_server, "SERVER", ""),
        Level.DOMAIN: (_domain, "DOMAIN", "domain "),
        Level.USER: (_account, "ACCOUNT", "name "),
    }[level]
    maybe = f"[ {name}] " if level == Level.DOMAIN else name
    said = "ALERT " if name else ""

    def posting(context: Context, arguments: Arguments) -> object:
        scope = find(context, arguments)
        context.actor.require(Right.MANAGE_ALERTS, scope)
        return scope

    get: Handler = lambda context, arguments: _read(context, find(context, arguments))  # noqa: E731
    put: Handler = lambda context, arguments: _replace(context, posting(context, arguments), arguments["alerts"])  # noqa: E731
    post: Handler = lambda context, arguments: _post(context, posting(context, arguments), arguments["alert"])  # noqa: E731
    remove: Handler = lambda context, arguments: _remove(  # noqa: E731
        context, find(context, arguments), _stamp_text(arguments["stamp"])
    )
    place = word.lower()
    return [
        command(f"GET{word}ALERTS", maybe.strip(), get, f"Read the alerts of the {place}", reads=True),
        command(f"SET{word}ALERTS", f"{maybe}alerts{{}}", put, f"Replace the alerts of the {place}"),
        command(f"POST{word}ALERT", f"{name}{said}alert…", post, f"Post an alert to the {place}"),
        command(f"REMOVE{word}ALERT", f"{name}{said}stamp*", remove, f"Remove an alert of the {place}"),
    ]


COMMANDS: list[Command] = [*_family(Level.DOMAIN), *_family(Level.USER), *_family(Level.SERVER)]
