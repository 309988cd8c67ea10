"""The commands about users, under the names that archive programs know them by; each is one service.

A user is a person with a mailbox at an address of ours; an administrator need not have one. Source of the names,
arguments and value lists: the MailStore administration API, "Users, privileges and authentication". Lists are separated
by commas. Privileges of a person alone are in `jobs.people`.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Annotated

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import factors, privileges, selectors
from accounts.actors import Actor
from accounts.errors import BadAddress, UnknownUser
from accounts.membership import edit_person
from accounts.models import FolderGrant, User
from accounts.permissions import Right
from accounts.services import create_user as create_person
from accounts.services import find_user, set_password
from accounts.services import privileges as privilege_services
from accounts.services.removing import remove_person
from domains.models import Mailbox, Status
from domains.selectors import find_domain, get_mailbox_of_person, mailbox_of
from domains.services.aliases import add_alias, aliases_of, set_aliases
from domains.services.mailbox_states import delete_mailbox, restore_mailbox, set_status
from domains.services.mailboxes import create_mailbox, update_mailbox
from domains.services.readdressing import rename_mailbox
from jobs.commands import About, NoArguments, Secret, command
from jobs.errors import BadArguments
from jobs.running import TaskRun

Result = dict[str, object]
MOST_LISTED = 100_000

_USER = About(gettext_lazy("User"), gettext_lazy("An address."))
_PRIVILEGES = About(
    gettext_lazy("Privileges"),
    gettext_lazy("none, admin, or of login, changePassword, archive, export, delete …, separated by commas."),
)
_DOORS = About(
    gettext_lazy("Doors"), gettext_lazy("none, or of web, api, imap, outlook …, separated by commas; empty: all.")
)


@dataclass(frozen=True, slots=True)
class UserArguments:
    """Whose."""

    user_name: Annotated[str, _USER]


@dataclass(frozen=True, slots=True)
class CreateUserArguments:
    """An address in a domain of ours makes a mailbox; elsewhere only an administrator can be made."""

    user_name: Annotated[str, _USER]
    privileges: Annotated[str, _PRIVILEGES]
    full_name: Annotated[str, About(gettext_lazy("Full name"))] = ""
    distinguished_name: Annotated[str, About(gettext_lazy("Distinguished name"))] = ""
    authentication: Annotated[str, About(gettext_lazy("Way of signing in"), choices=privileges.AUTHENTICATION)] = (
        "integrated"
    )
    password: Annotated[Secret | None, About(gettext_lazy("Password"))] = None
    login_privileges: Annotated[str | None, _DOORS] = None


@dataclass(frozen=True, slots=True)
class RenameUserArguments:
    """The old address, and the new one."""

    old_user_name: Annotated[str, About(gettext_lazy("Old address"))]
    new_user_name: Annotated[str, About(gettext_lazy("New address"))]


@dataclass(frozen=True, slots=True)
class FullNameArguments:
    """Whose, and what they are called; nothing: by their address."""

    user_name: Annotated[str, _USER]
    full_name: Annotated[str, About(gettext_lazy("Full name"))] = ""


@dataclass(frozen=True, slots=True)
class EmailAddressesArguments:
    """Whose, and all their addresses; the first one, by which they sign in, may be left out."""

    user_name: Annotated[str, _USER]
    email_addresses: Annotated[str, About(gettext_lazy("Addresses"), gettext_lazy("Separated by commas."))] = ""


@dataclass(frozen=True, slots=True)
class Pop3UserNamesArguments:
    """Whose, and the names by which their mail may be fetched: here addresses, as everywhere."""

    user_name: Annotated[str, _USER]
    pop3_user_names: Annotated[str, About(gettext_lazy("Names"), gettext_lazy("Separated by commas."))] = ""


@dataclass(frozen=True, slots=True)
class PasswordArguments:
    """Whose, and which."""

    user_name: Annotated[str, _USER]
    password: Annotated[Secret, About(gettext_lazy("Password"))]


@command("GetUsers", needs=Right.VIEW_USERS, arguments=NoArguments, label=gettext_lazy("List of users"))
def get_users(actor: Actor, run: TaskRun, arguments: NoArguments) -> Result:
    """List the people that one may see, those who may sign in and those who may not."""
    rows = selectors.users_visible_to(actor).exclude(is_active=False, mailbox__status=Status.DELETED)
    rows = rows.exclude(is_administrator=False, mailbox__domain__status=Status.DELETED).order_by("email")
    total = rows.count()
    return {"users": [_brief(user) for user in rows[:MOST_LISTED]], "total": total}


@command("GetUserInfo", needs=Right.VIEW_USERS, arguments=UserArguments, label=gettext_lazy("Details of a user"))
def get_user_info(actor: Actor, run: TaskRun, arguments: UserArguments) -> Result:
    """Read everything that is known of somebody: names, addresses, privileges, folders they were let into."""
    user = selectors.get_user(actor, find_user(arguments.user_name).pk, need=Right.VIEW_USERS)
    mailbox = mailbox_of(user)
    if mailbox is not None and _is_gone(user, mailbox):
        raise UnknownUser(user.email)
    addresses = [] if mailbox is None else [mailbox.address, *(alias.text for alias in aliases_of(mailbox))]
    return {
        **_brief(user),
        "emailAddresses": addresses,
        "pop3UserNames": addresses,
        "loginPrivileges": _doors(user),
        "privilegesOnFolders": _folders(user),
        "mfa": "on" if factors.has_second_factor(user) else "asked for" if user.second_factor_wanted else "not set up",
    }


@command("CreateUser", needs=Right.MANAGE_USERS, arguments=CreateUserArguments, label=gettext_lazy("Making of a user"))
def create_user(actor: Actor, run: TaskRun, arguments: CreateUserArguments) -> Result:
    """Make a user with privileges; without a password they can't sign in until they are invited.

    One who was deleted comes back, with their archive, and as they are described now.
    """
    with transaction.atomic():
        user = _bring_back(actor, arguments) or _make(actor, arguments)
        privilege_services.set_privileges(actor, user, arguments.privileges.split(","))
        if arguments.login_privileges:
            privilege_services.set_login_privileges(actor, user, arguments.login_privileges.split(","))
        if arguments.authentication != user.authentication:
            privilege_services.set_authentication(actor, user, arguments.authentication)
        if arguments.distinguished_name:
            privilege_services.set_distinguished_name(actor, user, arguments.distinguished_name)
    return _brief(user)


@command(
    "RenameUser",
    needs=Right.MANAGE_USERS,
    arguments=RenameUserArguments,
    label=gettext_lazy("Renaming of a user"),
    needs_proof=True,
)
def rename_user(actor: Actor, run: TaskRun, arguments: RenameUserArguments) -> Result:
    """Give somebody another address; their archive, aliases and rights come along."""
    mailbox = _mailbox(actor, arguments.old_user_name)
    rename_mailbox(actor, mailbox, email=arguments.new_user_name)
    return {"old": arguments.old_user_name, "new": mailbox.address}


@command(
    "DeleteUser",
    needs=Right.MANAGE_USERS,
    arguments=UserArguments,
    label=gettext_lazy("Deletion of a user"),
    needs_proof=True,
)
def delete_user(actor: Actor, run: TaskRun, arguments: UserArguments) -> Result:
    """Delete somebody; neither their archive nor their mail is deleted."""
    user = _person(actor, arguments.user_name)
    mailbox = mailbox_of(user)
    if mailbox is None:
        return {"user": user.email, "removed": remove_person(actor, user, asked=True)}
    delete_mailbox(actor, _mailbox(actor, arguments.user_name))
    mailbox.refresh_from_db()
    return {"user": user.email, "purgedAt": None if mailbox.purge_at is None else mailbox.purge_at.isoformat()}


@command("SetUserFullName", needs=Right.MANAGE_USERS, arguments=FullNameArguments, label=gettext_lazy("Name of a user"))
def set_user_full_name(actor: Actor, run: TaskRun, arguments: FullNameArguments) -> Result:
    """Set what somebody is called."""
    user = _person(actor, arguments.user_name)
    mailbox = mailbox_of(user)
    if mailbox is not None:
        update_mailbox(actor, mailbox, {"name": arguments.full_name})
    else:
        actor.require_over(Right.MANAGE_USERS, user)
        edit_person(actor, user, {"name": arguments.full_name})
    user.refresh_from_db()
    return {"user": user.email, "fullName": user.name}


@command(
    "SetUserEmailAddresses",
    needs=Right.MANAGE_ADDRESSES,
    arguments=EmailAddressesArguments,
    label=gettext_lazy("Addresses of a user"),
)
def set_user_email_addresses(actor: Actor, run: TaskRun, arguments: EmailAddressesArguments) -> Result:
    """Set exactly the addresses that lead to somebody beside the one they sign in with."""
    mailbox = _mailbox(actor, arguments.user_name, need=Right.MANAGE_ADDRESSES)
    wanted = [each for each in _list(arguments.email_addresses) if each.lower() != mailbox.address]
    added, removed = set_aliases(actor, mailbox, wanted)
    return {"user": mailbox.address, "added": added, "removed": removed}


@command(
    "SetUserPop3UserNames",
    needs=Right.MANAGE_ADDRESSES,
    arguments=Pop3UserNamesArguments,
    label=gettext_lazy("Names to fetch mail by"),
)
def set_user_pop3_user_names(actor: Actor, run: TaskRun, arguments: Pop3UserNamesArguments) -> Result:
    """Make sure that somebody's mail can be fetched by these names; a name to fetch by is an address of theirs."""
    mailbox = _mailbox(actor, arguments.user_name, need=Right.MANAGE_ADDRESSES)
    known = {mailbox.address, *(alias.text for alias in aliases_of(mailbox))}
    wanted = _list(arguments.pop3_user_names)
    for name in wanted:
        if "@" not in name:
            raise BadArguments(_("Mail is fetched by an address here, not by “%(name)s”.") % {"name": name[:100]})
    with transaction.atomic():
        added = [add_alias(actor, mailbox, email=name).text for name in wanted if name.lower() not in known]
    return {"user": mailbox.address, "added": added}


@command(
    "SetUserPassword",
    needs=Right.SET_PASSWORDS,
    arguments=PasswordArguments,
    label=gettext_lazy("Password of a user"),
    needs_proof=True,
)
def set_user_password(actor: Actor, run: TaskRun, arguments: PasswordArguments) -> Result:
    """Set somebody's password; their sessions end."""
    user = selectors.get_user(actor, find_user(arguments.user_name).pk, need=Right.SET_PASSWORDS)
    set_password(actor, user, password=arguments.password)
    return {"user": user.email}


def _is_gone(user: User, mailbox: Mailbox) -> bool:
    """Deleted, or with their domain; system administrators go on signing in."""
    is_deleted = mailbox.status == Status.DELETED and not user.is_active
    return is_deleted or (mailbox.domain.status == Status.DELETED and not user.is_administrator)


def _bring_back(actor: Actor, arguments: CreateUserArguments) -> User | None:
    rows = Mailbox.objects.select_related("domain", "user", "claim").filter(status=Status.DELETED, user__isnull=False)
    found = rows.filter(address=arguments.user_name.strip().lower()).first()
    if found is None or found.user is None or not actor.has(Right.MANAGE_USERS, found):
        return None
    restore_mailbox(actor, found)
    if found.status != Status.ENABLED:
        set_status(actor, found, Status.ENABLED)
    update_mailbox(actor, found, {"name": arguments.full_name})
    set_password(actor, found.user, password=arguments.password or secrets.token_urlsafe(32))
    privilege_services.reset_login_privileges(actor, found.user)
    privilege_services.set_distinguished_name(actor, found.user, "")
    return User.objects.get(pk=found.user.pk)


def _make(actor: Actor, arguments: CreateUserArguments) -> User:
    _local, _at, name = arguments.user_name.rpartition("@")
    domain = find_domain(actor, name, need=Right.MANAGE_USERS)
    if domain is None:
        return create_person(
            actor, email=arguments.user_name, name=arguments.full_name, password=arguments.password or None
        )
    mailbox = create_mailbox(
        actor, domain, email=arguments.user_name, name=arguments.full_name, password=arguments.password or None
    )
    if mailbox.user is None:
        raise BadAddress(arguments.user_name)
    return mailbox.user


def _person(actor: Actor, address: str) -> User:
    """Raises: BadAddress, UnknownUser, Http404, Forbidden."""
    return selectors.get_user(actor, find_user(address).pk, need=Right.MANAGE_USERS)


def _mailbox(actor: Actor, address: str, need: Right = Right.MANAGE_USERS) -> Mailbox:
    """Raises: BadAddress, UnknownUser, Http404, Forbidden, BadArguments for somebody without a mailbox."""
    user = find_user(address)
    if mailbox_of(user) is None:
        selectors.get_user(actor, user.pk, need=need)
        raise BadArguments(_("%(name)s has no mailbox.") % {"name": user.email}, field="user_name")
    return get_mailbox_of_person(actor, user.pk, need=need)


def _folders(user: User) -> list[Result]:
    """The folders they were let into; `path` as SetUserPrivilegesOnFolder takes it."""
    grants = list(FolderGrant.objects.filter(user=user))
    addresses = dict(Mailbox.objects.filter(pk__in={each.mailbox_id for each in grants}).values_list("pk", "address"))
    return [
        {
            "mailboxId": grant.mailbox_id,
            "folder": grant.folder,
            "path": "/".join(part for part in (addresses.get(grant.mailbox_id, ""), grant.folder) if part),
            "privileges": grant.privileges or [privileges.NONE],
        }
        for grant in grants
    ]


def _brief(user: User) -> Result:
    return {
        "userName": user.email,
        "fullName": user.name,
        "enabled": user.is_active,
        "privileges": [privileges.ADMIN] if user.is_administrator else user.privileges or _usual(user),
        "authentication": user.authentication,
        "distinguishedName": user.distinguished_name or None,
    }


def _usual(user: User) -> list[str]:
    """Of whom nobody said anything: what nobody took from them."""
    taken = set(user.denied_rights)
    return [name for name, right in privileges.DENIES.items() if right.value not in taken] or [privileges.NONE]


def _doors(user: User) -> list[str]:
    """null is every door, an empty list none."""
    if user.login_privileges is None:
        return list(privileges.LOGIN_PRIVILEGES)
    return user.login_privileges or [privileges.NONE]


def _list(text: str) -> list[str]:
    return [each.strip() for each in text.split(",") if each.strip()]
