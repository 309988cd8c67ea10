"""Quotas of the server, of domains and of users: counts and bytes; null asks the level above, -1 is unlimited."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from django.http import Http404, HttpResponse

from accounts.permissions import Right
from accounts.scopes import SERVER
from api.james import domains, tasks, users
from api.james.answers import PAYLOAD, JamesError, arguments, bad_domain, body, invalid, not_found, nothing
from api.james.asking import Asked
from domains.commands.quotas import RecomputeArguments
from domains.errors import BadAddress
from domains.models import Domain, Mailbox
from domains.selectors import list_mailboxes
from domains.services import quotas
from domains.services.domains import parse_name
from domains.services.quotas import LARGEST, Quota

COLUMNS = {"count": "quota_messages", "size": "quota_bytes"}
WRONG = "Invalid quota. Need to be an integer value greater or equal to -1"
_INTEGER = re.compile(r"[+-]?[0-9]{1,19}", re.ASCII)
MOST_USERS = 10_000
COMPONENTS = ("MAILBOX", "JMAP_UPLOADS", "SIEVE")  # all are counted at once here


def whole(text: str) -> int:
    """A quota's value. Raises: JamesError."""
    if not _INTEGER.fullmatch(text):
        raise invalid(WRONG, f'For input string: "{text[:100]}"')
    if not -1 <= int(text) <= LARGEST:
        raise invalid(WRONG, f"Value {int(text)} is out of range")
    return int(text)


def pair(asked: Asked) -> dict[str, int | None]:
    """The columns of {"count":…,"size":…}; what is left out is unset. Raises: JamesError."""
    found = asked.json()
    if not isinstance(found, dict):
        raise invalid(PAYLOAD, "an object with count and size is expected")
    values: dict[str, int | None] = {}
    for name, column in COLUMNS.items():
        value = found.get(name)
        if value is not None and (not isinstance(value, int) or isinstance(value, bool)):
            raise invalid(PAYLOAD, f"'{name}' is no integer")
        values[column] = None if value is None else whole(str(value))
    return values


# --- the server -------------------------------------------------------------------------------------------------


def server(asked: Asked) -> HttpResponse:
    asked.actor.require(Right.MANAGE_QUOTAS, SERVER)
    row = quotas.server_quota()
    if row.quota_messages is None and row.quota_bytes is None:
        return nothing()
    return body({"count": row.quota_messages, "size": row.quota_bytes})


def put_server(asked: Asked) -> HttpResponse:
    asked.actor.require(Right.MANAGE_QUOTAS, SERVER)
    quotas.set_server_quota(asked.actor, pair(asked))
    return nothing()


def server_one(name: str) -> Callable[[Asked], HttpResponse]:
    def get(asked: Asked) -> HttpResponse:
        asked.actor.require(Right.MANAGE_QUOTAS, SERVER)
        return one(getattr(quotas.server_quota(), COLUMNS[name]))

    return get


def put_server_one(name: str) -> Callable[[Asked], HttpResponse]:
    def put(asked: Asked) -> HttpResponse:
        asked.actor.require(Right.MANAGE_QUOTAS, SERVER)
        quotas.set_server_quota(asked.actor, {COLUMNS[name]: whole(asked.text())})
        return nothing()

    return put


def delete_server_one(name: str) -> Callable[[Asked], HttpResponse]:
    def delete(asked: Asked) -> HttpResponse:
        quotas.set_server_quota(asked.actor, {COLUMNS[name]: None})
        return nothing()

    return delete


def one(value: int | None) -> HttpResponse:
    """A number, or nothing where it is unset."""
    return nothing() if value is None else body(value)


# --- domains ----------------------------------------------------------------------------------------------------


def _domain(asked: Asked, need: Right = Right.VIEW_DOMAINS) -> Domain:
    name = asked.named["domain"]
    try:
        return domains.find(asked, parse_name(name), need=need)
    except BadAddress as error:
        raise bad_domain(name) from error
    except Http404 as error:
        raise not_found("Domain not found") from error


def domain(asked: Asked) -> HttpResponse:
    found = quotas.of_domain(_domain(asked))
    return body({"global": _level(found, "server"), "domain": _level(found, "domain"), "computed": _computed(found)})


def put_domain(asked: Asked) -> HttpResponse:
    row = _domain(asked, Right.MANAGE_QUOTAS)
    quotas.set_domain_quota(asked.actor, row, pair(asked))
    return nothing()


def domain_one(name: str) -> Callable[[Asked], HttpResponse]:
    return lambda asked: one(getattr(_domain(asked), COLUMNS[name]))


def put_domain_one(name: str) -> Callable[[Asked], HttpResponse]:
    def put(asked: Asked) -> HttpResponse:
        row = _domain(asked, Right.MANAGE_QUOTAS)
        quotas.set_domain_quota(asked.actor, row, {COLUMNS[name]: whole(asked.text())})
        return nothing()

    return put


def delete_domain_one(name: str) -> Callable[[Asked], HttpResponse]:
    def delete(asked: Asked) -> HttpResponse:
        quotas.set_domain_quota(asked.actor, _domain(asked, Right.MANAGE_QUOTAS), {COLUMNS[name]: None})
        return nothing()

    return delete


# --- users ------------------------------------------------------------------------------------------------------


def _user(asked: Asked, need: Right = Right.VIEW_USERS) -> Mailbox:
    try:
        return users.find(asked, asked.named["user"], need=need)
    except Http404 as error:
        raise not_found("User not found") from error


def user(asked: Asked) -> HttpResponse:
    return body(_detail(_user(asked)))


def put_user(asked: Asked) -> HttpResponse:
    row = _user(asked, Right.MANAGE_QUOTAS)
    quotas.set_mailbox_quota(asked.actor, row, pair(asked))
    return nothing()


def user_one(name: str) -> Callable[[Asked], HttpResponse]:
    return lambda asked: one(getattr(_user(asked), COLUMNS[name]))


def put_user_one(name: str) -> Callable[[Asked], HttpResponse]:
    def put(asked: Asked) -> HttpResponse:
        row = _user(asked, Right.MANAGE_QUOTAS)
        quotas.set_mailbox_quota(asked.actor, row, {COLUMNS[name]: whole(asked.text())})
        return nothing()

    return put


def delete_user_one(name: str) -> Callable[[Asked], HttpResponse]:
    def delete(asked: Asked) -> HttpResponse:
        quotas.set_mailbox_quota(asked.actor, _user(asked, Right.MANAGE_QUOTAS), {COLUMNS[name]: None})
        return nothing()

    return delete


def search(asked: Asked) -> HttpResponse:
    """Users by how full they are, by name."""
    least, most = _ratio(asked, "minOccupationRatio"), _ratio(asked, "maxOccupationRatio")
    limit, offset = limit_of(asked), offset_of(asked)
    rows = list_mailboxes(asked.actor).exclude(status__in=users.GONE).select_related("domain").order_by("address")
    wanted = asked.query("domain")
    if wanted is not None:
        try:
            rows = rows.filter(domain__name=parse_name(wanted))
        except BadAddress as error:
            raise bad_domain(wanted) from error
    if least is not None:
        rows = rows.filter(fill_permille__gte=round(least * 1000))
    if most is not None:
        rows = rows.filter(fill_permille__lte=round(most * 1000))
    found = rows[offset : offset + min(limit or MOST_USERS, MOST_USERS)]
    return body([{"username": asked.shown(row.address), "detail": _detail(row)} for row in found])


def recompute(asked: Asked) -> HttpResponse:
    asked.actor.require(Right.MANAGE_QUOTAS, SERVER)
    tasks.wanted(asked, "task", ["RecomputeCurrentQuotas"])
    per_second = asked.query("usersPerSecond")
    if per_second is not None and not (_INTEGER.fullmatch(per_second) and int(per_second) <= 1_000_000):
        wrong = "Illegal value supplied for query parameter 'usersPerSecond'"
        raise arguments(f"{wrong}, expecting a strictly positive optional integer")
    if per_second is not None and int(per_second) <= 0:
        raise arguments("'usersPerSecond' needs to be strictly positive")
    for component in asked.call.query.getlist("quotaComponent"):
        if component not in COMPONENTS:
            wrong = f"Illegal value supplied for query parameter 'quotaComponent' with value '{component[:100]}'"
            raise arguments(f"{wrong}, expecting existing quota components")
    given = RecomputeArguments(None if per_second is None else int(per_second))
    return tasks.begin(asked, "RecomputeCurrentQuotas", given)


def limit_of(asked: Asked) -> int | None:
    """Raises: JamesError."""
    limit = _number(asked, "limit")
    if limit == 0:
        raise invalid("limit can not be equal to zero")
    return limit


def offset_of(asked: Asked) -> int:
    return _number(asked, "offset") or 0


def _number(asked: Asked, name: str) -> int | None:
    text = asked.query(name)
    if not text:
        return None
    if not _INTEGER.fullmatch(text):
        raise _unparsable(name, text)
    if int(text) < 0:
        raise invalid(f"{name} can not be negative")
    return min(int(text), 1 << 31)


def _ratio(asked: Asked, name: str) -> float | None:
    text = asked.query(name)
    if not text:
        return None
    try:
        value = float(text)
    except ValueError as error:
        raise _unparsable(name, text) from error
    if not value >= 0:
        raise invalid(f"{name} can not be negative")
    return min(value, 1_000_000.0)


def _unparsable(name: str, text: str) -> JamesError:
    return invalid(f"Can not parse {name}", f'For input string: "{text[:100]}"')


def _detail(row: Mailbox) -> dict[str, Any]:
    found = quotas.of_mailbox(row)
    ratios = {name: found[name].ratio or 0.0 for name in COLUMNS}
    return {
        "global": _level(found, "server"),
        "domain": _level(found, "domain"),
        "user": _level(found, "mailbox"),
        "computed": _computed(found),
        "occupation": {
            "size": row.used_bytes,
            "count": row.used_messages,
            "ratio": {**ratios, "max": max(ratios.values())},
        },
    }


def _level(found: dict[str, Quota], level: str) -> dict[str, int | None]:
    return {name: getattr(found[name], level) for name in COLUMNS}


def _computed(found: dict[str, Quota]) -> dict[str, int | None]:
    """What counts; null where no level says anything."""
    return {name: found[name].computed.value if found[name].computed.source else None for name in COLUMNS}
