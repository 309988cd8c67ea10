"""Who gets in where: users, groups and forwards."""

from __future__ import annotations

from accounts.actors import Actor
from accounts.permissions import Right
from domains.models import Address, Domain, Mailbox
from domains.services.aliases import add_alias
from domains.services.groups import create_group
from domains.services.mailbox_states import delete_mailbox
from tests.access import Args, Cast, Row, Scoped, in_domain, somewhere
from tests.domains.factories import make_mailbox_in

SYSTEM = Actor.system()


def a_mailbox(cast: Cast, domain: Domain) -> Args:
    return (make_mailbox_in(domain).pk,)


def a_deleted_one(cast: Cast, domain: Domain) -> Args:
    mailbox: Mailbox = make_mailbox_in(domain)
    delete_mailbox(SYSTEM, mailbox)
    return (mailbox.pk,)


def an_alias(cast: Cast, domain: Domain) -> Args:
    mailbox = make_mailbox_in(domain)
    return (mailbox.pk, add_alias(SYSTEM, mailbox, email=f"alias-of-{mailbox.pk}").pk)


def user(route: str, answer: int = 200, *, need: Right | tuple[Right, ...] = (), **more: object) -> Scoped:
    """A page about a mailbox."""
    return in_domain(
        f"domains:{route}",
        answer,
        see=Right.VIEW_USERS,
        need=need,
        **{"args": a_mailbox, **more},  # type: ignore[arg-type]
    )


def a_group(cast: Cast, domain: Domain) -> Args:
    local = f"group{Address.objects.count()}"
    return (create_group(SYSTEM, domain, email=local, members=["x@elsewhere.example", "y@elsewhere.example"]).pk,)


def group(route: str, answer: int = 200, *, need: Right | tuple[Right, ...] = (), **more: object) -> Scoped:
    """A page about a group or forward."""
    return user(route, answer, need=need, **{"args": a_group, **more})


EDITED = {"first_name": "Ada"}
REMOVED = {"email": "x@elsewhere.example"}
GROUP = {"email": "g", "senders": "anyone", "enabled": "on"}
ROWS = [
    somewhere("domains:group-list", need=Right.VIEW_USERS),
    in_domain("domains:domain-users", need=Right.VIEW_USERS),
    in_domain("domains:domain-groups", need=Right.VIEW_USERS),
    somewhere("domains:who-gets-mail", need=Right.VIEW_USERS),
    Row("domains:group-bulk", own=404, administrator=404),
    Row("domains:group-bulk", own=404, administrator=404, method="POST"),
    somewhere("domains:group-create", need=Right.MANAGE_ADDRESSES),
    somewhere("domains:group-create", 422, method="POST", need=Right.MANAGE_ADDRESSES, data=GROUP),
    group("group-detail"),
    group("group-history", need=Right.VIEW_AUDIT),
    group("group-edit", need=Right.MANAGE_ADDRESSES),
    group("group-edit", 303, method="POST", need=Right.MANAGE_ADDRESSES, data=GROUP),
    group("group-members-add", 303, method="POST", need=Right.MANAGE_ADDRESSES, data={"recipients": "z@example.com"}),
    group(
        "group-member-remove", 303, method="POST", need=Right.MANAGE_ADDRESSES, data={"email": "x@elsewhere.example"}
    ),
    group("group-delete", need=Right.MANAGE_ADDRESSES),
    group("group-delete", 303, method="POST", need=Right.MANAGE_ADDRESSES),
    somewhere("domains:user-list", need=Right.VIEW_USERS),
    Row("domains:user-bulk", own=404, administrator=404),
    Row("domains:user-bulk", own=404, administrator=404, method="POST"),
    somewhere("domains:user-create", need=Right.MANAGE_USERS),
    somewhere("domains:user-create", 422, method="POST", need=Right.MANAGE_USERS, data={"email": "nobody"}),
    user("user-detail"),
    user("user-addresses"),
    user("user-groups"),
    user("user-quota"),
    user("user-quota", 303, method="POST", need=Right.MANAGE_QUOTAS, data={"quota_messages": "5"}),
    user("user-history", need=Right.VIEW_AUDIT),
    user("user-edit", need=Right.MANAGE_USERS),
    user("user-edit", 303, method="POST", need=Right.MANAGE_USERS, data=EDITED),
    user("user-rename", need=Right.MANAGE_USERS),
    user("user-rename", 303, method="POST", need=Right.MANAGE_USERS, data={"email": "renamed"}),
    user("user-alias-add", 303, method="POST", need=Right.MANAGE_ADDRESSES, data={"email": "another"}),
    user("user-alias-remove", 303, method="POST", need=Right.MANAGE_ADDRESSES, args=an_alias),
    user("user-forwarding", 303, method="POST", need=Right.MANAGE_ADDRESSES, data={"targets": "x@example.com"}),
    user("user-link", method="POST", need=Right.SET_PASSWORDS),
    user("user-password", need=Right.SET_PASSWORDS),
    user("user-password", 303, method="POST", need=Right.SET_PASSWORDS, data={"password": "a few unrelated words"}),
    user("user-state", 303, method="POST", need=Right.MANAGE_USERS, data={"status": "disabled"}),
    user("user-delete", need=Right.MANAGE_USERS),
    user("user-delete", 303, method="POST", need=Right.MANAGE_USERS, data={"after_days": "30"}),
    user("user-restore", 303, method="POST", need=Right.MANAGE_USERS, args=a_deleted_one),
    user(
        "user-purge",
        303,
        method="POST",
        need=(Right.MANAGE_USERS, Right.MANAGE_OPTIONS),
        args=a_deleted_one,
        data={"reason": "It is empty"},
    ),
]
