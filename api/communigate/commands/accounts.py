"""Accounts: making, renaming, deleting, their settings, passwords, aliases, and what is known about them."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from accounts.errors import TooManyAttempts
from accounts.models import AuditEvent, User
from accounts.permissions import Right
from accounts.selectors.sessions import list_sessions_of
from accounts.services import set_password
from accounts.services.app_passwords import delete_app_password, list_app_passwords
from accounts.services.passwords import change_proven_password
from accounts.services.verifying import opens_doors
from api.communigate import account_defaults, account_settings, keeping
from api.communigate.context import GONE, Context, texts_of
from api.communigate.format import Value
from api.communigate.freeing import make_way
from api.communigate.grammar import Arguments
from api.communigate.keeping import Dictionary
from api.communigate.pwd.door import NOTHING, Data
from api.communigate.refusing import ACCOUNT_EXISTS, NO_ACCOUNT, PASSWORD, RIGHTS, Refused, TakenAlready
from api.communigate.sizes import bytes_of, count_of
from api.communigate.table import Command, command, done
from domains.models import Mailbox, Status
from domains.selectors.identities import Identity, identity_of
from domains.services import aliases, claims, mailbox_states, profiles
from domains.services.mailboxes import create_mailbox
from domains.services.readdressing import rename_mailbox

TEMPLATE = "accounttemplate"
CHANGEABLE = "MULTIMAILBOX|AGRADE|BGRADE|CGRADE"
KINDS = "MULTIMAILBOX|TEXTMAILBOX|MAILDIRMAILBOX|SLICEDMAILBOX|AGRADE|BGRADE|CGRADE:kind"
_KINDS = {
    kind.upper(): kind
    for kind in ("MultiMailbox", "TextMailbox", "MailDirMailbox", "SlicedMailbox", "AGrade", "BGrade", "CGrade")
}


def create(context: Context, arguments: Arguments) -> Data:
    """With the domain's template, and over it what is given. The name of an account that was deleted is free: what
    is left of that one is purged first, or set aside under another name (archived mail stays either way).
    """
    domain, address = context.split(arguments["name"], Right.VIEW_DOMAINS)
    context.actor.require(Right.MANAGE_USERS, domain)
    values: Dictionary = {**keeping.kept(TEMPLATE, domain), **arguments.get("settings", {})}
    _free(context, address)
    size = bytes_of(values.pop("MaxAccountSize", ""), "MaxAccountSize")
    count = count_of(values.pop("MaxMailMessages", ""), "MaxMailMessages")
    made = create_mailbox(
        context.actor,
        domain,
        email=address,
        name=str(values.pop("RealName", "") or ""),
        password=str(values.pop("Password", "") or "") or None,
        quota_bytes=size,
        quota_messages=count,
        status=None if values.get("AccessMode") != "None" else Status.DISABLED,
    )
    kind = _KINDS.get(arguments.get("kind", "")) or account_defaults.account_type(domain)
    if kind:
        profiles.set_account_type(context.actor, made, kind)
    if values:
        account_settings.apply(context, made, values, is_new=True)
    return done()


def _free(context: Context, address: str) -> None:
    """Raises: TakenAlready."""
    make_way(context, address)
    if claims.find(address) is not None:
        raise TakenAlready(ACCOUNT_EXISTS, "Account with this name already exists")


def rename(context: Context, arguments: Arguments) -> Data:
    found = context.account(arguments["old"])
    _domain, address = context.split(_beside(arguments["new"], found), Right.VIEW_DOMAINS)
    if claims.find(address) is not None and address.lower() != found.address:
        _free(context, address)
    rename_mailbox(context.actor, found, email=address)
    return done()


def _beside(name: str, found: Mailbox) -> str:
    """A new name without a domain stays in the account's own."""
    return name if "@" in name else f"{name}@{found.domain.name}"


def delete(context: Context, arguments: Arguments) -> Data:
    """Nobody signs in any more and no mail comes; until it is purged it can be brought back on its page."""
    mailbox_states.delete_mailbox(context.actor, context.account(arguments["name"]))
    return done()


def set_type(context: Context, arguments: Arguments) -> Data:
    """One that is a single mailbox stays one."""
    found = context.account(arguments["name"])
    if profiles.profile_of(found).account_type.upper() not in ("", *CHANGEABLE.split("|")):
        raise Refused(501, "the type of a single-mailbox account can't be changed")
    profiles.set_account_type(context.actor, found, _KINDS[arguments["kind"]])
    return done()


# --- settings ---------------------------------------------------------------------------------------------------------


def get_settings(context: Context, arguments: Arguments) -> Data:
    return account_settings.explicit(context, context.account(arguments["name"], own=True))


def get_effective(context: Context, arguments: Arguments) -> Data:
    return account_settings.effective(context, context.account(arguments["name"], own=True))


def get_one(context: Context, arguments: Arguments) -> Data:
    found = account_settings.effective(context, context.account(arguments["name"], own=True))
    return found.get(arguments["key"])


def update_settings(context: Context, arguments: Arguments) -> Data:
    account_settings.apply(context, context.account(arguments["name"], own=True), arguments["settings"])
    return done()


def set_settings(context: Context, arguments: Arguments) -> Data:
    account_settings.apply(context, context.account(arguments["name"], own=True), arguments["settings"], replace=True)
    return done()


# --- passwords --------------------------------------------------------------------------------------------------------


def change_password(context: Context, arguments: Arguments) -> Data:
    """Every password keeps the rules here, with CHECK or without."""
    if "tag" in arguments and not arguments["password"]:
        return _forget_tagged(context, arguments)
    if "tag" in arguments or arguments.get("method", "").upper() in ("SIP", "RADIUS"):
        raise Refused(501, "not supported: accounts have one password here, and access tokens for programs")
    if context.is_oneself(arguments["name"]):
        _change_own(context, arguments["password"])
        return done()
    found = context.account(arguments["name"], Right.SET_PASSWORDS, own=True)
    if found.user is None:
        raise Refused(NO_ACCOUNT, "nobody signs in with this account")
    if context.actor.owns(found.user):
        _change_own(context, arguments["password"])
    else:
        set_password(context.actor, found.user, password=arguments["password"])
    return done()


def _change_own(context: Context, password: str) -> None:
    """In person: they came in with the present one. Their other sessions end, and this one goes on."""
    proven, in_person = context.seen.proven, context.in_person()
    if proven is None or in_person is None:
        raise Refused(RIGHTS, "insufficient access rights: sign in with the password that is to be changed")
    proven.kept = change_proven_password(in_person, proven=proven.kept, new=password).password
    proven.since = time.time()


def _forget_tagged(context: Context, arguments: Arguments) -> Data:
    """The app password of this name opens nothing any more."""
    found = context.account(arguments["name"], own=True)
    rows = list_app_passwords(context.actor, found.user) if found.user is not None else None
    row = rows.filter(name=arguments["tag"]).first() if rows is not None else None
    if row is None:
        raise Refused(501, f"there is no app password {arguments['tag']}")
    delete_app_password(context.actor, row)
    return done()


def verify(context: Context, arguments: Arguments) -> Data:
    """Counted as a guess, as at the sign-in page."""
    found = context.account(arguments["name"], Right.SET_PASSWORDS)
    try:
        is_right = found.user is not None and opens_doors(context.actor, found.user, arguments["password"])
    except TooManyAttempts as error:
        raise Refused(PASSWORD, "too many wrong passwords; try again later") from error
    if not is_right:
        raise Refused(PASSWORD, "incorrect password")
    return NOTHING


def verify_identity(context: Context, arguments: Arguments) -> Data:
    found = context.account(arguments["name"], own=True)
    if identity_of(found, arguments["identity"]) == Identity.NONE:
        raise Refused(501, "the account may not send as this")
    return NOTHING


# --- aliases ----------------------------------------------------------------------------------------------------------


def get_aliases(context: Context, arguments: Arguments) -> Data:
    """Of the account's own domain without it."""
    found = context.account(arguments["name"], own=True)
    rows = aliases.aliases_of(found).select_related("domain")
    return [row.local if row.domain_id == found.domain_id else row.text for row in rows]


def set_aliases(context: Context, arguments: Arguments) -> Data:
    found = context.account(arguments["name"])
    wanted = [_beside(each, found) for each in texts_of(arguments["aliases"], "aliases")]
    for each in wanted:
        make_way(context, each)
    aliases.set_aliases(context.actor, found, wanted)
    return done()


# --- what is known ----------------------------------------------------------------------------------------------------


def get_info(context: Context, arguments: Arguments) -> Data:
    """StorageUsed, MessagesUsed, LastLogin and where from, Created, and the facts kept of the account, by name."""
    found = context.account(arguments["name"], own=True)
    known = _info(context, found)
    if "key" in arguments:
        return known.get(arguments["key"], "")
    if "keys" in arguments:
        wanted = texts_of(arguments["keys"], "keys")
        return {key: known[key] for key in wanted if key in known}
    return known


def _info(context: Context, mailbox: Mailbox) -> Dictionary:
    facts: dict[str, Value] = dict(profiles.profile_of(mailbox).information)
    facts["StorageUsed"] = str(mailbox.used_bytes)
    facts["MessagesUsed"] = str(mailbox.used_messages)
    facts["Created"] = _moment(mailbox.created_at)
    last = mailbox.last_sign_in_at or (mailbox.user.last_login if mailbox.user is not None else None)
    if last is not None:
        facts["LastLogin"] = _moment(last)
    person = mailbox.user
    if person is not None and (context.actor.owns(person) or context.actor.has(Right.MANAGE_USERS, mailbox)):
        facts |= _addresses(context, person)
    return facts


def _addresses(context: Context, person: User) -> Dictionary:
    """Where they signed in last, and where they were last: only for who sees their sessions."""
    newest = list_sessions_of(context.actor, person).exclude(address="").first()
    signed_in = AuditEvent.objects.filter(actor=person, action="user.sign_in").exclude(address="").first()
    found: Dictionary = {}
    if signed_in is not None or newest is not None:
        began = signed_in.address if signed_in is not None else newest.address if newest is not None else ""
        found["LastLoginAddress"] = began
        found["LastAddress"] = began if newest is None else newest.last_address or newest.address
    return found


def _moment(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(microsecond=0)


def account_lists(context: Context, arguments: Arguments) -> Data:
    """The mailing lists an account owns, with how many are on each."""
    found = context.account(arguments["name"], own=True)
    rows = found.owned_lists.select_related("address").exclude(owner__status__in=GONE)
    return {row.address.local: str(row.subscriber_count) for row in rows.order_by("address__local")}


COMMANDS: list[Command] = [
    command(
        "CREATEACCOUNT",
        f"name [ {KINDS} ] [ PATH storage ] [ LEGACY ] [ EXTERNAL ] [ settings{{}} ]",
        create,
        "Make an account",
        taken=ACCOUNT_EXISTS,
    ),
    command("RENAMEACCOUNT", "old INTO new [ PATH storage ]", rename, "Rename an account", taken=ACCOUNT_EXISTS),
    command("DELETEACCOUNT", "name", delete, "Delete an account"),
    command("SETACCOUNTTYPE", f"name {CHANGEABLE}:kind", set_type, "Say of which kind an account is"),
    command("GETACCOUNTSETTINGS", "name", get_settings, "Read an account's own settings", reads=True),
    command("GETACCOUNTEFFECTIVESETTINGS", "name", get_effective, "Read what counts for an account", reads=True),
    command("GETACCOUNTONESETTING", "name key", get_one, "Read one setting that counts", reads=True),
    command("UPDATEACCOUNTSETTINGS", "name settings{}", update_settings, "Change settings of an account"),
    command("SETACCOUNTSETTINGS", "name settings{}", set_settings, "Replace the settings of an account"),
    command(
        "SETACCOUNTPASSWORD",
        "name PASSWORD|TO:word password [ METHOD method ] [ NAME tag ] [ CHECK ]",
        change_password,
        "Set an account's password",
    ),
    command("VERIFYACCOUNTPASSWORD", "name PASSWORD password", verify, "Check a password", reads=True),
    command("VERIFYACCOUNTIDENTITY", "name FOR identity…", verify_identity, "Check who may send as what", reads=True),
    command("GETACCOUNTALIASES", "name", get_aliases, "List an account's aliases", reads=True),
    command("SETACCOUNTALIASES", "name aliases()", set_aliases, "Replace an account's aliases"),
    command("GETACCOUNTINFO", "name [ KEY key ] [ keys() ]", get_info, "Read what is known of an account", reads=True),
    command("GETACCOUNTLISTS", "name", account_lists, "List the mailing lists of an account", reads=True),
]
