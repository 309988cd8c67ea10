"""Mail users: our mailboxes with the people who sign in with them. Passwords are held to the rules of their domain.

Deleting one is our deletion: kept for some days, and making it again brings it back. A new user of a domain whose sizes
are limited, and who gets no size by anybody, gets what is left, as iRedAdmin-Pro gives it.
"""

from __future__ import annotations

from typing import Any

from django.db import transaction

from accounts import options
from accounts.actors import Actor
from accounts.permissions import Right
from accounts.services.passwords import set_password
from accounts.services.verifying import opens_doors
from api.iredadmin import domains
from api.iredadmin.answers import BAD_MAIL, BAD_PASSWORD, CREDENTIALS, EXISTS, LIMIT, NO_ACCOUNT, Failure
from api.iredadmin.asking import Asked, language_of
from config.kit.fixed import Fixed
from domains.errors import BadAddress
from domains.limits import UNLIMITED
from domains.models import Domain, Mailbox, Status
from domains.selectors import list_mailboxes
from domains.services import aliases, claims, forwards, mailbox_states, quotas
from domains.services.mailbox_states import DELETION_DAYS
from domains.services.mailboxes import create_mailbox, update_mailbox
from domains.services.readdressing import rename_mailbox

GONE = domains.GONE
QUOTA = ("quota", "mailQuota")
_RELATED = ("domain__customer", "user", "claim")
_BY_ADDRESS = Fixed(
    lambda address: Mailbox.objects.exclude(status__in=GONE).select_related(*_RELATED).filter(address=address), str
)


def parsed(mail: str) -> str:
    """An address as it is kept. Raises: Failure."""
    try:
        return str(claims.parse(mail))
    except BadAddress as error:
        raise Failure(BAD_MAIL, str(error)) from error


def find(actor: Actor, mail: str, *, need: Right = Right.VIEW_USERS) -> Mailbox:
    """The mailbox of this address that is in use. Raises: Failure, Forbidden."""
    row = _BY_ADDRESS.first(parsed(mail))
    if row is None or not actor.has(Right.VIEW_USERS, row):
        raise Failure(NO_ACCOUNT)
    actor.require(need, row)
    return row


def detail(asked: Asked) -> dict[str, Any]:
    row = find(asked.actor, asked.named["mail"])
    return {**_shown(row), "aliases": _aliases_of(row), "forwarding": _forwarding_of(row)}


def list_of_domain(asked: Asked) -> list[Any]:
    """GET /api/users/{domain}?email_only=yes&disabled_only=yes"""
    domain = domains.find(asked.actor, asked.named["domain"])
    rows = list_mailboxes(asked.actor, domain=domain).exclude(status__in=GONE).order_by("address")
    if asked.form.get("disabled_only") == "yes":
        rows = rows.exclude(status=Status.ENABLED)
    if asked.form.get("email_only") == "yes":
        return list(rows.values_list("address", flat=True))
    return [_shown(row) for row in rows]


def create(asked: Asked) -> None:
    actor, address = asked.actor, parsed(asked.named["mail"])
    domain = domains.find(actor, address.partition("@")[2], need=Right.MANAGE_USERS)
    rows = Mailbox.objects.exclude(status=Status.PURGED).select_related(*_RELATED)
    row = rows.filter(address=address).first()
    if row is not None and row.status != Status.DELETED:
        raise Failure(EXISTS)
    if row is None:
        language, password = asked.given(*domains.LANGUAGE), asked.form.get("password")
        with transaction.atomic():
            made = create_mailbox(
                actor,
                domain,
                email=address,
                name=asked.given(*domains.NAME) or "",
                language=language_of(language or ""),
                status=domains.status_of(asked),
                password=password or None,
                quota_bytes=_room_for(asked, domain),
                transport=asked.given("transport") or "",
            )
            _set_addresses(asked, made)
        return
    with transaction.atomic():
        mailbox_states.restore_mailbox(actor, row)
        _change(asked, row)


def update(asked: Asked) -> None:
    row = find(asked.actor, asked.named["mail"], need=Right.MANAGE_USERS)
    with transaction.atomic():
        _change(asked, row)


def delete(asked: Asked) -> None:
    row = find(asked.actor, asked.named["mail"], need=Right.MANAGE_USERS)
    usual = int(options.value(DELETION_DAYS, row.domain))
    mailbox_states.delete_mailbox(asked.actor, row, after_days=domains.days_of(asked, usual))


def put_password(asked: Asked) -> None:
    row = find(asked.actor, asked.named["mail"], need=Right.SET_PASSWORDS)
    if not asked.form.get("password"):
        raise Failure(BAD_PASSWORD, "password is missing.")
    _set_password(asked, row)


def change_email(asked: Asked) -> None:
    row = find(asked.actor, asked.named["mail"], need=Right.MANAGE_USERS)
    rename_mailbox(asked.actor, row, email=parsed(asked.named["new"]))


def verify(asked: Asked) -> None:
    """Whether a password is somebody's; administrators are people like others here."""
    row = find(asked.actor, asked.named["mail"], need=Right.SET_PASSWORDS)
    if row.user is None or not opens_doors(asked.actor, row.user, asked.form.get("password", "")):
        raise Failure(CREDENTIALS)


def _change(asked: Asked, row: Mailbox) -> None:
    actor, values = asked.actor, _profile(asked)
    if values:
        update_mailbox(actor, row, values)
    if asked.has(*QUOTA):
        quotas.set_mailbox_quota(actor, row, {"quota_bytes": asked.megabytes(*QUOTA)})
    if asked.form.get("password"):
        _set_password(asked, row)
    _set_addresses(asked, row)
    status = domains.status_of(asked)
    if status is not None and status != row.status:
        mailbox_states.set_status(actor, row, status)


def _set_addresses(asked: Asked, row: Mailbox) -> None:
    """Its other addresses, and where its mail goes on to; its own address among those means a copy that stays."""
    actor = asked.actor
    if asked.has("aliases"):
        aliases.set_aliases(actor, row, asked.words("aliases"))
    for email in asked.words("addAlias"):
        if email.lower() not in _aliases_of(row):
            aliases.add_alias(actor, row, email=email)
    gone = {each.lower() for each in asked.words("removeAlias")}
    for alias in [each for each in aliases.aliases_of(row) if each.text in gone] if gone else ():
        aliases.remove_alias(actor, alias)
    if asked.has("forwarding"):
        forwards.set_forwarding(actor, row, asked.words("forwarding"), keep_copy=False)
    if asked.has("addForwarding") or asked.has("removeForwarding"):
        add, remove = asked.words("addForwarding"), asked.words("removeForwarding")
        forwards.change_targets(actor, row, add=add, remove=remove)


def _aliases_of(row: Mailbox) -> list[str]:
    return list(aliases.aliases_of(row).values_list("text", flat=True))


def _forwarding_of(row: Mailbox) -> list[str]:
    claim = row.claim
    if claim is None:
        return []
    targets = list(claim.recipients.order_by("email").values_list("email", flat=True))
    return [row.address, *targets] if targets and claim.keep_copy else targets


def _profile(asked: Asked) -> dict[str, str]:
    found: dict[str, str] = {}
    name, language, transport = (asked.given(*each) for each in (domains.NAME, domains.LANGUAGE, ("transport",)))
    if name is not None:
        found["name"] = name
    if language is not None and (not language or language_of(language)):
        found["language"] = language_of(language)
    if transport is not None:
        found["transport"] = transport
    return found


def _set_password(asked: Asked, row: Mailbox) -> None:
    if row.user is None:
        raise Failure(NO_ACCOUNT)
    set_password(asked.actor, row.user, password=asked.form["password"])


def _room_for(asked: Asked, domain: Domain) -> int | None:
    """The quota of a new user. Raises: Failure."""
    if asked.has(*QUOTA):
        return asked.megabytes(*QUOTA)
    if domain.max_bytes in (None, UNLIMITED) or not quotas.of_domain(domain)["size"].computed.is_unlimited:
        return None
    assert domain.max_bytes is not None
    given = quotas.given(domain=domain)
    if given == UNLIMITED or given >= domain.max_bytes:
        raise Failure(LIMIT, "The quotas of the domain are given away.")
    return domain.max_bytes - given


def _shown(row: Mailbox) -> dict[str, Any]:
    return {
        "mail": row.address,
        "username": row.address,
        "domain": row.address.partition("@")[2],
        "name": row.name,
        "cn": row.name,
        "accountStatus": "active" if row.status == Status.ENABLED else "disabled",
        "language": row.user.language if row.user is not None else "",
        "quota": domains.in_megabytes(row.quota_bytes),
        "mailQuota": domains.in_megabytes(row.quota_bytes),
        "transport": row.transport,
        "stored_bytes": row.used_bytes,
        "stored_messages": row.used_messages,
        "created": row.created_at.isoformat(),
    }
