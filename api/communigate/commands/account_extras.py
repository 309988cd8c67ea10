"""What an account has beside its settings: preferences, mail rules, accounts it fetches from, rights of others."""

from __future__ import annotations

from typing import Any

from accounts import options
from accounts.permissions import EndUserRight, Right
from accounts.scopes import SERVER
from accounts.services.options import reset_option, set_option
from api.communigate import keeping, rules
from api.communigate.context import Context, is_yes, text_of
from api.communigate.format import Value
from api.communigate.grammar import Arguments
from api.communigate.keeping import DEFAULT, Dictionary
from api.communigate.pwd.door import Data
from api.communigate.refusing import NO_ACCOUNT, Refused
from api.communigate.table import Command, command, done
from domains.models import Address, Domain, Mailbox, RemotePull
from domains.selectors.pulls import list_pulls
from domains.services import account_rights, profiles, pulls
from domains.services.forwards import require_over_mailbox
from domains.services.profiles import DEFAULT_PREFERENCES, named_lines
from domains.services.readdressing import claim_of
from gateway.services.mail_rules import away

PREFERENCES = "preferences"


# --- preferences ------------------------------------------------------------------------------------------------------


def _plain(values: Dictionary) -> dict[str, Any]:
    """Those that an account's preferences hold; arrays and dictionaries are kept as they are."""
    return {
        key: None if keeping.is_default(value) else value
        for key, value in values.items()
        if (value is None or isinstance(value, (str, int, float))) and _is_name(key)
    }


def _is_name(key: str) -> bool:
    return key[:1].isalpha() and len(key) <= 64 and all(sign.isalnum() or sign in "._-" for sign in key)


def get_prefs(context: Context, arguments: Arguments) -> Data:
    found = context.account(arguments["name"], own=True)
    return {**keeping.kept(PREFERENCES, claim_of(found)), **_texts(profiles.profile_of(found).preferences)}


def get_effective_prefs(context: Context, arguments: Arguments) -> Data:
    found = context.account(arguments["name"], own=True)
    effective = {name: value for name, value, _level in profiles.effective_preferences(found)}
    return {**keeping.kept(PREFERENCES, claim_of(found)), **_texts(effective)}


def _texts(values: dict[str, Any]) -> Dictionary:
    return {key: value if isinstance(value, str) else _said(value) for key, value in values.items()}


def _said(value: Any) -> str:
    return ("YES" if value else "NO") if isinstance(value, bool) else str(value)


def update_prefs(context: Context, arguments: Arguments) -> Data:
    _write_prefs(context, context.account(arguments["name"], own=True), arguments["settings"], replace=False)
    return done()


def set_prefs(context: Context, arguments: Arguments) -> Data:
    _write_prefs(context, context.account(arguments["name"], own=True), arguments["settings"], replace=True)
    return done()


def _write_prefs(context: Context, mailbox: Mailbox, values: Dictionary, *, replace: bool) -> None:
    plain, present = _plain(values), profiles.profile_of(mailbox).preferences
    gone = dict.fromkeys(key for key in present if replace or key in values)
    profiles.set_preferences(context.actor, mailbox, {**gone, **plain})
    _keep_others(context, claim_of(mailbox), values, plain, replace=replace)


def _keep_others(
    context: Context, of: Address | Domain | None, values: Dictionary, plain: dict[str, Any], *, replace: bool
) -> None:
    """What isn't plain; a name is of one kind only, the one it was said as last."""
    changed = {key: DEFAULT if key in plain else value for key, value in values.items()}
    if replace or changed.keys() - plain.keys() or changed.keys() & keeping.kept(PREFERENCES, of).keys():
        keeping.keep(context.actor, PREFERENCES, of, changed, replace=replace)


def _default_prefs(of: Domain | None) -> Dictionary:
    told = options.resolve(DEFAULT_PREFERENCES, of if of is not None else SERVER)
    plain = named_lines(str(told.value)) if told.is_own else {}
    return {**keeping.kept(PREFERENCES, of), **plain}


def _set_default_prefs(context: Context, of: Domain | None, values: Dictionary, *, replace: bool) -> Data:
    plain = {key: value for key, value in _plain(values).items() if value is None or "\n" not in str(value)}
    told = options.resolve(DEFAULT_PREFERENCES, of or SERVER)
    present = named_lines(str(told.value)) if told.is_own and not replace else {}
    present = {key: value for key, value in present.items() if key not in values}
    merged = {key: value for key, value in {**present, **plain}.items() if value is not None}
    if merged:
        lines = "\n".join(f"{key}: {value}" for key, value in merged.items())
        set_option(context.actor, of or SERVER, DEFAULT_PREFERENCES, lines)
    else:
        reset_option(context.actor, of or SERVER, DEFAULT_PREFERENCES)
    _keep_others(context, of, values, plain, replace=replace)
    return done()


def get_domain_prefs(context: Context, arguments: Arguments) -> Data:
    return _default_prefs(context.domain(arguments.get("domain")))


def update_domain_prefs(context: Context, arguments: Arguments) -> Data:
    found = context.domain(arguments.get("domain"), Right.MANAGE_OPTIONS)
    return _set_default_prefs(context, found, arguments["settings"], replace=False)


def set_domain_prefs(context: Context, arguments: Arguments) -> Data:
    found = context.domain(arguments.get("domain"), Right.MANAGE_OPTIONS)
    return _set_default_prefs(context, found, arguments["settings"], replace=True)


def get_server_prefs(context: Context, arguments: Arguments) -> Data:
    context.actor.require(Right.MANAGE_OPTIONS, SERVER)
    return _default_prefs(None)


def update_server_prefs(context: Context, arguments: Arguments) -> Data:
    context.actor.require(Right.MANAGE_OPTIONS, SERVER)
    return _set_default_prefs(context, None, arguments["settings"], replace=False)


def set_server_prefs(context: Context, arguments: Arguments) -> Data:
    context.actor.require(Right.MANAGE_OPTIONS, SERVER)
    return _set_default_prefs(context, None, arguments["settings"], replace=True)


# --- rules ------------------------------------------------------------------------------------------------------------


def get_rules(context: Context, arguments: Arguments) -> Data:
    return rules.read(context.account(arguments["name"], Right.VIEW_POLICIES, own=True))


def set_rules(context: Context, arguments: Arguments) -> Data:
    rules.write(context.actor, context.account(arguments["name"], own=True), arguments.get("rules", []))
    return done()


def update_rule(context: Context, arguments: Arguments) -> Data:
    found = context.account(arguments["name"], own=True)
    if "rule" in arguments:
        rules.change_one(context.actor, found, arguments["rule"])
    else:
        rules.remove_one(context.actor, found, arguments["old"])
    return done()


def get_server_rules(context: Context, arguments: Arguments) -> Data:
    context.actor.require(Right.VIEW_POLICIES, SERVER)
    return rules.read(None)


def set_server_rules(context: Context, arguments: Arguments) -> Data:
    rules.write(context.actor, None, arguments["rules"])
    return done()


def remove_subset(context: Context, arguments: Arguments) -> Data:
    """RepliedAddresses: who was answered by the account's rules and is not again for a while."""
    found = context.account(arguments["name"], own=True)
    if arguments["subset"].lower() != "repliedaddresses":
        raise Refused(501, f"there is no data set {arguments['subset']}: RepliedAddresses is the one there is")
    away.forget_answered(context.actor, found)
    return done()


# --- accounts elsewhere -----------------------------------------------------------------------------------------------

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def _get_pulls(context: Context, arguments: Arguments, protocol: str) -> Data:
    found = context.account(arguments["name"], own=True)
    return {pull.name: _record(pull) for pull in list_pulls(found) if pull.protocol == protocol}


def _record(pull: RemotePull) -> Value:
    """The password stays here."""
    return {
        "domain": pull.host,
        "authName": pull.username,
        "port": str(pull.port),
        "TLS": pull.use_tls,
        "leave": pull.leave_there,
        "period": f"{pull.every_minutes}m" if pull.is_enabled else "Never",
        "mailbox": pull.folder,
    }


def _set_pulls(context: Context, arguments: Arguments, protocol: str) -> Data:
    """Those of the same name are changed and keep their password where none is given; others are made or go."""
    found = context.account(arguments["name"], own=True)
    require_over_mailbox(context.actor, found, EndUserRight.MANAGE_FORWARDING, Right.MANAGE_USERS)
    present = {pull.name: pull for pull in list_pulls(found) if pull.protocol == protocol}
    for name in present.keys() - arguments["records"].keys():
        pulls.delete_pull(context.actor, present[name])
    for name, record in arguments["records"].items():
        if not isinstance(record, dict):
            raise Refused(501, f"{name}: a dictionary is expected")
        values = _pull_values(name, record, protocol)
        if name in present:
            pulls.update_pull(context.actor, present[name], values)
        else:
            pulls.create_pull(context.actor, found, values)
    return done()


def _pull_values(name: str, record: Dictionary, protocol: str) -> dict[str, Any]:
    def text(*keys: str) -> str:
        return next((text_of(record[key], key) for key in keys if key in record), "")

    tls = is_yes(record.get("TLS", "NO"), "TLS")
    usual = {("pop3", False): 110, ("pop3", True): 995, ("imap", False): 143, ("imap", True): 993}
    values: dict[str, Any] = {
        "name": name,
        "protocol": protocol,
        "host": text("domain", "host"),
        "username": text("authName", "account"),
        "use_tls": tls,
        "port": int(text("port") or usual[protocol, tls]) if (text("port") or "0").isdecimal() else 0,
        "leave_there": is_yes(record.get("leave", "NO"), "leave"),
        "is_enabled": text("period").lower() != "never",
    }
    if password := text("password"):
        values["password"] = password
    if mailbox := text("mailbox"):
        values["folder"] = mailbox
    if (minutes := _minutes(text("period"))) is not None:
        values["every_minutes"] = minutes
    return values


def _minutes(text: str) -> int | None:
    number, unit = text[:-1], text[-1:].lower()
    if not number.isdecimal() or unit not in _SECONDS:
        return None
    return max(1, int(number) * _SECONDS[unit] // 60)


def get_rpops(context: Context, arguments: Arguments) -> Data:
    return _get_pulls(context, arguments, RemotePull.Protocol.POP3)


def set_rpops(context: Context, arguments: Arguments) -> Data:
    return _set_pulls(context, arguments, RemotePull.Protocol.POP3)


def get_rimaps(context: Context, arguments: Arguments) -> Data:
    return _get_pulls(context, arguments, RemotePull.Protocol.IMAP)


def set_rimaps(context: Context, arguments: Arguments) -> Data:
    return _set_pulls(context, arguments, RemotePull.Protocol.IMAP)


# --- rights of others on the account ----------------------------------------------------------------------------------


def get_acl(context: Context, arguments: Arguments) -> Data:
    found = context.account(arguments["name"], own=True)
    _require_on_behalf(context, found, arguments)
    return dict(account_rights.rights_of(found))


def _require_on_behalf(context: Context, mailbox: Mailbox, arguments: Arguments) -> None:
    """AUTH: only where that account has the `a` right on this one."""
    if "auth" not in arguments:
        return
    other = context.account(arguments["auth"], own=True)
    if "a" not in account_rights.effective_rights(mailbox, other):
        raise Refused(510, "insufficient access rights")


def set_acl(context: Context, arguments: Arguments) -> Data:
    found = context.account(arguments["name"], own=True)
    _require_on_behalf(context, found, arguments)
    wanted = dict(account_rights.rights_of(found))
    for name, letters in arguments["acl"].items():
        who = _grantee(context, name)
        wanted[who] = changed(wanted.get(who, ""), text_of(letters, name))
    account_rights.set_rights(context.actor, found, wanted)
    return done()


def _grantee(context: Context, name: str) -> str:
    return "anyone" if name.lower() in ("anyone", "anybody") else context.full(name).lower()


def changed(present: str, said: str) -> str:
    """`+…` adds letters, `-…` takes some away, everything else replaces all."""
    if said.startswith("+"):
        return present + "".join(letter for letter in said[1:] if letter not in present)
    if said.startswith("-"):
        return "".join(letter for letter in present if letter not in said[1:])
    return said


def get_acl_rights(context: Context, arguments: Arguments) -> Data:
    found = context.account(arguments["name"], own=True)
    other = account_rights.find_grantee(found, context.full(arguments["auth"]))
    if other is None:
        raise Refused(NO_ACCOUNT, f"unknown user account: {arguments['auth']}")
    return account_rights.effective_rights(found, other)


COMMANDS: list[Command] = [
    command("GETACCOUNTPREFS", "name", get_prefs, "Read an account's preferences", reads=True),
    command("GETACCOUNTEFFECTIVEPREFS", "name", get_effective_prefs, "Read the preferences that count", reads=True),
    command("UPDATEACCOUNTPREFS", "name settings{}", update_prefs, "Change preferences of an account"),
    command("SETACCOUNTPREFS", "name settings{}", set_prefs, "Replace the preferences of an account"),
    command("GETACCOUNTDEFAULTPREFS", "[ domain ]", get_domain_prefs, "Read a domain's preferences", reads=True),
    command("UPDATEACCOUNTDEFAULTPREFS", "[ domain ] settings{}", update_domain_prefs, "Change a domain's preferences"),
    command("SETACCOUNTDEFAULTPREFS", "[ domain ] settings{}", set_domain_prefs, "Replace a domain's preferences"),
    command("GETSERVERACCOUNTPREFS", "", get_server_prefs, "Read the server's preferences", reads=True),
    command("UPDATESERVERACCOUNTPREFS", "settings{}", update_server_prefs, "Change the server's preferences"),
    command("SETSERVERACCOUNTPREFS", "settings{}", set_server_prefs, "Replace the server's preferences"),
    command("GETACCOUNTMAILRULES", "name", get_rules, "Read an account's mail rules", reads=True),
    command("SETACCOUNTMAILRULES", ("name rules()", "name DEFAULT"), set_rules, "Replace an account's mail rules"),
    command("UPDATEACCOUNTMAILRULE", ("name rule()", "name DELETE old"), update_rule, "Change one mail rule"),
    command("REMOVEACCOUNTSUBSET", "name SUBSET subset", remove_subset, "Let everybody be answered anew"),
    command("GETSERVERMAILRULES", "", get_server_rules, "Read the server's mail rules", reads=True),
    command("SETSERVERMAILRULES", "rules()", set_server_rules, "Replace the server's mail rules"),
    command("GETACCOUNTRPOPS", "name", get_rpops, "Read which POP accounts mail is fetched from", reads=True),
    command("SETACCOUNTRPOPS", "name records{}", set_rpops, "Replace the POP accounts mail is fetched from"),
    command("GETACCOUNTRIMAPS", "name", get_rimaps, "Read which IMAP accounts mail is fetched from", reads=True),
    command("SETACCOUNTRIMAPS", "name records{}", set_rimaps, "Replace the IMAP accounts mail is fetched from"),
    command("GETACCOUNTACL", "name [ AUTH auth ]", get_acl, "Read what others may do with an account", reads=True),
    command("SETACCOUNTACL", "name [ AUTH auth ] acl{}", set_acl, "Change what others may do with an account"),
    command("GETACCOUNTACLRIGHTS", "name AUTH auth", get_acl_rights, "Read what one other may do", reads=True),
]
