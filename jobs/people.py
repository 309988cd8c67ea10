"""The commands about people, under the names that archive programs know them by; each is one service of `accounts`.

Source of the names and value lists: the MailStore administration API. Lists are separated by commas.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from accounts import privileges, selectors
from accounts.actors import Actor
from accounts.models import User
from accounts.permissions import Right
from accounts.services import find_user
from accounts.services import privileges as services
from accounts.services.app_passwords import delete_all_app_passwords
from accounts.services.second_factors import initialise, remove_second_factors
from accounts.services.tokens import revoke_all_tokens
from jobs.commands import command
from jobs.running import TaskRun

Result = dict[str, object]


@dataclass(frozen=True, slots=True)
class UserArguments:
    """Whose."""

    user_name: str


@dataclass(frozen=True, slots=True)
class PrivilegesArguments:
    """Whose, and which."""

    user_name: str
    privileges: str


@dataclass(frozen=True, slots=True)
class LoginPrivilegesArguments:
    """Whose, and which doors."""

    user_name: str
    login_privileges: str


@dataclass(frozen=True, slots=True)
class AuthenticationArguments:
    """Whose, and against what."""

    user_name: str
    authentication: str


@dataclass(frozen=True, slots=True)
class DistinguishedNameArguments:
    """Whose, and where the directory has them; nothing: nowhere."""

    user_name: str
    distinguished_name: str = ""


def visible_user(actor: Actor, address: str) -> User:
    """The person of an address, as far as the actor may see them.

    Raises: BadAddress, UnknownUser, Http404, Forbidden.
    """
    return selectors.get_user(actor, find_user(address).pk, need=Right.MANAGE_USERS)


@command(
    "SetUserPrivileges",
    needs=Right.MANAGE_USERS,
    arguments=PrivilegesArguments,
    label=_("Privileges"),
    needs_proof=True,
)
def set_user_privileges(actor: Actor, run: TaskRun, arguments: PrivilegesArguments) -> Result:
    """Set what somebody may do with their own things: none, admin, login, changePassword, archive, export …"""
    user = visible_user(actor, arguments.user_name)
    services.set_privileges(actor, user, arguments.privileges.split(","))
    return {"user": user.email, "privileges": user.privileges or [privileges.NONE]}


@command(
    "SetUserLoginPrivileges",
    needs=Right.MANAGE_USERS,
    arguments=LoginPrivilegesArguments,
    label=_("Doors"),
    needs_proof=True,
)
def set_user_login_privileges(actor: Actor, run: TaskRun, arguments: LoginPrivilegesArguments) -> Result:
    """Set by which doors somebody comes in: none, web, api, imap, outlook, windows, windowsCmd."""
    user = visible_user(actor, arguments.user_name)
    services.set_login_privileges(actor, user, arguments.login_privileges.split(","))
    return {"user": user.email, "login_privileges": user.login_privileges or [privileges.NONE]}


@command(
    "SetUserAuthentication",
    needs=Right.MANAGE_USERS,
    arguments=AuthenticationArguments,
    label=_("Way of signing in"),
    needs_proof=True,
)
def set_user_authentication(actor: Actor, run: TaskRun, arguments: AuthenticationArguments) -> Result:
    """Set against what somebody's password is checked: integrated or directoryServices."""
    user = visible_user(actor, arguments.user_name)
    services.set_authentication(actor, user, arguments.authentication)
    return {"user": user.email, "authentication": user.authentication}


@command(
    "SetUserDistinguishedName",
    needs=Right.MANAGE_USERS,
    arguments=DistinguishedNameArguments,
    label=_("Distinguished name"),
)
def set_user_distinguished_name(actor: Actor, run: TaskRun, arguments: DistinguishedNameArguments) -> Result:
    """Set where somebody stands in the organisation's directory."""
    user = visible_user(actor, arguments.user_name)
    services.set_distinguished_name(actor, user, arguments.distinguished_name)
    return {"user": user.email, "distinguished_name": user.distinguished_name}


@command(
    "DeleteAppPasswords",
    needs=Right.MANAGE_USERS,
    arguments=UserArguments,
    label=_("Deletion of app passwords"),
    needs_proof=True,
)
def delete_app_passwords(actor: Actor, run: TaskRun, arguments: UserArguments) -> Result:
    """Delete everything that programs sign in with in somebody's place: app passwords and access tokens."""
    user = visible_user(actor, arguments.user_name)
    deleted = delete_all_app_passwords(actor, user)
    return {"user": user.email, "deleted": deleted, "revoked": revoke_all_tokens(actor, user)}


@command(
    "InitializeMFA",
    needs=Right.SET_PASSWORDS,
    arguments=UserArguments,
    label=_("Start of a second factor"),
    needs_proof=True,
)
def initialize_mfa(actor: Actor, run: TaskRun, arguments: UserArguments) -> Result:
    """Have somebody set up a second factor when they come next; what they had, and trusted devices, count no more."""
    user = selectors.get_user(actor, find_user(arguments.user_name).pk, need=Right.SET_PASSWORDS)
    return {"user": user.email, "renewed": initialise(actor, user)}


@command(
    "DisableMFA",
    needs=Right.SET_PASSWORDS,
    arguments=UserArguments,
    label=_("Removal of second factors"),
    needs_proof=True,
)
def disable_mfa(actor: Actor, run: TaskRun, arguments: UserArguments) -> Result:
    """Let somebody sign in with their password alone who lost their second factor; never oneself."""
    user = selectors.get_user(actor, find_user(arguments.user_name).pk, need=Right.SET_PASSWORDS)
    return {"user": user.email, "removed": remove_second_factors(actor, user)}
