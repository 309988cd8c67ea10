"""What an account may do as an administrator, in CommuniGate's words. Each stands for some of ours, of the account's
domain or of the whole server; a word that stands for none is kept and given back.
"""

from __future__ import annotations

from accounts.models import Grant, User
from accounts.permissions import Level, Right
from accounts.scopes import SERVER
from accounts.selectors.administrators import list_grants
from accounts.services.grants import Bundle, add_grant, change_grant, remove_grant, set_system_administrator
from api.communigate import keeping
from api.communigate.context import Context, texts_of
from api.communigate.grammar import Arguments
from api.communigate.pwd.door import Data
from api.communigate.refusing import NO_ACCOUNT, Refused
from api.communigate.table import Command, command, done
from domains.models import Mailbox
from domains.selectors import mailbox_of
from domains.services.readdressing import claim_of

MASTER, KEPT = "Master", "rights"
_SEEING = frozenset({Right.VIEW_DOMAINS, Right.VIEW_USERS})
DOMAIN_RIGHTS: dict[str, frozenset[Right]] = {
    "Domain": _SEEING,
    "BasicSettings": frozenset({Right.EDIT_DOMAINS, Right.SET_PASSWORDS, Right.MANAGE_QUOTAS}),
    "CanCreateAccounts": frozenset({Right.MANAGE_USERS}),
    "CanCreateAliases": frozenset({Right.MANAGE_ADDRESSES}),
    "CanCreateGroups": frozenset({Right.MANAGE_ADDRESSES}),
    "CanCreateForwarders": frozenset({Right.MANAGE_ADDRESSES}),
    "CanCreateLists": frozenset({Right.MANAGE_LISTS}),
    "CanAccessLists": frozenset({Right.MANAGE_LISTS}),
    "CanPostAlerts": frozenset({Right.MANAGE_ALERTS}),
    "RulesAllowed": frozenset({Right.VIEW_POLICIES, Right.MANAGE_POLICIES, Right.MANAGE_FILTERS}),
    "CanCreateWebUserSessions": frozenset({Right.SEND_SIGN_IN_LINKS}),
}
_ALL_DOMAINS = frozenset.union(*DOMAIN_RIGHTS.values()) | {Right.CREATE_DOMAINS, Right.DELETE_DOMAINS}
SERVER_RIGHTS: dict[str, frozenset[Right]] = {
    "All Domains": _ALL_DOMAINS,
    "Settings": frozenset({Right.MANAGE_SERVER, Right.MANAGE_GATEWAY, Right.MANAGE_OPTIONS}),
    "User": frozenset({Right.VIEW_USERS, Right.MANAGE_USERS, Right.SET_PASSWORDS}),
    "Monitor": frozenset({Right.VIEW_HEALTH, Right.VIEW_LOGS, Right.MANAGE_QUEUES, Right.MANAGE_ALERTS}),
}
_OTHER_WORDS = {
    "domains": "All Domains",
    "alldomains": "All Domains",
    "monitoring": "Monitor",
    "basic settings": "BasicSettings",
}
_KNOWN = {word.lower(): word for word in (MASTER, *DOMAIN_RIGHTS, *SERVER_RIGHTS)} | _OTHER_WORDS


def get_rights(context: Context, arguments: Arguments) -> Data:
    if context.is_oneself(arguments["name"]) and context.actor.user is not None:
        person = context.actor.user
        if mailbox_of(person) is None:  # an administrator of the server needs no account
            return [*_held(context, person, None)]
    mailbox = context.account(arguments["name"], Right.VIEW_GRANTS, own=True)
    found = _held(context, _person(mailbox), mailbox)
    written = texts_of(keeping.kept(KEPT, claim_of(mailbox)).get(KEPT), KEPT)
    return [*_as_written(written, found)]


def _held(context: Context, person: User, mailbox: Mailbox | None) -> list[str]:
    """The words for what somebody holds on the server, and on the domain of their account."""
    found: list[str] = [MASTER] if person.is_administrator else []
    for grant in list_grants(context.actor, person):
        held = _rights(grant)
        if grant.level == Level.SERVER:
            found += [word for word, rights in SERVER_RIGHTS.items() if rights <= held]
        elif mailbox is not None and grant.level == Level.DOMAIN and grant.object_id == mailbox.domain_id:
            found += [word for word, rights in DOMAIN_RIGHTS.items() if rights <= held]
    return found


def _as_written(written: list[str], found: list[str]) -> list[str]:
    """The words a script gave, as far as they are still true; then what else is held and isn't part of them."""
    kept = [text for text in written if (word := _KNOWN.get(text.lower())) is None or word in found]
    known = {_KNOWN[text.lower()] for text in kept if text.lower() in _KNOWN}
    every = {**DOMAIN_RIGHTS, **SERVER_RIGHTS}
    held = frozenset[Right]().union(*(every.get(word, frozenset()) for word in known), _SEEING if known else ())
    return [*kept, *(word for word in found if word not in known and (word == MASTER or not every[word] <= held))]


def _rights(grant: Grant) -> frozenset[Right]:
    return frozenset(grant.all_rights())


def _person(mailbox: Mailbox) -> User:
    if mailbox.user is None:
        raise Refused(NO_ACCOUNT, "nobody signs in with this account")
    return User.objects.get(pk=mailbox.user.pk)


def set_rights(context: Context, arguments: Arguments) -> Data:
    """Nobody gives or takes what they don't hold: the services ask. What is held elsewhere stays."""
    mailbox = context.account(arguments["name"])
    person, kept = _person(mailbox), texts_of(arguments["rights"], "rights")
    words = {_KNOWN[text.lower()] for text in kept if text.lower() in _KNOWN}
    if (MASTER in words) != person.is_administrator:
        set_system_administrator(context.actor, person, MASTER in words)
    of_server = frozenset().union(*(SERVER_RIGHTS[word] for word in words if word in SERVER_RIGHTS))
    of_domain = frozenset().union(*(DOMAIN_RIGHTS[word] for word in words if word in DOMAIN_RIGHTS))
    _hold(context, person, SERVER, Level.SERVER, 0, of_server)
    _hold(
        context, person, mailbox.domain, Level.DOMAIN, mailbox.domain_id, of_domain | (_SEEING if of_domain else set())
    )
    if kept or keeping.kept(KEPT, claim_of(mailbox)):
        context.actor.require(Right.MANAGE_USERS, mailbox)
        keeping.keep(context.actor, KEPT, claim_of(mailbox), {KEPT: [*kept]} if kept else {}, replace=True)
    return done()


def _hold(context: Context, person: User, obj: object, level: Level, object_id: int, rights: frozenset[Right]) -> None:
    """Exactly these rights on the one scope."""
    present = Grant.objects.filter(user=person, level=level, object_id=object_id).first()
    if present is not None and _rights(present) == rights:
        return
    bundle = Bundle(rights=rights)
    if present is None and rights:
        add_grant(context.actor, person, obj, bundle)
    elif present is not None and rights:
        change_grant(context.actor, present, bundle)
    elif present is not None:
        remove_grant(context.actor, present)


COMMANDS: list[Command] = [
    command("GETACCOUNTRIGHTS", "name", get_rights, "Read what somebody administers", reads=True),
    command("SETACCOUNTRIGHTS", "name rights()", set_rights, "Replace what somebody administers"),
]
