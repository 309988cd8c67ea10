"""Mailing lists and who is on them."""

from __future__ import annotations

from datetime import datetime
from email.utils import parseaddr
from typing import Any

from accounts.permissions import Right
from api.communigate import keeping
from api.communigate.context import Context, text_of
from api.communigate.format import Value
from api.communigate.freeing import make_way
from api.communigate.grammar import Arguments
from api.communigate.keeping import DEFAULT, SETTINGS, Dictionary
from api.communigate.pwd.door import Data
from api.communigate.refusing import Refused
from api.communigate.sizes import bytes_of, size_text
from api.communigate.table import Command, command, done
from domains.models import MailingList, Subscriber
from domains.selectors.lists import get_list as selected
from domains.selectors.lists import list_lists, list_subscribers
from domains.services import claims, objects
from domains.services.lists import settings, subscribing
from domains.services.readdressing import rename_address
from gateway.lists import notices

MODES = "SUBSCRIBE|FEED|DIGEST|INDEX|NULL|BANNED|UNSUBSCRIBE:operation"
POSTINGS = "UNMODERATED|MODERATEALL|PROHIBITED|SPECIAL:posting"
_SUBSCRIBE = {"nobody": "nobody", "anybody": "anybody", "moderated": "moderated", "confirmed": "confirmed"}
_POSTINGS = {"from owner only": "owner", "from subscribers": "subscribers", "moderated": "moderated"}
_POSTINGS |= {"from anybody": "anybody"}
_REPLY = {"to sender": "sender", "to list": "list", "to owner": "owner"}
_CHOICES: dict[str, tuple[str, dict[str, str]]] = {
    "Subscribe": ("subscribing", _SUBSCRIBE),
    "Postings": ("posting", _POSTINGS),
    "Reply": ("reply_to", _REPLY),
}
_TEXTS = {"RealName": "name", "Description": "description", "SubjectPrefix": "subject_prefix"}
_TEXTS |= {"Header": "header", "Footer": "footer"}
_NUMBERS = {"FirstModerated": "first_moderated", "BounceLimit": "bounces_allowed"}
_SUBSCRIBED = (Subscriber.State.SUBSCRIBED, Subscriber.State.PAUSED)


def _list(context: Context, name: str) -> MailingList:
    """A list by its name, for who sees it or owns it. Raises: Refused."""
    claim = claims.find(context.full(name.strip()))
    found = MailingList.objects.filter(address=claim).first() if claim is not None else None
    if found is None:
        raise Refused(501, f"unknown mailing list: {name}")
    return selected(context.actor, found.pk)


# --- lists ------------------------------------------------------------------------------------------------------------


def list_names(context: Context, arguments: Arguments) -> Data:
    domain = context.domain(arguments.get("domain"), Right.VIEW_USERS)
    rows = list_lists(context.actor).filter(address__domain=domain).order_by("address__local")
    return list(rows.values_list("address__local", flat=True))


def list_counted(context: Context, arguments: Arguments) -> Data:
    domain = context.domain(arguments.get("domain"), Right.VIEW_USERS)
    rows = list_lists(context.actor).filter(address__domain=domain).order_by("address__local")
    return {local: str(count) for local, count in rows.values_list("address__local", "subscriber_count")}


def create(context: Context, arguments: Arguments) -> Data:
    domain, address = context.split(arguments["name"], Right.VIEW_DOMAINS)
    owner = arguments["owner"]
    found = context.account(owner if "@" in owner else f"{owner}@{domain.name}")
    make_way(context, address)
    settings.create_list(context.actor, domain, email=address, owner=found)
    return done()


def rename(context: Context, arguments: Arguments) -> Data:
    found, new = _list(context, arguments["name"]), arguments["new"]
    address = new if "@" in new else f"{new}@{found.address.domain.name}"
    make_way(context, address)
    rename_address(context.actor, found.address, email=address)
    return done()


def delete(context: Context, arguments: Arguments) -> Data:
    objects.delete_address(context.actor, _list(context, arguments["name"]).address)
    return done()


def get_settings(context: Context, arguments: Arguments) -> Data:
    found = _list(context, arguments["name"])
    values: Dictionary = {"Owner": found.owner.address.partition("@")[0]}
    for key, (field, words) in _CHOICES.items():
        inside = getattr(found, field)
        values[key] = next((word for word, value in words.items() if value == inside), inside)
    for key, field in _NUMBERS.items():
        values[key] = str(getattr(found, field))
    for key, field in _TEXTS.items():
        text = getattr(found.address if field in ("name", "description") else found, field)
        if text:
            values[key] = text
    if found.max_message_bytes is not None:
        values["SizeLimit"] = size_text(found.max_message_bytes)
    return {**values, **keeping.kept(SETTINGS, found.address)}


def update_settings(context: Context, arguments: Arguments) -> Data:
    found, given = _list(context, arguments["name"]), arguments["settings"]
    settings.require_managing(context.actor, found)
    values, others = _values(context, found, given)
    if values:
        settings.update_list(context.actor, found, values)
    if others:
        keeping.keep(context.actor, SETTINGS, found.address, others, replace=False)
    return done()


def _values(context: Context, found: MailingList, given: Dictionary) -> tuple[dict[str, Any], Dictionary]:
    """(what the list itself has, what is only kept). A word we don't know for a choice is kept, too."""
    values: dict[str, Any] = {}
    others: Dictionary = {}
    for key, value in given.items():
        if key in _CHOICES and str(value).lower() in _CHOICES[key][1]:
            field, words = _CHOICES[key]
            values[field] = words[str(value).lower()]
            others[key] = DEFAULT
        elif key in _TEXTS:
            values[_TEXTS[key]] = "" if value == DEFAULT else text_of(value, key)
        elif key in _NUMBERS and str(value).isdecimal():
            values[_NUMBERS[key]] = int(str(value))
        elif key == "SizeLimit":
            size = bytes_of(value, key)
            values["max_message_bytes"] = None if size is None or size < 0 else size
        elif key == "Owner":
            owner = text_of(value, key)
            values["owner"] = context.account(owner if "@" in owner else f"{owner}@{found.address.domain.name}")
        else:
            others[key] = value
    return values, others


# --- subscribers ------------------------------------------------------------------------------------------------------


def change(context: Context, arguments: Arguments) -> Data:
    """LIST: put somebody on a list, take them off, or change what they get. Only CONFIRM mails somebody: a link."""
    found = _list(context, arguments["name"])
    name, email = parseaddr(arguments["subscriber"])
    email = email or arguments["subscriber"].strip('"<> ')
    operation = arguments["operation"]
    if "confirm" in arguments:
        return _ask(context, found, operation, email, name)
    if operation == "UNSUBSCRIBE":
        if not subscribing.remove_subscribers(context.actor, found, [email]):
            raise Refused(501, f"{email} is not on the list")
        return done()
    mode = "feed" if operation == "SUBSCRIBE" else operation.lower()
    if not subscribing.add_subscribers(context.actor, found, [email], mode=mode, name=name):
        row = _find(context, found, email)
        if row is not None and operation != "SUBSCRIBE":
            subscribing.set_mode(context.actor, row, mode)
    return done()


def _ask(context: Context, found: MailingList, operation: str, email: str, name: str) -> Data:
    """Who is asked is on the list, or off it, once they have opened the link."""
    settings.require_managing(context.actor, found)
    row = _find(context, found, email)
    if operation == "UNSUBSCRIBE":
        notices.send_leave_link(found, _one(context, found, email))
        return done()
    if row is not None and row.state != Subscriber.State.UNCONFIRMED:
        raise Refused(501, f"{email} is on the list already")
    if operation == "BANNED":
        raise Refused(501, "nobody is asked whether to be banned")
    token = subscribing.ask_to_subscribe(found, email, name=name)
    if token is None:
        raise Refused(501, "nobody may subscribe to this list, or they were asked a moment ago")
    row = _one(context, found, email)
    if operation not in ("SUBSCRIBE", row.mode.upper()):
        subscribing.set_mode(context.actor, row, operation.lower())
    notices.send_confirmation(found, row.email, token)
    return done()


def _find(context: Context, found: MailingList, email: str) -> Subscriber | None:
    wanted = parseaddr(email)[1] or email
    return list_subscribers(context.actor, found).filter(email=wanted.strip().lower()).first()


def _one(context: Context, found: MailingList, email: str) -> Subscriber:
    row = _find(context, found, email)
    if row is None:
        raise Refused(501, f"{email} is not on the list")
    return row


def _rows(context: Context, arguments: Arguments) -> tuple[int, list[Subscriber]]:
    """(how many there are in all, those that are wanted)."""
    found = _list(context, arguments["name"])
    rows = list_subscribers(context.actor, found).filter(state__in=_SUBSCRIBED).order_by("email")
    total = rows.count()
    if arguments.get("filter"):
        rows = rows.filter(email__icontains=arguments["filter"])
    if "limit" in arguments:
        rows = rows[: max(0, arguments["limit"])]
    return total, list(rows)


def subscribers(context: Context, arguments: Arguments) -> Data:
    return [row.email for row in _rows(context, arguments)[1]]


def read_subscribers(context: Context, arguments: Arguments) -> Data:
    total, rows = _rows(context, arguments)
    return [total, [_details(row) for row in rows]]


def _details(row: Subscriber) -> Value:
    found: Dictionary = {
        "Sub": row.email,
        "mode": row.mode,
        "subscribeTime": row.subscribed_at.replace(microsecond=0),
        "posts": row.posts,
    }
    if row.name:
        found["RealName"] = row.name
    if row.last_bounce_at is not None:
        found["lastBounceTime"] = row.last_bounce_at.replace(microsecond=0)
    if row.bounces:
        found["bounces"] = row.bounces
    return found


def subscriber_info(context: Context, arguments: Arguments) -> Data:
    row = _find(context, _list(context, arguments["name"]), arguments["subscriber"])
    if row is None:
        return {}
    found: Dictionary = {
        "mode": "subscribe" if row.state == Subscriber.State.UNCONFIRMED else row.mode,
        "confirmationID": "",
        "timeSubscribed": _acap(row.subscribed_at),
        "posts": _posts(row),
    }
    if row.bounces:
        found["bounces"] = str(row.bounces)
    if row.last_bounce_at is not None:
        found["lastBounced"] = _acap(row.last_bounce_at)
    if row.name:
        found["RealName"] = row.name
    return found


def _posts(row: Subscriber) -> Value:
    word = {"special": "special", "moderated": "moderateAll", "prohibited": "prohibited"}.get(row.posting)
    if word is not None:
        return word
    return [str(row.moderate_next)] if row.moderate_next else str(row.posts)


def _acap(at: datetime) -> str:
    """Source: RFC 2244 §3.1.1: YYYYMMDDhhmmss."""
    return f"{at:%Y%m%d%H%M%S}"


def set_posting(context: Context, arguments: Arguments) -> Data:
    row = _one(context, _list(context, arguments["name"]), arguments["subscriber"])
    words = {"UNMODERATED": "unmoderated", "MODERATEALL": "moderated", "PROHIBITED": "prohibited"}
    posting = {**words, "SPECIAL": "special"}.get(arguments.get("posting", ""), "normal")
    subscribing.set_posting(context.actor, row, posting, moderate_next=arguments.get("number", 0))
    return done()


def bounce(context: Context, arguments: Arguments) -> Data:
    row = _one(context, _list(context, arguments["name"]), arguments["subscriber"])
    subscribing.note_bounce(context.actor, row, is_fatal="fatal" in arguments)
    return done()


OF_DOMAIN = ("[ domain ]", "OFFSET domain")  # a widespread client sends that word

COMMANDS: list[Command] = [
    command("LISTLISTS", OF_DOMAIN, list_names, "List a domain's mailing lists", reads=True),
    command("GETDOMAINLISTS", OF_DOMAIN, list_counted, "List them with how many are on each", reads=True),
    command("CREATELIST", "name FOR owner", create, "Make a mailing list"),
    command("RENAMELIST", "name INTO new", rename, "Rename a mailing list"),
    command("DELETELIST", "name", delete, "Delete a mailing list"),
    command("GETLIST", "name", get_settings, "Read a list's settings", reads=True),
    command("UPDATELIST", "name settings{}", update_settings, "Change settings of a list"),
    command("LIST", f"name {MODES} [ SILENTLY ] [ CONFIRM ] subscriber…", change, "Change who is on a list"),
    command("LISTSUBSCRIBERS", "name [ FILTER filter [ limit# ] ]", subscribers, "List who is on a list", reads=True),
    command("READSUBSCRIBERS", "name [ FILTER filter [ limit# ] ]", read_subscribers, "The same in detail", reads=True),
    command("GETSUBSCRIBERINFO", "name NAME subscriber", subscriber_info, "Read one subscriber", reads=True),
    command(
        "SETPOSTINGMODE",
        (f"name FOR subscriber [ {POSTINGS} ]", "name FOR subscriber number#"),
        set_posting,
        "Say what happens to somebody's postings",
    ),
    command("PROCESSBOUNCE", "name [ FATAL ] FOR subscriber", bounce, "Count a bounce"),
]
