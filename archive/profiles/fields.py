"""The properties of profiles: one table for what is stored, what forms show, and what commands and the API take.

Names outside are camelCase (`deleteAfterDays`), inside snake_case. Not for rights, nor for what depends on rows
(mailboxes, stores): that is the service's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from archive.errors import BadProfile
from archive.models import ProfileKind

Text = str | Promise
MOST_LINES = 1_000
_NOT_TEXT = frozenset(map(chr, (0, *range(0xD800, 0xE000))))  # NUL and halves of characters fit no database


@dataclass(frozen=True, slots=True)
class Field:
    """One property. kind: text, number, flag, choice, lines (a list of texts), pairs (from → to), secret, long."""

    name: str
    kind: str
    label: Text
    group: Text
    help: Text = ""
    default: Any = ""
    choices: Mapping[str, Text] = field(default_factory=dict)
    least: int = 0
    most: int = 1_000_000
    needed: bool = False

    @property
    def outside(self) -> str:
        first, *rest = self.name.split("_")
        return first + "".join(part.capitalize() for part in rest)

    @property
    def secret(self) -> bool:
        return self.kind == "secret"


_SERVER, _WHO, _WHAT, _WHERE, _AFTER = (
    _("Server"), _("How it signs in"), _("Which messages"), _("Where they go"), _("Afterwards"),
)  # fmt: skip
SECURITY = {"tls": _("TLS"), "starttls": _("STARTTLS"), "none": _("No encryption")}
AUTH = {"password": _("Password"), "appPassword": _("App password"), "oauth2": _("OAuth 2 (XOAUTH2)")}
READ_STATE = {"any": _("Read and unread"), "read": _("Read only"), "unread": _("Unread only")}
PROTOCOL = {"imap": "IMAP", "pop3": "POP3"}
MBOX = {"rd": "mboxrd", "o": "mboxo", "cl": "mboxcl", "cl2": "mboxcl2"}

_ALL = (
    Field("protocol", "choice", _("Protocol"), _SERVER, default="imap", choices=PROTOCOL),
    Field("host", "text", _("Server"), _SERVER, _("A host name or an address."), needed=True),
    Field("port", "number", _("Port"), _SERVER, default=993, least=1, most=65535),
    Field("security", "choice", _("Encryption"), _SERVER, default="tls", choices=SECURITY,
          help=_("Without encryption everybody on the way reads mail and password.")),
    Field("verify_certificate", "flag", _("Check the server's certificate"), _SERVER, default=True),
    Field("ca_certificate", "long", _("Trusted certificate (PEM)"), _SERVER,
          _("Beside those that the system trusts, for servers with an authority of their own.")),
    Field("auth", "choice", _("Signs in with"), _WHO, default="password", choices=AUTH),
    Field("user_name", "text", _("User name"), _WHO),
    Field("password", "secret", _("Password"), _WHO),
    Field("login_format", "text", _("Name to sign in with"), _WHO,
          _("For a master user, such as {address}*{master}. Empty: the mailbox is named by SASL PLAIN.")),
    Field("token_url", "text", _("Token address (OAuth 2)"), _WHO, _("The https address that gives out tokens.")),
    Field("client_id", "text", _("Client id (OAuth 2)"), _WHO),
    Field("client_secret", "secret", _("Client secret (OAuth 2)"), _WHO),
    Field("scope", "text", _("Scope (OAuth 2)"), _WHO),
    Field("refresh_token", "secret", _("Refresh token (OAuth 2)"), _WHO),
    Field("access_token", "secret", _("Access token (OAuth 2)"), _WHO, _("Only where there is no token address.")),
    Field("path", "text", _("Path on the server"), _SERVER, needed=True),
    Field("mbox_format", "choice", _("How mbox files are quoted"), _SERVER, default="rd", choices=MBOX),
    Field("mailbox", "text", _("Into the archive of"), _WHERE, needed=True),
    Field("fallback_mailbox", "text", _("Messages of nobody here go to"), _WHERE,
          _("Whose archive takes reports that name none of our mailboxes. Empty: they stay at the source, as gaps.")),
    Field("users", "lines", _("Mailboxes"), _WHO, _("Addresses, one a line. None and no domain: all."), default=()),
    Field("domains", "lines", _("Domains"), _WHO, _("All mailboxes of these domains, one a line."), default=()),
    Field("folder", "text", _("Below the folder"), _WHERE, _("Empty: folders keep their place.")),
    Field("folder_mapping", "pairs", _("Folders with other names"), _WHERE,
          _("One a line: name at the source = name in the archive."), default=()),
    Field("recipient_folder", "text", _("Folder for recipients"), _WHERE, default="Inbox"),
    Field("sender_folder", "text", _("Folder for senders"), _WHERE, default="Sent"),
    Field("include_folders", "lines", _("Only these folders"), _WHAT,
          _("One a line, * stands for anything: Projects/*. Empty: all."), default=()),
    Field("exclude_folders", "lines", _("Without these folders"), _WHAT, default=()),
    Field("skip_special", "flag", _("Leave out trash, junk and drafts"), _WHAT, default=True),
    Field("older_than_days", "number", _("Only messages older than (days)"), _WHAT, default=None, most=36_500),
    Field("newer_than_days", "number", _("Only messages newer than (days)"), _WHAT, default=None, least=1, most=36_500),
    Field("read_state", "choice", _("Read or unread"), _WHAT, default="any", choices=READ_STATE),
    Field("query", "text", _("Only messages that match"), _WHAT, _("In the search language.")),
    Field("reason", "text", _("Reason"), _WHAT, _("The owners see it under “Who read my mail”."), needed=True),
    Field("only_new", "flag", _("Only what wasn't exported before"), _WHAT, default=True),
    Field("mark_read", "flag", _("Mark as read where nothing is known of it"), _AFTER, default=True),
    Field("sender", "text", _("Envelope sender"), _WHERE, _("Empty: none, as for bounces.")),
    Field("recipient", "text", _("Recipient"), _WHERE, _("Empty: the owner of the archive.")),
    Field("delete_after_days", "number", _("Delete at the source after (days)"), _AFTER,
          _("Only what was read back from the archive and compared. Empty: never."), default=None, most=36_500),
)  # fmt: skip
FIELDS: dict[str, Field] = {each.name: each for each in _ALL}

_CONNECTION = ("host", "port", "security", "verify_certificate", "ca_certificate", "auth", "user_name", "password")
_OAUTH = ("token_url", "client_id", "client_secret", "scope", "refresh_token", "access_token")
_FOLDERS = ("include_folders", "exclude_folders", "skip_special")
_FILTERS = ("older_than_days", "newer_than_days", "read_state")
_PLACE = ("folder", "folder_mapping")

KIND_FIELDS: dict[str, tuple[str, ...]] = {
    ProfileKind.IMAP: (*_CONNECTION, *_OAUTH, *_FOLDERS, *_FILTERS, "mailbox", *_PLACE, "delete_after_days"),
    ProfileKind.IMAP_USERS: (
        *_CONNECTION, "login_format", *_OAUTH, "users", "domains", *_FOLDERS, *_FILTERS, *_PLACE, "delete_after_days",
    ),
    ProfileKind.POP3: (*_CONNECTION, *_OAUTH, "mailbox", "folder", "delete_after_days"),
    ProfileKind.JOURNAL: (
        "protocol", *_CONNECTION, *_OAUTH, "include_folders", "recipient_folder", "sender_folder", "fallback_mailbox",
        "delete_after_days",
    ),
    ProfileKind.FILES: ("path", "include_folders", "exclude_folders", "mailbox", *_PLACE, "delete_after_days"),
    ProfileKind.MBOX: ("path", "mbox_format", "mailbox", *_PLACE, "delete_after_days"),
    ProfileKind.PST: ("path", "include_folders", "exclude_folders", "mailbox", *_PLACE),
    ProfileKind.EXPORT_IMAP: (
        *_CONNECTION, "login_format", *_OAUTH, "users", "domains", "include_folders", "exclude_folders", "query",
        "reason", "folder", "mark_read",
    ),
    ProfileKind.EXPORT_FILES: (
        "path", "users", "domains", "include_folders", "exclude_folders", "query", "reason", "only_new",
    ),
    ProfileKind.EXPORT_MBOX: (
        "path", "users", "domains", "include_folders", "exclude_folders", "query", "reason", "only_new",
    ),
    ProfileKind.EXPORT_SMTP: (
        *_CONNECTION, *_OAUTH, "users", "domains", "include_folders", "exclude_folders", "query", "reason", "sender",
        "recipient", "only_new",
    ),
}  # fmt: skip
SECRETS = tuple(each.name for each in _ALL if each.secret)
PORTS = {ProfileKind.POP3: 995, ProfileKind.EXPORT_SMTP: 587}


def fields_of(kind: str) -> list[Field]:
    """The properties of a kind, in the order of its form. Raises: BadProfile."""
    if kind not in KIND_FIELDS:
        said = {"kind": kind[:40], "known": ", ".join(ProfileKind.values)}
        raise BadProfile(gettext("There is no kind of profile “%(kind)s” (there are: %(known)s).") % said, field="type")
    return [FIELDS[name] for name in KIND_FIELDS[kind]]


def read_outside(kind: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """What a program sent, by inside names. Raises: BadProfile for a property that the kind hasn't."""
    known = {each.outside: each.name for each in fields_of(kind)}
    for name in given:
        if name not in known:
            raise BadProfile(gettext("A profile of this kind has no property “%(name)s”.") % {"name": name}, field=name)
    return {known[name]: value for name, value in given.items()}


def clean(kind: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Each given value in its form; what isn't given is not in the answer. Raises: BadProfile naming the property."""
    wanted = {each.name: each for each in fields_of(kind)}
    return {name: clean_one(wanted[name], value) for name, value in given.items() if name in wanted}


def clean_one(about: Field, value: Any) -> Any:
    """One value. Raises: BadProfile."""
    match about.kind:
        case "flag":
            if not isinstance(value, bool):
                raise _bad(about, gettext("Yes or no."))
            return value
        case "number":
            return _number(about, value)
        case "lines":
            return _lines(about, value)
        case "pairs":
            return _pairs(about, value)
        case "choice":
            if value not in about.choices:
                raise _bad(about, gettext("One of: %(allowed)s.") % {"allowed": ", ".join(about.choices)})
            return value
        case "secret":
            return None if value is None else _text(about, value, strip=False)
    return _text(about, value, strip=True)


def _number(about: Field, value: Any) -> int | None:
    if value in (None, ""):
        if about.default is None:
            return None
        raise _bad(about, gettext("This is needed."))
    if isinstance(value, bool) or not isinstance(value, int) or not about.least <= value <= about.most:
        said = {"least": about.least, "most": about.most}
        raise _bad(about, gettext("A whole number from %(least)d to %(most)d.") % said)
    return value


def _text(about: Field, value: Any, *, strip: bool) -> str:
    if not isinstance(value, str) or len(value) > 20_000 or not _NOT_TEXT.isdisjoint(value):
        raise _bad(about, gettext("A text."))
    text = value.strip() if strip else value
    if about.kind != "long" and any(ord(character) < 32 for character in text):
        raise _bad(about, gettext("A text of one line."))
    if about.needed and not text:
        raise _bad(about, gettext("This is needed."))
    return text


def _lines(about: Field, value: Any) -> list[str]:
    if not isinstance(value, list | tuple) or len(value) > MOST_LINES:
        raise _bad(about, gettext("A list of at most %(most)d texts.") % {"most": MOST_LINES})
    lines = [line.strip() for line in value if isinstance(line, str) and line.strip()]
    if any(len(line) > 500 or not line.isprintable() for line in lines):
        raise _bad(about, gettext("Each line has at most 500 characters."))
    return lines


def _pairs(about: Field, value: Any) -> list[dict[str, str]]:
    if not isinstance(value, list | tuple) or len(value) > MOST_LINES:
        raise _bad(about, gettext("A list of names and what they become."))
    pairs = []
    for each in value:
        if not isinstance(each, Mapping) or set(each) != {"from", "to"}:
            raise _bad(about, gettext("Each has a “from” and a “to”."))
        source, target = (str(each[name]).strip().strip("/") for name in ("from", "to"))
        if not source or not target or not (source + target).isprintable():
            raise _bad(about, gettext("Each has a “from” and a “to”."))
        pairs.append({"from": source, "to": target})
    return pairs


def _bad(about: Field, text: str) -> BadProfile:
    return BadProfile(text, field=about.name)


_WINDOW = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)")


def parse_window(text: str) -> tuple[int, int] | None:
    """Minutes of the day from and to of `22:00-04:00`; None for none. Raises: BadProfile."""
    if not text.strip():
        return None
    match = _WINDOW.fullmatch(text.strip())
    if match is None:
        raise BadProfile(gettext("A span such as 22:00-04:00."), field="window")
    start, end = int(match[1]) * 60 + int(match[2]), int(match[3]) * 60 + int(match[4])
    if start == end:
        raise BadProfile(
            gettext("A span that begins and ends at the same time would never let it run."), field="window"
        )
    return start, end


def in_window(window: tuple[int, int] | None, minute: int) -> bool:
    """Whether a minute of the day lies in it; one that ends before it begins goes over midnight."""
    if window is None:
        return False
    start, end = window
    return start <= minute < end if start < end else minute >= start or minute < end
