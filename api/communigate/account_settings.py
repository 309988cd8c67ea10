"""An account's settings as one dictionary: what means something here is read from and written to the account, all other
keys are kept and given back. Not for preferences, rules or rights.

RealName: the person's name. Password: set, never given back. MaxAccountSize and MaxMailMessages: quotas. AccessMode:
`None` shuts the account, everything else opens it. AccountType: the kind of account. Rules: the account's mail rules.
"""

from __future__ import annotations

from accounts.permissions import Right
from accounts.services import set_password
from api.communigate import account_defaults, keeping, rules
from api.communigate.context import Context, text_of
from api.communigate.keeping import DEFAULT, SETTINGS, Dictionary, is_default
from api.communigate.refusing import Refused
from api.communigate.sizes import bytes_of, count_of, count_text, size_text
from domains.models import Address, Mailbox, Status
from domains.services import mailbox_states, profiles, quotas
from domains.services.mailboxes import update_mailbox
from domains.services.readdressing import claim_of

_PASSWORDS = ("Password",)
_QUOTAS = {"MaxAccountSize": "quota_bytes", "MaxMailMessages": "quota_messages"}
_OURS = frozenset({"RealName", "AccountType", "Rules", *_PASSWORDS, *_QUOTAS})
_KNOWN = _OURS | {"AccessMode"}  # told as they are, never as some defaults that are merely kept say


def claim(mailbox: Mailbox) -> Address:
    return claim_of(mailbox)


def explicit(context: Context, mailbox: Mailbox) -> Dictionary:
    """What is set for this account itself."""
    found = keeping.kept(SETTINGS, claim(mailbox))
    if mailbox.name:
        found["RealName"] = mailbox.name
    if mailbox.quota_bytes is not None:
        found["MaxAccountSize"] = size_text(mailbox.quota_bytes)
    if mailbox.quota_messages is not None:
        found["MaxMailMessages"] = count_text(mailbox.quota_messages)
    if mailbox.status != Status.ENABLED:
        found["AccessMode"] = "None"
    elif account_defaults.is_shut(found.get("AccessMode")):  # somebody opened it at its page since
        del found["AccessMode"]
    kind = profiles.profile_of(mailbox).account_type
    if kind:
        found["AccountType"] = kind
    own_rules = rules.read(mailbox)
    if own_rules:
        found["Rules"] = own_rules
    return found


def effective(context: Context, mailbox: Mailbox) -> Dictionary:
    """With what the domain and the server say where the account says nothing."""
    told = quotas.of_mailbox(mailbox)
    size, count = told["size"].computed, told["count"].computed
    return {
        "AccessMode": "All",
        "AccountType": "MultiMailbox",
        **keeping.without(keeping.kept(account_defaults.KEPT), _KNOWN),
        **keeping.without(keeping.kept(account_defaults.KEPT, mailbox.domain), _KNOWN),
        **explicit(context, mailbox),
        "MaxAccountSize": size_text(size.value),
        "MaxMailMessages": count_text(count.value),
    }


def apply(
    context: Context, mailbox: Mailbox, values: Dictionary, *, replace: bool = False, is_new: bool = False
) -> None:
    """Merge, or replace all: what isn't named then goes back to what is inherited. Raises: as the services; Refused."""
    if replace:
        gone = {key: DEFAULT for key in explicit(context, mailbox) if key not in values and key != "RealName"}
        values = {**gone, **values}
        values.setdefault("RealName", "")
    context.actor.require(Right.MANAGE_USERS, mailbox) if _touches_account(values) or not values else None
    _set_quotas(context, mailbox, values)
    if "RealName" in values:
        name = values["RealName"]
        update_mailbox(context.actor, mailbox, {"name": "" if is_default(name) else text_of(name, "RealName")})
    for key in _PASSWORDS:
        if not is_default(values.get(key)):
            _set_password(context, mailbox, text_of(values[key], key))
    if "AccountType" in values:
        kind = values["AccountType"]
        profiles.set_account_type(context.actor, mailbox, "" if is_default(kind) else text_of(kind, "AccountType"))
    if "Rules" in values:
        rules.write(context.actor, mailbox, rules.listed(values["Rules"]))
    _set_access(context, mailbox, values, is_new=is_new)
    others = {key: value for key, value in values.items() if key not in _OURS}
    if others or replace:
        keeping.keep(context.actor, SETTINGS, claim(mailbox), others, replace=replace)


def _touches_account(values: Dictionary) -> bool:
    """Whether anything but what has a right of its own is to change."""
    return any(key not in (*_PASSWORDS, *_QUOTAS, "Rules") for key in values)


def _set_quotas(context: Context, mailbox: Mailbox, values: Dictionary) -> None:
    wanted: dict[str, int | None] = {}
    if "MaxAccountSize" in values:
        wanted["quota_bytes"] = bytes_of(values["MaxAccountSize"], "MaxAccountSize")
    if "MaxMailMessages" in values:
        wanted["quota_messages"] = count_of(values["MaxMailMessages"], "MaxMailMessages")
    changed = {name: value for name, value in wanted.items() if getattr(mailbox, name) != value}
    if changed:
        quotas.set_mailbox_quota(context.actor, mailbox, changed)
        mailbox.refresh_from_db()


def _set_password(context: Context, mailbox: Mailbox, password: str) -> None:
    if mailbox.user is None:
        raise Refused(501, "nobody signs in with this account")
    if password[:1] in ("\x01", "\x02", "\x03") or (password.startswith(("{", "$")) and password.endswith("=")):
        raise Refused(501, "Password: only a password in clear text can be set")
    set_password(context.actor, mailbox.user, password=password)


def _set_access(context: Context, mailbox: Mailbox, values: Dictionary, *, is_new: bool) -> None:
    """`None` or an array that enables nothing shuts the account; what else it says is kept."""
    if "AccessMode" not in values:
        return
    mode = values["AccessMode"]
    is_none = account_defaults.is_shut(mode)
    status = Status.DISABLED if is_none else Status.ENABLED
    if mailbox.status != status and (is_none or mailbox.status == Status.DISABLED):
        mailbox_states.set_status(context.actor, mailbox, status)
        mailbox.refresh_from_db()
