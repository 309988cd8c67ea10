"""Alias accounts, which are our groups, and mailing lists.

A list belongs to a mailbox of its domain here: the one that `owner` names, the caller's own, or postmaster's. Where
there is none a list is made as a group, which has all that a list of iRedAdmin-Pro has: members, and who may send.
"""

from __future__ import annotations

from typing import Any

from django.db import transaction

from accounts.actors import Actor
from accounts.permissions import Right
from api.iredadmin import domains, users
from api.iredadmin.answers import BAD_VALUE, NO_ACCOUNT, Failure
from api.iredadmin.asking import Asked
from domains.models import Address, Domain, Mailbox, MailingList, Status
from domains.services import groups, mailbox_states, objects
from domains.services.lists import subscribing
from domains.services.lists.settings import create_list, update_list
from domains.services.readdressing import rename_address

Kind, Senders, Posting = Address.Kind, Address.Senders, MailingList.Posting
ALIASES = (Kind.GROUP, Kind.ALIAS, Kind.FORWARD)
LISTS = (Kind.LIST, Kind.GROUP)
POLICY, MEMBERS, MODERATORS = "accessPolicy", "members", "moderators"
MORE, FEWER = ("addMember", "addMembers"), ("removeMember", "removeMembers")
SENDERS = {
    "public": Senders.ANYONE,
    "domain": Senders.DOMAIN,
    "subdomain": Senders.DOMAIN,
    "membersonly": Senders.MEMBERS,
    "membersandmoderatorsonly": Senders.MEMBERS,
    "moderatorsonly": Senders.LISTED,
    "allowedonly": Senders.LISTED,
}
POSTING = {
    "public": Posting.ANYBODY,
    "membersonly": Posting.SUBSCRIBERS,
    "membersandmoderatorsonly": Posting.SUBSCRIBERS,
    "moderatorsonly": Posting.OWNER,
    "allowedonly": Posting.OWNER,
}
WORDS: dict[str, str] = {
    **{value: name for name, value in reversed(SENDERS.items())},
    **{value: name for name, value in reversed(POSTING.items())},
    Senders.NOBODY: "moderatorsonly",
    Posting.MODERATED: "membersandmoderatorsonly",
}


def find(actor: Actor, mail: str, kinds: tuple[Address.Kind, ...]) -> Address:
    """The address of one of these kinds; who may change it is asked by its service. Raises: Failure."""
    row = Address.objects.select_related("domain__customer").filter(text=users.parsed(mail), kind__in=kinds).first()
    if row is None or not actor.has(Right.VIEW_USERS, row):
        raise Failure(NO_ACCOUNT)
    return row


def alias_detail(asked: Asked) -> dict[str, Any]:
    return _shown(find(asked.actor, asked.named["mail"], ALIASES))


def list_detail(asked: Asked) -> dict[str, Any]:
    return _shown(find(asked.actor, asked.named["mail"], LISTS))


def aliases_of_domain(asked: Asked) -> list[Any]:
    """GET /api/aliases/{domain}?email_only=yes&disabled_only=yes"""
    return _listed(asked, (Kind.GROUP,))


def lists_of_domain(asked: Asked) -> list[Any]:
    return _listed(asked, (Kind.LIST,))


def _listed(asked: Asked, kinds: tuple[Address.Kind, ...]) -> list[Any]:
    domain = domains.find(asked.actor, asked.named["domain"], need=Right.VIEW_USERS)
    rows = Address.objects.filter(domain=domain, kind__in=kinds).order_by("text")
    if asked.form.get("disabled_only") == "yes":
        rows = rows.filter(is_enabled=False)
    if asked.form.get("email_only") == "yes":
        return list(rows.values_list("text", flat=True))
    return [_shown(row) for row in rows]


def change_email_of_alias(asked: Asked) -> None:
    row = find(asked.actor, asked.named["mail"], ALIASES)
    rename_address(asked.actor, row, email=users.parsed(asked.named["new"]))


def change_email_of_list(asked: Asked) -> None:
    row = find(asked.actor, asked.named["mail"], LISTS)
    rename_address(asked.actor, row, email=users.parsed(asked.named["new"]))


def create_alias(asked: Asked) -> None:
    with transaction.atomic():
        address, domain = _place(asked, Right.MANAGE_ADDRESSES)
        _create_group(asked, domain, address)


def create_maillist(asked: Asked) -> None:
    with transaction.atomic():
        address, domain = _place(asked, Right.MANAGE_LISTS)
        owner = _owner(asked, domain)
        if owner is None:
            _create_group(asked, domain, address)
            return
        posting = _policy(asked, POSTING)
        values = {"name": asked.given(*domains.NAME) or ""} | ({"posting": posting} if posting else {})
        made = create_list(asked.actor, domain, email=address, owner=owner, **values)
        if asked.has(MEMBERS):
            subscribing.add_subscribers(asked.actor, made, asked.words(MEMBERS))
        _set_enabled(asked, made.address)


def update_alias(asked: Asked) -> None:
    row = find(asked.actor, asked.named["mail"], ALIASES)
    objects.require_right(asked.actor, row)
    if row.kind != Kind.GROUP:
        raise Failure(BAD_VALUE, "This alias leads to one mailbox, or forwards; it is changed on its page.")
    _update_group(asked, row)


def update_maillist(asked: Asked) -> None:
    row = find(asked.actor, asked.named["mail"], LISTS)
    if row.kind == Kind.GROUP:
        objects.require_right(asked.actor, row)
        _update_group(asked, row)
        return
    found, name, posting = _list_of(row), asked.given(*domains.NAME), _policy(asked, POSTING)
    asked.actor.require(Right.MANAGE_LISTS, row)
    values: dict[str, Any] = {} if name is None else {"name": name}
    with transaction.atomic():
        update_list(asked.actor, found, values | ({"posting": posting} if posting else {}))
        if asked.has(MEMBERS):
            wanted = asked.words(MEMBERS)
            here = set(found.subscribers.values_list("email", flat=True))
            subscribing.remove_subscribers(asked.actor, found, here - {users.parsed(each) for each in wanted})
            subscribing.add_subscribers(asked.actor, found, wanted)
        if asked.has(*MORE):
            subscribing.add_subscribers(asked.actor, found, asked.words(*MORE))
        if asked.has(*FEWER):
            subscribing.remove_subscribers(asked.actor, found, asked.words(*FEWER))
        _set_enabled(asked, row)


def delete_alias(asked: Asked) -> None:
    objects.delete_address(asked.actor, find(asked.actor, asked.named["mail"], ALIASES))


def delete_maillist(asked: Asked) -> None:
    objects.delete_address(asked.actor, find(asked.actor, asked.named["mail"], LISTS))


def _place(asked: Asked, need: Right) -> tuple[str, Domain]:
    """The address of what is made, and its domain. A deleted user of that address makes way, and can be restored."""
    address = users.parsed(asked.named["mail"])
    domain = domains.find(asked.actor, address.partition("@")[2], need=need)
    rows = Mailbox.objects.select_related("domain", "user", "claim").filter(address=address, status=Status.DELETED)
    old = rows.first()
    if old is not None and asked.actor.has(Right.MANAGE_USERS, old):
        mailbox_states.set_aside(asked.actor, old)
    return address, domain


def _create_group(asked: Asked, domain: Domain, address: str) -> None:
    groups.create_group(
        asked.actor,
        domain,
        email=address,
        name=asked.given(*domains.NAME) or "",
        senders=_policy(asked, SENDERS) or Senders.ANYONE,
        allowed_senders=asked.words(MODERATORS),
        members=asked.words(MEMBERS),
        enabled=domains.status_of(asked) != Status.DISABLED,
    )


def _update_group(asked: Asked, row: Address) -> None:
    name, senders = asked.given(*domains.NAME), _policy(asked, SENDERS)
    values: dict[str, Any] = ({} if name is None else {"name": name}) | ({"senders": senders} if senders else {})
    allowed = asked.words(MODERATORS) if asked.has(MODERATORS) else None
    with transaction.atomic():
        groups.update_group(asked.actor, row, values, allowed_senders=allowed)
        if asked.has(MEMBERS):
            groups.set_members(asked.actor, row, asked.words(MEMBERS))
        if asked.has(*MORE):
            groups.add_members(asked.actor, row, asked.words(*MORE))
        if asked.has(*FEWER):
            groups.remove_members(asked.actor, row, asked.words(*FEWER))
        _set_enabled(asked, row)


def _set_enabled(asked: Asked, row: Address) -> None:
    status = domains.status_of(asked)
    if status is not None:
        objects.set_enabled(asked.actor, row, enabled=status == Status.ENABLED)


def _owner(asked: Asked, domain: Domain) -> Mailbox | None:
    """Whose a new list is. Raises: Failure, Forbidden."""
    named = asked.given("owner")
    if named:
        return users.find(asked.actor, named)
    rows = Mailbox.objects.filter(domain=domain, status=Status.ENABLED)
    own = rows.filter(user=asked.actor.user).first() if asked.actor.user is not None else None
    return own or rows.filter(address=f"postmaster@{domain.name}").first()


def _policy(asked: Asked, known: dict[str, Any]) -> str | None:
    """Raises: Failure."""
    word = asked.given(POLICY)
    if not word:
        return None
    if word.lower() not in known:
        raise Failure(BAD_VALUE, f"{POLICY} is one of {', '.join(known)}.")
    return str(known[word.lower()])


def _list_of(row: Address) -> MailingList:
    return MailingList.objects.select_related("address__domain__customer", "owner").get(address=row)


def _shown(row: Address) -> dict[str, Any]:
    found = _list_of(row) if row.kind == Kind.LIST else None
    members = found.subscribers if found is not None else row.recipients
    return {
        "mail": row.text,
        "address": row.text,
        "domain": row.text.partition("@")[2],
        "name": row.name,
        "cn": row.name,
        "accountStatus": "active" if row.is_enabled else "disabled",
        "accessPolicy": WORDS[found.posting if found is not None else row.senders],
        "members": list(members.order_by("email").values_list("email", flat=True)),
        "created": row.created_at.isoformat(),
    }
