"""How many bytes a user's Sieve scripts may take: the server's value, and users' own."""

from __future__ import annotations

import re

from django.http import HttpResponse

from accounts.permissions import Right
from accounts.scopes import SERVER
from api.james import users
from api.james.answers import invalid, nothing
from api.james.asking import Asked
from api.james.quotas import one
from domains.services import quotas
from domains.services.quotas import LARGEST

_DIGITS = re.compile(r"[+-]?[0-9]{1,19}", re.ASCII)


def _bytes(asked: Asked) -> int:
    text = asked.text()
    if not _DIGITS.fullmatch(text):
        raise invalid(f"unrecognized integer number '{text[:100]}'")
    if not 0 <= int(text) <= LARGEST:
        raise invalid("Requested quota size have to be a positive integer")
    return int(text)


def default(asked: Asked) -> HttpResponse:
    asked.actor.require(Right.MANAGE_QUOTAS, SERVER)
    return one(quotas.server_quota().sieve_quota_bytes)


def put_default(asked: Asked) -> HttpResponse:
    asked.actor.require(Right.MANAGE_QUOTAS, SERVER)
    quotas.set_server_quota(asked.actor, {"sieve_quota_bytes": _bytes(asked)})
    return nothing()


def delete_default(asked: Asked) -> HttpResponse:
    quotas.set_server_quota(asked.actor, {"sieve_quota_bytes": None})
    return nothing()


def of_user(asked: Asked) -> HttpResponse:
    return one(users.named(asked).sieve_quota_bytes)


def put_user(asked: Asked) -> HttpResponse:
    row = users.named(asked, need=Right.MANAGE_QUOTAS)
    quotas.set_mailbox_quota(asked.actor, row, {"sieve_quota_bytes": _bytes(asked)})
    return nothing()


def delete_user(asked: Asked) -> HttpResponse:
    row = users.named(asked, need=Right.MANAGE_QUOTAS)
    quotas.set_mailbox_quota(asked.actor, row, {"sieve_quota_bytes": None})
    return nothing()
