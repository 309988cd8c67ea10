"""Users: our mailboxes with the people who sign in with them. Deleting one is our deletion: kept for some days.

Names without a domain belong to the one set as the dialect's default; without it there are none. Passwords are taken as
they come (`accounts.services.brought_passwords`), unless the dialect is set to hold them to our rules.
"""

from __future__ import annotations

from django.http import Http404, HttpResponse
from django.utils.translation import gettext as _

from accounts.errors import BadPassword
from accounts.permissions import Right
from accounts.services.brought_passwords import bring_password
from accounts.services.passwords import set_password
from accounts.services.verifying import opens_doors
from api.james import domains, tasks
from api.james.answers import (
    INVALID,
    PAYLOAD,
    JamesError,
    arguments,
    bad_domain,
    body,
    conflict,
    invalid,
    not_found,
    nothing,
)
from api.james.asking import Asked
from domains.commands.people import RenameUserArguments
from domains.errors import BadAddress
from domains.models import Address, Mailbox, Status
from domains.selectors import list_mailboxes
from domains.services import aliases, claims, mailbox_states
from domains.services.account_rights import LETTERS, rights_of, set_rights
from domains.services.domains import parse_name
from domains.services.mailboxes import create_mailbox

LONGEST = 255
PASSWORD_RULES = "passwordRules"  # noqa: S105  # a setting's name
MAPPINGS: dict[str, str] = {Address.Kind.ALIAS: "alias:", Address.Kind.FORWARD: "alias:", Address.Kind.GROUP: "group:"}
UNREADABLE = "Error while deserializing verifyUser request"
GONE = (Status.DELETED, Status.PURGED)


def clean_domain(text: str) -> str:
    """A domain's name, or nothing. Raises: ValueError."""
    return parse_name(text) if text.strip() else ""


def clean_choice(text: str) -> str:
    """Raises: ValueError with a sentence for people."""
    word = text.strip().lower()
    if word not in ("", "yes", "no"):
        raise ValueError(_("Only “yes” or “no”."))
    return word


def full(asked: Asked, name: str) -> str:
    """The address of a user's name. Raises: JamesError."""
    if len(name) > LONGEST:
        raise arguments("username length should not be longer than 255 characters")
    if "@" not in name and asked.default_domain:
        name = f"{name}@{asked.default_domain}"
    if "@" not in name:
        return name.lower()
    local, _at, domain = name.partition("@")
    if not local and "@" not in domain:
        raise arguments("username local part should not be empty")
    if "@" in domain:
        raise bad_domain(domain)
    try:
        return str(claims.parse(name))
    except BadAddress as error:
        raise arguments(str(error)) from error


def find(asked: Asked, name: str, *, need: Right = Right.VIEW_USERS) -> Mailbox:
    """The mailbox of this name that is in use. Raises: Http404, Forbidden, JamesError (no name at all)."""
    address = full(asked, name)
    rows = Mailbox.objects.exclude(status__in=GONE).select_related("domain__customer", "user", "claim")
    row = rows.filter(address=address).first()
    if row is None or not asked.actor.has(Right.VIEW_USERS, row):
        raise Http404("no such user")
    asked.actor.require(need, row)
    return row


def named(asked: Asked, *, need: Right = Right.VIEW_USERS) -> Mailbox:
    """The user whom the path names. Raises: JamesError, Forbidden."""
    name = asked.named["user"]
    try:
        return find(asked, name, need=need)
    except Http404 as error:
        raise not_found(f"User '{name}' does not exist") from error


def list_all(asked: Asked) -> HttpResponse:
    rows = list_mailboxes(asked.actor).exclude(status__in=GONE).order_by("address")
    return body([{"username": asked.shown(address)} for address in rows.values_list("address", flat=True)])


def list_of_domain(asked: Asked) -> HttpResponse:
    if domains.alias_named(asked, asked.named["domain"]) is not None:
        return body([])
    domain = domains.served(asked, asked.named["domain"])
    rows = list_mailboxes(asked.actor, domain=domain).exclude(status__in=GONE).order_by("address")
    return body([asked.shown(address) for address in rows.values_list("address", flat=True)])


def head(asked: Asked) -> HttpResponse:
    try:
        find(asked, asked.named["user"])
    except Http404:
        return nothing(404)
    return nothing(200)


def put(asked: Asked) -> HttpResponse:
    name = asked.named["user"]
    address = full(asked, name)
    if "@" not in address:
        raise invalid("Username supplied is invalid", "Given Username needs to contain a @domainpart")
    if "@" in name and asked.default_domain and asked.shown(address) != address:
        details = "Given Username contains a @domainpart but virtualhosting support is disabled"
        raise invalid("Username supplied is invalid", details)
    _require_domain(asked, name, address)
    password = _password(asked)
    row = Mailbox.objects.exclude(status=Status.PURGED).select_related("domain", "user").filter(address=address).first()
    if row is not None and row.status != Status.DELETED and not asked.has("force"):
        asked.actor.require(Right.MANAGE_USERS, row)
        raise conflict(f"'{asked.shown(address)}' user already exist")
    is_new = row is None or row.status == Status.DELETED
    if row is None:
        domain = domains.find(asked, address.partition("@")[2], need=Right.MANAGE_USERS)
        require_no_mapping(asked, address)
        row = create_mailbox(asked.actor, domain, email=address)
    elif row.status == Status.DELETED:
        mailbox_states.restore_mailbox(asked.actor, row)
    if row.user is not None:
        _store(asked, row, password, is_new=is_new)
    return nothing()


def _require_domain(asked: Asked, name: str, address: str) -> None:
    domain = address.partition("@")[2]
    try:
        domains.find(asked, domain, need=Right.MANAGE_USERS)
    except Http404 as error:
        asked.actor.require_somewhere(Right.MANAGE_USERS)
        raise invalid("Username supplied is invalid", f"Domain does not exist in DomainList: {domain}") from error


def require_no_mapping(asked: Asked, address: str) -> None:
    """Raises: JamesError where an alias, a group or a forward has the address; told is the first that it leads to."""
    there = Address.objects.filter(text=address, kind__in=MAPPINGS).first()
    if there is not None and asked.actor.has(Right.VIEW_USERS, there):
        email = there.recipients.order_by("email").values_list("email", flat=True).first() or ""
        told = f"{MAPPINGS[there.kind]}{email}"
        raise conflict(f"'{asked.shown(address)}' already have associated mappings: {told}")


def _store(asked: Asked, row: Mailbox, password: str, *, is_new: bool) -> None:
    """Who is new may bring the password that their programs know; who is here already gets one by the rules.

    The one that they have stays, weak or not: a synchronisation says it again and again.
    """
    assert row.user is not None
    try:
        if not is_new and asked.actor.has(Right.SET_PASSWORDS, row) and opens_doors(asked.actor, row.user, password):
            return
        if not is_new or asked.call.settings.get(PASSWORD_RULES) == "yes":
            set_password(asked.actor, row.user, password=password)
        else:
            bring_password(asked.actor, row.user, password=password)
    except BadPassword as error:
        raise invalid("Password supplied is invalid", str(error)) from error


def _password(asked: Asked) -> str:
    found = asked.json()
    password = found.get("password") if isinstance(found, dict) else None
    if not isinstance(password, str) or not password:
        raise invalid(PAYLOAD, "'password' is mandatory")
    return password


def delete(asked: Asked) -> HttpResponse:
    try:
        row = find(asked, asked.named["user"], need=Right.MANAGE_USERS)
    except Http404:
        asked.actor.require_somewhere(Right.MANAGE_USERS)
        return nothing()
    mailbox_states.delete_mailbox(asked.actor, row)
    return nothing()


def verify(asked: Asked) -> HttpResponse:
    """Whoever isn't there has no password: the same answer as to a wrong one."""
    try:
        found = asked.json()
    except JamesError as error:
        raise invalid(UNREADABLE, error.details) from error
    password = found.get("password") if isinstance(found, dict) else None
    if not isinstance(password, str):
        raise invalid(UNREADABLE, "'password' is mandatory")
    try:
        row = find(asked, asked.named["user"], need=Right.SET_PASSWORDS)
    except Http404:
        asked.actor.require_somewhere(Right.SET_PASSWORDS)
        return nothing(401)
    is_right = row.user is not None and opens_doors(asked.actor, row.user, password)
    return nothing(204 if is_right else 401)


def allowed_senders(asked: Asked) -> HttpResponse:
    try:
        row = find(asked, asked.named["user"])
    except Http404 as error:
        raise not_found(f"user '{asked.named['user']}' does not exist", type_=INVALID) from error
    local, _at, own = row.address.partition("@")
    others = row.domain.names.filter(is_alias=True).exclude(name=own).order_by("name").values_list("name", flat=True)
    by_domain = [f"{local}@{name}" for name in others]
    by_alias = list(aliases.aliases_of(row).values_list("text", flat=True))
    return body(list(dict.fromkeys([asked.shown(row.address), *by_alias, *by_domain])))


# --- whom somebody lets in --------------------------------------------------------------------------------------


def delegates(asked: Asked) -> HttpResponse:
    return body(sorted(rights_of(named(asked))))


def add_delegate(asked: Asked) -> HttpResponse:
    row = named(asked, need=Right.MANAGE_USERS)
    other = _delegate(asked)
    set_rights(asked.actor, row, {**rights_of(row), other: LETTERS})
    return nothing(200)


def remove_delegate(asked: Asked) -> HttpResponse:
    """Who isn't there was let in by nobody, which is what was wanted."""
    row = named(asked, need=Right.MANAGE_USERS)
    other = full(asked, asked.named["delegate"])
    set_rights(asked.actor, row, {name: letters for name, letters in rights_of(row).items() if name != other})
    return nothing(200)


def remove_delegates(asked: Asked) -> HttpResponse:
    set_rights(asked.actor, named(asked, need=Right.MANAGE_USERS), {})
    return nothing(200)


def _delegate(asked: Asked) -> str:
    name = asked.named["delegate"]
    try:
        return find(asked, name).address
    except Http404 as error:
        raise not_found(f"User '{name}' does not exist") from error


# --- tasks ------------------------------------------------------------------------------------------------------


def act(asked: Asked) -> HttpResponse:
    """POST /users/{user}?action=…"""
    tasks.wanted(asked, "action", ["deleteData"])
    _existing(asked, "username")
    raise arguments("Data of a user leaves an archive by retention, or by DeleteFolder with a second person's approval")


def _existing(asked: Asked, parameter: str) -> Mailbox:
    """The user of a task. Raises: JamesError, Forbidden."""
    try:
        return find(asked, asked.named["user"], need=Right.MANAGE_USERS)
    except Http404 as error:
        asked.actor.require_somewhere(Right.MANAGE_USERS)
        raise arguments(f"'{parameter}' parameter should be an existing user") from error


def rename(asked: Asked) -> HttpResponse:
    tasks.wanted(asked, "action", ["rename"])
    row = _existing(asked, "oldUser")
    new = full(asked, asked.named["new"])
    _require_domain(asked, asked.named["new"], new)  # before anything is said of who is there
    taken = Mailbox.objects.exclude(status=Status.PURGED).filter(address=new).exists()
    if taken:
        raise arguments(f"'{asked.shown(new)}' user already exist; an account can't become another one that is there")
    return tasks.begin(asked, "RenameUser", RenameUserArguments(row.address, new))
