"""Reading command lines: the verb, paths, parameters, HELO names. Pure; what can't be read raises `Refused`.

Strict where the standard is and mail comes all the same; lenient in two things that devices do: a space after the
colon, and a path without brackets. Not for what a command does (`session`).

Source: RFC 5321 §4.1; RFC 6531 (UTF-8), RFC 3461 (DSN), RFC 1870 (SIZE), RFC 6152 (BODY), RFC 4954 (AUTH=).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address

from gateway.flow import Answer

LOCAL_OCTETS = 64
DOMAIN_OCTETS = 255
ADDRESS_OCTETS = 320

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\u0080-\U0010ffff-]+"
_DOT_STRING = re.compile(rf"{_ATOM}(?:\.{_ATOM})*")
_QUOTED = re.compile(r'"(?:[ !#-\[\]-~\u0080-\U0010ffff]|\\[ -~])*"')
_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*\.?")
_WIDE_NAME = re.compile(r"[A-Za-z0-9_\u0080-\U0010ffff.-]+")
_ROUTE = re.compile(r"@[A-Za-z0-9_.-]+(?:,@[A-Za-z0-9_.-]+)*:")
_KEYWORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*")
_XTEXT = re.compile(r"(?:[!-*,-<>-~]|\+[0-9A-F]{2})*")
_UTF8_ADDRESS = re.compile(r"[!-~\u0080-\U0010ffff]*")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_MOST_PARAMETERS = 20

Parameters = tuple[tuple[str, str], ...]


class Refused(Exception):
    """A command can't be taken; `answer` is what to say."""

    def __init__(self, code: int, enhanced: str, text: str) -> None:
        super().__init__(text)
        self.answer = Answer(code, enhanced, text)


def split(line: bytes) -> tuple[str, str]:
    """The verb in capitals, and the rest as text. Raises: Refused for control characters or what is no UTF-8."""
    try:
        text = line.decode()
    except UnicodeDecodeError:
        raise Refused(500, "5.5.2", "Commands are ASCII, or UTF-8 with SMTPUTF8") from None
    if _CONTROL.search(text):
        raise Refused(500, "5.5.2", "Control characters don't belong in commands")
    verb, _, rest = text.partition(" ")
    return (verb.upper() if verb.isascii() else "?"), rest.strip(" ")


def hello_name(text: str) -> str:
    """The name said with HELO or EHLO: a host name or an address in brackets. Raises: Refused."""
    name = text.split(" ", 1)[0]
    if not name:
        raise Refused(501, "5.5.4", "Say your name: EHLO host.example.org")
    if len(name) > DOMAIN_OCTETS or not (_is_literal(name) or _NAME.fullmatch(name)):
        raise Refused(501, "5.5.4", "That is not the name of a host")
    return name


def mail_from(text: str) -> tuple[str, Parameters]:
    """The return path ("" for <>) and its parameters. Raises: Refused."""
    address, rest = _path(text, "FROM:", empty=True)
    parameters = _parameters(rest, _MAIL)
    _check_width(address, is_wide=any(name == "SMTPUTF8" for name, _ in parameters), enhanced="5.6.7")
    return address, parameters


def rcpt_to(text: str, *, is_wide: bool) -> tuple[str, Parameters]:
    """The recipient and its parameters; `<postmaster>` stands without a domain. Raises: Refused."""
    address, rest = _path(text, "TO:", empty=False)
    parameters = _parameters(rest, _RCPT)
    _check_width(address, is_wide=is_wide, enhanced="5.6.7")
    return address, parameters


def _path(text: str, prefix: str, *, empty: bool) -> tuple[str, str]:
    if text[: len(prefix)].upper() != prefix:
        raise Refused(501, "5.5.4", f"Syntax: {'MAIL' if empty else 'RCPT'} {prefix}<address>")
    text = text[len(prefix) :].lstrip(" ")
    enhanced = "5.1.7" if empty else "5.1.3"
    if not text.startswith("<"):
        address, _, rest = text.partition(" ")
    else:
        end = _end_of_path(text)
        if end < 0 or text[end + 1 : end + 2] not in ("", " "):
            raise Refused(501, enhanced, "The address isn't closed with >")
        address, rest = text[1:end], text[end + 1 :]
        route = _ROUTE.match(address)
        address = address[route.end() :] if route else address  # RFC 5321 §4.1.1.3: accepted, ignored
        if not address and empty:
            return "", rest
    if not is_address(address) and not (not empty and address.lower() == "postmaster"):
        raise Refused(501, enhanced, "That is not an address")
    return address, rest


def _end_of_path(text: str) -> int:
    """Where the > of a path stands that is not inside quotes; -1 without one."""
    if '"' not in text and "\\" not in text:
        return text.find(">")
    is_quoted = False
    at = 1
    while at < len(text):
        char = text[at]
        if char == "\\" and is_quoted:
            at += 1
        elif char == '"':
            is_quoted = not is_quoted
        elif char == ">" and not is_quoted:
            return at
        at += 1
    return -1


def is_address(address: str) -> bool:
    """Whether this is a mailbox as SMTP writes it: local part, @, host name or address in brackets."""
    local, at, domain = address.rpartition("@")
    if not at or not local or not domain or len(address.encode()) > ADDRESS_OCTETS:
        return False
    if len(local.encode()) > LOCAL_OCTETS or len(domain.encode()) > DOMAIN_OCTETS:
        return False
    if not (_DOT_STRING.fullmatch(local) or _QUOTED.fullmatch(local)):
        return False
    return _is_literal(domain) or _is_domain(domain)


def _is_domain(domain: str) -> bool:
    if domain.isascii():
        return _NAME.fullmatch(domain) is not None
    labels = domain.rstrip(".").split(".")
    return _WIDE_NAME.fullmatch(domain) is not None and all(0 < len(label.encode()) <= 252 for label in labels)


def _is_literal(text: str) -> bool:
    """[192.0.2.1] or [IPv6:2001:db8::1] (RFC 5321 §4.1.3)."""
    if not (text.startswith("[") and text.endswith("]")):
        return False
    inner = text[1:-1]
    try:
        if inner[:5].upper() == "IPV6:":
            IPv6Address(inner[5:])
        else:
            IPv4Address(inner)
    except ValueError:
        return False
    return True


def _check_width(address: str, *, is_wide: bool, enhanced: str) -> None:
    if not address.isascii() and not is_wide:
        raise Refused(553, enhanced, "An address beyond ASCII needs SMTPUTF8")


def _parameters(text: str, known: dict[str, Callable[[str | None], bool]]) -> Parameters:
    found: dict[str, str] = {}
    for item in text.split(" "):
        if not item:
            continue
        keyword, equals, value = item.partition("=")
        name = keyword.upper()
        if not _KEYWORD.fullmatch(keyword) or len(found) >= _MOST_PARAMETERS:
            raise Refused(501, "5.5.4", "That is not a parameter")
        if name not in known:
            raise Refused(555, "5.5.4", f"Parameter {name[:30]} is not known here")
        if name in found or not known[name](value if equals else None):
            raise Refused(501, "5.5.4", f"Parameter {name} is not as it should be")
        found[name] = value
    return tuple(found.items())


def _is_size(value: str | None) -> bool:
    return value is not None and value.isascii() and value.isdecimal() and len(value) <= 20


def _is_body(value: str | None) -> bool:
    return (value or "").upper() in ("7BIT", "8BITMIME")


def _is_envelope_id(value: str | None) -> bool:
    return value is not None and 0 < len(value) <= 100 and _XTEXT.fullmatch(value) is not None


def _is_original(value: str | None) -> bool:
    kind, semicolon, address = (value or "").partition(";")
    if not semicolon or not _KEYWORD.fullmatch(kind) or not 0 < len(address) <= 500:
        return False
    form = _UTF8_ADDRESS if kind.lower() == "utf-8" else _XTEXT
    return form.fullmatch(address) is not None


def _is_notify(value: str | None) -> bool:
    wanted = (value or "").upper().split(",")
    return wanted == ["NEVER"] or (len(wanted) == len(set(wanted)) and set(wanted) <= {"SUCCESS", "FAILURE", "DELAY"})


def _is_submitter(value: str | None) -> bool:
    return value is not None and len(value) <= 500 and _XTEXT.fullmatch(value) is not None


_MAIL: dict[str, Callable[[str | None], bool]] = {
    "SIZE": _is_size,
    "BODY": _is_body,
    "SMTPUTF8": lambda value: value is None,
    "RET": lambda value: (value or "").upper() in ("FULL", "HDRS"),
    "ENVID": _is_envelope_id,
    "AUTH": _is_submitter,
}
_RCPT: dict[str, Callable[[str | None], bool]] = {"NOTIFY": _is_notify, "ORCPT": _is_original}


def xtext(text: str) -> str:
    """What an xtext says (RFC 3461 §4); as it is where it isn't one."""
    if not _XTEXT.fullmatch(text):
        return text
    return re.sub(r"\+([0-9A-F]{2})", lambda found: chr(int(found[1], 16)), text)
