"""Queues and repositories: mail on its way, and mail that could not go on. Content isn't told: no token opens mail."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from django.http import Http404, HttpResponse

from accounts.errors import Forbidden
from accounts.permissions import Right
from api.james import quotas, tasks
from api.james.answers import PAYLOAD, JamesError, arguments, body, invalid, not_found, nothing
from api.james.asking import Asked
from domains.errors import Invalid, Taken
from gateway.models import QueueItem, Repository, RepositoryItem
from gateway.queue_commands import (
    PROCESSORS,
    ROOT,
    TRANSPORT,
    QueueArguments,
    RepositoryArguments,
    ReprocessArguments,
)
from gateway.selectors import queues as queue_selectors
from gateway.selectors import repositories as selectors
from gateway.selectors.queues import QueueCount, Wanted
from gateway.services import queues, repositories

PROTOCOLS = ("file", "memory", "cassandra", "jcr", "blob", "postgres", "jpa")
MOST = 10_000
FIELDS = ("attributes", "headers", "textBody", "htmlBody", "messageSize", "perRecipientsHeaders", "innerMessageSize")


# --- queues -----------------------------------------------------------------------------------------------------


def list_queues(asked: Asked) -> HttpResponse:
    return body([found.name for found in queue_selectors.list_queues(asked.actor)])


def queue(asked: Asked) -> HttpResponse:
    found = _queue(asked)
    return body({"name": found.name, "size": found.waiting + found.held})


def _queue(asked: Asked) -> QueueCount:
    asked.actor.require(Right.MANAGE_QUEUES)
    name = asked.named["queue"]
    try:
        return queue_selectors.get_queue(asked.actor, name)
    except Http404 as error:
        raise not_found(f"{name} can not be found") from error


def list_queued(asked: Asked) -> HttpResponse:
    found = _queue(asked)
    limit = quotas.limit_of(asked) or 100
    delayed = asked.query("delayed")
    rows = queue_selectors.find_items(asked.actor, Wanted(queue=found.name)).select_related("message").order_by("pk")
    if delayed is not None:
        rows = rows.filter(attempts__gt=0) if delayed.lower() == "true" else rows.filter(attempts=0)
    return body([_queued(row) for row in rows[: min(limit, MOST)]])


def _queued(row: QueueItem) -> dict[str, Any]:
    return {
        "name": row.message.key,
        "sender": row.sender or None,
        "recipients": [row.address],
        "nextDelivery": row.next_at.isoformat().replace("+00:00", "Z"),
    }


def delete_queued(asked: Asked) -> HttpResponse:
    found = _queue(asked)
    given = {name: value for name in ("sender", "name", "recipient") if (value := asked.query(name)) is not None}
    for name in ("sender", "recipient"):
        if name in given and not _is_address(given[name]):
            raise invalid(f"'{name}' should be a mail address (i.e. {name}@james.org)")
    if len(given) > 1:
        raise invalid(
            "You should provide only one of the query parameters 'sender', 'name', 'recipient' for deleting mails by "
            "condition or no parameter for deleting all mails in the mail queue."
        )
    if "name" in given and not given["name"]:
        raise arguments("an empty value can't be looked for")
    wanted = QueueArguments(
        queue=found.name,
        sender=given.get("sender", ""),
        name=given.get("name", ""),
        recipient=given.get("recipient", ""),
    )
    return tasks.begin(asked, "DeleteFromQueue", wanted)


def _is_address(text: str) -> bool:
    local, at, domain = text.rpartition("@")
    return bool(local and at and domain)


def flush(asked: Asked) -> HttpResponse:
    asked.actor.require(Right.MANAGE_QUEUES)
    if (asked.query("delayed") or "").lower() != "true":
        raise invalid("This request requires delayed param to be set to true")
    try:
        wanted = asked.json()
    except JamesError as error:
        raise invalid(f"Invalid JSON document: {error.details}") from error
    delayed = wanted.get("delayed") if isinstance(wanted, dict) else None
    if delayed not in (False, "false"):
        raise invalid("This request requires payload to contain delayed attribute set to false")
    found = _queue(asked)
    about = Wanted(queue=found.name)
    queues.flush_items(asked.actor, queue_selectors.find_items(asked.actor, about), about=about.as_data())
    return nothing()


def republish(asked: Asked) -> HttpResponse:
    asked.actor.require(Right.MANAGE_QUEUES)
    tasks.wanted(asked, "action", ["RepublishNotProcessedMails"])
    raise arguments("Every message in a queue is seen by its delivery; there are none that are not processed")


# --- repositories -----------------------------------------------------------------------------------------------


def list_repositories(asked: Asked) -> HttpResponse:
    found = [each.repository.name for each in selectors.list_repositories(asked.actor)]
    return body([{"repository": name, "path": quote(name, safe="")} for name in found])


def put_repository(asked: Asked) -> HttpResponse:
    asked.actor.require(Right.MANAGE_QUEUES)
    protocol = asked.query("protocol")
    if protocol is None:
        raise invalid("'protocol' query parameter is compulsory")
    if protocol not in PROTOCOLS:
        raise invalid(f"'{protocol[:100]}' is an unsupported protocol")
    try:
        repositories.create_repository(asked.actor, asked.named["repository"])
    except Taken:
        return nothing()
    except Invalid as error:
        raise invalid(f"Invalid repository path: {asked.named['repository'][:100]}", str(error)) from error
    return nothing()


def repository(asked: Asked) -> HttpResponse:
    found = selectors.count_repository(_repository(asked))
    name = found.repository.name
    return body({"repository": name, "path": quote(name, safe=""), "size": found.size})


def _repository(asked: Asked) -> Repository:
    asked.actor.require(Right.MANAGE_QUEUES)
    name = asked.named["repository"]
    try:
        return selectors.repository_named(asked.actor, name.strip("/"))
    except Http404 as error:
        raise not_found(f"{name} does not exist") from error


def list_stored(asked: Asked) -> HttpResponse:
    limit, offset = quotas.limit_of(asked), quotas.offset_of(asked)
    found = _repository(asked)
    rows = selectors.list_stored(asked.actor, found.pk).order_by("created_at", "pk")
    keys = rows.values_list("key", flat=True)[offset : offset + min(limit or MOST, MOST)]
    return body(list(keys))


def stored(asked: Asked) -> HttpResponse:
    row = _stored(asked)
    if "message/rfc822" in asked.call.header("Accept"):
        raise Forbidden("no token opens other people's mail; a person reads it on its page, with a reason")
    wanted = [name.strip() for name in (asked.query("additionalFields") or "").split(",") if name.strip()]
    if unknown := [name for name in wanted if name not in FIELDS]:
        raise invalid(f"The field '{unknown[0][:100]}' can't be requested in additionalFields parameter")
    was = row.message
    found: dict[str, Any] = {
        "name": row.key,
        "sender": row.sender or None,
        "recipients": row.addresses,
        "state": "error",
        "error": row.why or None,
        "remoteHost": was.client_name if was else "",
        "remoteAddr": (was.client_address or "") if was else "",
        "lastUpdated": row.created_at.isoformat().replace("+00:00", "Z"),
    }
    more: dict[str, Any] = {"attributes": {}, "perRecipientsHeaders": {}, "messageSize": row.content.size_bytes}
    found |= {name: more.get(name) for name in wanted}
    return body(found)


def _stored(asked: Asked) -> RepositoryItem:
    place = _repository(asked)
    try:
        return selectors.stored_named(asked.actor, place, asked.named["mail"])
    except Http404 as error:
        raise not_found(f"Could not retrieve {asked.named['mail']}") from error


def delete_stored(asked: Asked) -> HttpResponse:
    place, key = _repository(asked), asked.named["mail"]
    rows = selectors.list_stored(asked.actor, place.pk).filter(key=key)
    if rows.exists():
        repositories.delete_stored(asked.actor, RepositoryItem.objects.filter(pk__in=rows), about={"name": key})
    return nothing()


def clear(asked: Asked) -> HttpResponse:
    return tasks.begin(asked, "ClearRepository", RepositoryArguments(_repository(asked).name))


def reprocess(asked: Asked) -> HttpResponse:
    asked.actor.require(Right.MANAGE_QUEUES)
    if _names_target(asked):
        return _move(asked, _repository(asked))
    tasks.wanted(asked, "action", ["reprocess"])
    queue, processor = _into(asked)
    return tasks.begin(asked, "ReprocessRepository", ReprocessArguments(_repository(asked).name, "", queue, processor))


def reprocess_one(asked: Asked) -> HttpResponse:
    """Send one on its way again; with a body that names a repository instead: put it there."""
    asked.actor.require(Right.MANAGE_QUEUES)
    if _names_target(asked):
        return _move(asked, _repository(asked), _stored(asked).key)
    tasks.wanted(asked, "action", ["reprocess"])
    place = _repository(asked)
    key = _stored(asked).key
    return tasks.begin(asked, "ReprocessRepository", ReprocessArguments(place.name, key, *_into(asked)))


def _names_target(asked: Asked) -> bool:
    return asked.query("action") is None and bool(asked.call.body.strip())


def _move(asked: Asked, place: Repository, key: str = "") -> HttpResponse:
    """What `{"mailRepository": …}` asks for. Raises: JamesError."""
    given = asked.json()
    name = given.get("mailRepository") if isinstance(given, dict) else None
    if not isinstance(name, str) or not name:
        raise invalid(PAYLOAD, "'mailRepository' is mandatory")
    try:
        target = selectors.repository_named(asked.actor, name)
    except Http404 as error:
        raise not_found(f"{name[:100]} does not exist") from error
    rows = selectors.list_stored(asked.actor, place.pk)
    rows = rows.filter(key=key) if key else rows
    repositories.move_stored(asked.actor, rows, target=target, about={"repository": place.name})
    return nothing()


def _into(asked: Asked) -> tuple[str, str]:
    """The queue to put it into, and the processor to start in; James's spool is where mail is judged anew.

    Raises: JamesError.
    """
    queue, processor = asked.query("queue") or "", asked.query("processor") or ""
    if processor not in PROCESSORS:
        raise arguments(f"'{processor[:100]}' is no processor here. Supported values are [{ROOT}, {TRANSPORT}]")
    return "" if queue == "spool" else queue, processor
