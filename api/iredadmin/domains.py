"""Mail domains. What iRedAdmin-Pro calls alias accounts are our groups; its sizes are in MB.

Deleting one is our deletion: suspended at once, purged after the days it is kept, and making it again brings it back.
"""

from __future__ import annotations

from typing import Any

from django.db import transaction

from accounts import options
from accounts.actors import Actor
from accounts.permissions import Right
from api.iredadmin.answers import BAD_DOMAIN, BAD_VALUE, EXISTS, NO_DOMAIN, Failure
from api.iredadmin.asking import MB, Asked, language_of
from config.kit.fixed import Fixed
from domains.errors import BadAddress
from domains.limits import UNLIMITED
from domains.models import Domain, Status
from domains.selectors import list_domains
from domains.services import domain_settings, domain_states, quotas
from domains.services.domain_states import DELETION_DAYS
from domains.services.domains import create_domain, parse_name

GONE = (Status.DELETED, Status.PURGED)
NAME = ("name", "cn")
LANGUAGE = ("language", "preferredLanguage")
STATUS = "accountStatus"
STATES = {"active": Status.ENABLED, "disabled": Status.DISABLED, "yes": Status.ENABLED, "no": Status.DISABLED}
_BY_NAME = Fixed(
    lambda name: Domain.objects.exclude(status__in=GONE).select_related("customer__broker").filter(name=name), str
)
LIMITS = {
    "max_bytes": (("quota",), Asked.megabytes),
    "max_quota_bytes": (("maxUserQuota",), Asked.megabytes),
    "max_mailboxes": (("numberOfUsers",), Asked.count),
    "max_groups": (("numberOfAliases",), Asked.count),
    "max_lists": (("numberOfLists",), Asked.count),
}
QUOTAS = {"quota_bytes": (("defaultQuota",), Asked.megabytes)}


def parsed(name: str) -> str:
    """A name as it is kept. Raises: Failure."""
    try:
        return parse_name(name)
    except BadAddress as error:
        raise Failure(BAD_DOMAIN, str(error)) from error


def find(actor: Actor, name: str, *, need: Right = Right.VIEW_DOMAINS) -> Domain:
    """The domain of this name that is in use. Raises: Failure, Forbidden."""
    row = _BY_NAME.first(parsed(name))
    if row is None or not actor.has(Right.VIEW_DOMAINS, row):
        raise Failure(NO_DOMAIN)
    actor.require(need, row)
    return row


def detail(asked: Asked) -> dict[str, Any]:
    return _shown(find(asked.actor, asked.named["domain"]))


def list_all(asked: Asked) -> list[Any]:
    """GET /api/domains?name_only=yes"""
    rows = list_domains(asked.actor).exclude(status__in=GONE).order_by("name")
    if asked.form.get("name_only") == "yes":
        return list(rows.values_list("name", flat=True))
    return [_shown(row) for row in rows]


def create(asked: Asked) -> None:
    actor, name = asked.actor, parsed(asked.named["domain"])
    rows = Domain.objects.exclude(status=Status.PURGED).select_related("customer__broker")
    row = rows.filter(name=name).first()
    if row is None or not actor.has(Right.VIEW_DOMAINS, row):
        values = {**_settings(asked), **asked.fields(LIMITS), **asked.fields(QUOTAS)}
        create_domain(actor, name=name, status=status_of(asked) or Status.ENABLED, **values)
        return
    actor.require(Right.CREATE_DOMAINS, row.customer)
    if row.status != Status.DELETED:
        raise Failure(EXISTS)
    with transaction.atomic():
        domain_states.restore_domain(actor, row)
        _change(asked, row)


def update(asked: Asked) -> None:
    actor = asked.actor
    row = find(actor, asked.named["domain"])
    if not any(actor.has(right, row) for right in (Right.EDIT_DOMAINS, Right.MANAGE_LIMITS, Right.MANAGE_QUOTAS)):
        actor.require(Right.EDIT_DOMAINS, row)
    with transaction.atomic():
        _change(asked, row)


def delete(asked: Asked) -> None:
    row = find(asked.actor, asked.named["domain"], need=Right.DELETE_DOMAINS)
    usual = int(options.value(DELETION_DAYS, row))
    domain_states.delete_domain(asked.actor, row, after_days=days_of(asked, usual))


def days_of(asked: Asked, usual: int) -> int | None:
    """For how many days what is deleted is kept: longer than usual where that was asked for. Raises: Failure."""
    text = asked.named.get("days")
    if text is None:
        return None
    if not text.isdecimal() or len(text) > 6:
        raise Failure(BAD_VALUE, "keep_mailbox_days is followed by a number of days.")
    return max(int(text), usual)


def _change(asked: Asked, row: Domain) -> None:
    settings, limits, own = _settings(asked), asked.fields(LIMITS), asked.fields(QUOTAS)
    status = status_of(asked)
    if settings:
        domain_settings.update_domain(asked.actor, row, settings)
    if limits:
        domain_settings.set_domain_limits(asked.actor, row, limits)
    if own:
        quotas.set_domain_quota(asked.actor, row, own)
    if status is not None and status != row.status:
        domain_states.set_status(asked.actor, row, status)


def _settings(asked: Asked) -> dict[str, Any]:
    found: dict[str, Any] = {}
    name, language = asked.given(*NAME), asked.given(*LANGUAGE)
    if name is not None:
        found["description"] = name
    if language is not None and (not language or language_of(language)):
        found["default_language"] = language_of(language) or None
    return found


def status_of(asked: Asked) -> Status | None:
    """Raises: Failure."""
    word = asked.given(STATUS)
    if word is None:
        return None
    if word not in STATES:
        raise Failure(BAD_VALUE, f"{STATUS} is active or disabled.")
    return STATES[word]


def _shown(row: Domain) -> dict[str, Any]:
    """What the fields of the matching POST say, beside what is so anyway."""
    return {
        "domain": row.name,
        "name": row.description,
        "cn": row.description,
        "accountStatus": "active" if row.status == Status.ENABLED else "disabled",
        "language": row.default_language or "",
        "quota": in_megabytes(row.max_bytes),
        "defaultQuota": in_megabytes(row.quota_bytes),
        "maxUserQuota": in_megabytes(row.max_quota_bytes),
        "numberOfUsers": _count(row.max_mailboxes),
        "numberOfAliases": _count(row.max_groups),
        "numberOfLists": _count(row.max_lists),
        "current_users": row.mailbox_count,
        "current_aliases": row.group_count,
        "current_lists": row.list_count,
        "created": row.created_at.isoformat(),
    }


def in_megabytes(size: int | None) -> int:
    """0 is unlimited; what is less than one is one."""
    return 0 if size is None or size == UNLIMITED else max(1, size // MB) if size else 0


def _count(limit: int | None) -> int:
    return 0 if limit is None or limit == UNLIMITED else limit or -1
