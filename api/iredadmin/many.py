"""All users of a domain at once, by the bulk actions of the users' page: few while the client waits, many as a task.

Who can't be changed stays as they are, and the answer says how many did and why.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from accounts.permissions import Right
from api.iredadmin import domains
from api.iredadmin.answers import BAD_PASSWORD, BAD_VALUE, Failure
from api.iredadmin.asking import Asked, language_of
from config.kit import bulk
from config.kit.bulk import BulkOrder, Outcome
from domains.models import Domain
from domains.selectors import list_mailboxes
from domains.tables.mailboxes import USERS
from jobs.bulk import make_bulk_task

MOST_PASSWORDS = 50  # a slow hash each: more would keep the client waiting for longer than it does
ACTIONS = {domains.STATES["active"]: "enable", domains.STATES["disabled"]: "disable"}


def update(asked: Asked) -> None:
    domain = domains.find(asked.actor, asked.named["domain"])
    asked.actor.require(Right.MANAGE_USERS, domain)
    orders: list[tuple[str, dict[str, Any]]] = []
    language, transport, status = asked.given(*domains.LANGUAGE), asked.given("transport"), domains.status_of(asked)
    if language is not None and (not language or language_of(language)):
        orders.append(("language", {"language": language_of(language)}))
    if transport is not None:
        orders.append(("transport", _stored(asked, "transport", {"transport": transport})))
    if status is not None:
        orders.append((ACTIONS[status], {}))
    for name, values in orders:
        _do(asked, domain, name, values, bulk.AT_ONCE)


def put_password(asked: Asked) -> None:
    domain = domains.find(asked.actor, asked.named["domain"])
    asked.actor.require(Right.SET_PASSWORDS, domain)
    password = asked.form.get("password", "")
    if not password:
        raise Failure(BAD_PASSWORD, "password is missing.")
    values = _stored(asked, "password", {"password": password, "sure": "on"})
    _do(asked, domain, "password", values, MOST_PASSWORDS)


def _stored(asked: Asked, name: str, sent: dict[str, str]) -> dict[str, Any]:
    """What the action keeps of its form. Raises: Failure."""
    action = bulk.get_action(USERS.name, name, asked.actor)
    form = action.form(asked.actor, sent)
    if form is None or not form.is_valid():
        texts = [] if form is None else [str(text) for each in form.errors.values() for text in each]
        raise Failure(BAD_PASSWORD if name == "password" else BAD_VALUE, " ".join(texts))
    return action.stored(form.cleaned_data)


def _do(asked: Asked, domain: Domain, name: str, values: Mapping[str, Any], most: int) -> None:
    """Raises: Failure, where somebody stayed as they are."""
    rows = list_mailboxes(asked.actor, domain=domain).exclude(status__in=domains.GONE).order_by("pk")
    if rows.count() > most:
        make_bulk_task(asked.actor, BulkOrder(USERS.name, name, (), f"q=domain:{domain.name}", {}, values))
        return
    outcome: Outcome = bulk.get_action(USERS.name, name, asked.actor).run(asked.actor, list(rows), values)
    left = sum(outcome.refused.values())
    if left:
        reasons = "; ".join(f"{count}: {reason}" for reason, count in outcome.refused.items())
        raise Failure(BAD_VALUE, f"{left} of {left + outcome.done} users stay as they are ({reasons}).")
