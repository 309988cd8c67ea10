"""Queues and the messages in them, and how they are worked off."""

from __future__ import annotations

from django.db.models import Count, Min, Q, QuerySet, Sum

from accounts.permissions import Right
from api.communigate import keeping
from api.communigate.context import Context
from api.communigate.format import Value
from api.communigate.grammar import Arguments
from api.communigate.keeping import DEFAULT, Dictionary
from api.communigate.pwd.door import Data
from api.communigate.refusing import Refused
from api.communigate.table import Command, command, done
from gateway.models import QueueItem
from gateway.selectors import queues as selectors
from gateway.selectors.queues import Wanted
from gateway.services import queues

NO_NOTICE = "NONDN"
QUEUE = "queuesettings"
_FIELDS = {
    "LifetimeHours": "lifetime_hours",
    "WarningHours": "warning_hours",
    "FirstRetrySeconds": "first_retry_s",
    "LongestRetrySeconds": "longest_retry_s",
    "ConnectionsPerDestination": "per_destination",
    "Connections": "connections",
    "MostRecipients": "most_recipients",
}


def _waiting_for(context: Context, name: str) -> QuerySet[QueueItem]:
    """What waits for a destination: a domain, or a server as the queue's page calls it."""
    wanted = name.strip().lower()
    items = selectors.list_items(context.actor)
    return items.filter(
        Q(destination=wanted) | Q(destination__endswith=f":{wanted}") | Q(address__endswith=f"@{wanted}")
    )


def release(context: Context, arguments: Arguments) -> Data:
    queues.flush_items(
        context.actor, _waiting_for(context, arguments["queue"]), about={"destination": arguments["queue"]}
    )
    return done()


def reject_one(context: Context, arguments: Arguments) -> Data:
    rows = selectors.find_items(context.actor, Wanted(ids=[arguments["id"]]))
    return _reject(context, rows, arguments, {"ids": [arguments["id"]]}, "there is no such message in the queues")


def reject_all(context: Context, arguments: Arguments) -> Data:
    wanted = Wanted(sender=arguments["sender"])
    return _reject(context, selectors.find_items(context.actor, wanted), arguments, wanted.as_data(), "")


def _reject(
    context: Context, rows: QuerySet[QueueItem], arguments: Arguments, about: dict[str, object], missing: str
) -> Data:
    text = arguments.get("text", "")
    told = text.strip().upper() != NO_NOTICE
    count = queues.reject_items(context.actor, rows, notice=told, text=text[:300] if told else "", about=about)
    if not count and missing:
        raise Refused(501, missing)
    return done()


def queue_info(context: Context, arguments: Arguments) -> Data:
    """{} where nothing waits there. The module is SMTP: the others keep nothing."""
    if arguments["module"].upper() != "SMTP":
        selectors.list_items(context.actor)
        return {}
    rows = _waiting_for(context, arguments["queue"])
    found = rows.values("content_id", "content__size_bytes", "next_at").order_by()
    sums = found.aggregate(count=Count("pk"), size=Sum("content__size_bytes"), next=Min("next_at"))
    if not sums["count"]:
        return {}
    last = rows.exclude(last_reply="").order_by("-pk").values_list("last_reply", flat=True).first()
    told: Dictionary = {"nTotal": sums["count"], "size": sums["size"] or 0}
    if sums["next"] is not None:
        told["delayedTill"] = sums["next"].replace(microsecond=0)
    if last:
        told["lastError"] = last
    return told


def get_settings(context: Context, arguments: Arguments) -> Data:
    found = selectors.get_settings(context.actor)
    own: dict[str, Value] = {key: str(getattr(found, field)) for key, field in _FIELDS.items()}
    return {**keeping.kept(QUEUE), **own}


def set_settings(context: Context, arguments: Arguments) -> Data:
    values = arguments["settings"]
    own = {field: values[key] for key, field in _FIELDS.items() if values.get(key, DEFAULT) != DEFAULT}
    if not all(str(value).isdecimal() for value in own.values()):
        raise Refused(501, "numbers are expected")
    context.actor.require(Right.MANAGE_QUEUES)
    if own:
        queues.set_settings(context.actor, {field: int(str(value)) for field, value in own.items()})
    others = {key: value for key, value in values.items() if key not in _FIELDS}
    keeping.keep(context.actor, QUEUE, None, others, replace=True)
    return done()


COMMANDS: list[Command] = [
    command("RELEASESMTPQUEUE", "queue", release, "Try what waits for a destination now"),
    command("REJECTQUEUEMESSAGE", ("id# [ REPORT text ]", "id# text…"), reject_one, "Give up a message in the queue"),
    command("REJECTQUEUEMESSAGES", ("SENDER sender [ REPORT text ]", "SENDER sender text…"), reject_all, "Give up all"),
    command("GETMESSAGEQUEUEINFO", "module QUEUE queue", queue_info, "Read what waits for a destination", reads=True),
    command("GETQUEUESETTINGS", "", get_settings, "Read how queues are worked off", reads=True),
    command("SETQUEUESETTINGS", "settings{}", set_settings, "Set how queues are worked off"),
]
