"""Which commands a script or a log sends: raw lines in a shell script or a log, and methods of the Perl and Python
clients, whose names are those of the commands. Not for arguments.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from api.communigate.commands import COMMANDS
from api.dialects.registry import Found, Operation
from api.dialects.scripts import LONGEST_LINE, MOST_FOUND, MOST_LINES

_METHOD = re.compile(r"(?:->|\.)\s*([A-Za-z][A-Za-z_0-9]{2,60})\s*\(")
_SENT = re.compile(r"(?:->|\.)\s*(?:SendCommand|execute_command|_operate|send)\s*\(\s*f?[\"']\s*([A-Za-z]{3,40})\b")
_RAW = re.compile(r"(?:^|[\"'>:|]|\becho\s|\bprintf\s|\bC:\s)\s*([A-Za-z]{3,40})(?=[\s\"'\\]|$)")
_CLIENT = re.compile(r"CGP::CLI|CGPCLI|cgpcli|\bPWD\b|CommuniGate", re.IGNORECASE)
_PROTOCOL = {"USER", "PASS", "APOP", "AUTH", "INLINE", "QUIT", "STLS", "NEWPASS"}
_NO_COMMANDS = {"login", "logout", "connect", "disconnect", "get_err_msg", "getwords", "isloggedin"}
_PLAIN_WORDS = {"ECHO", "LIST", "ROUTE", "SHUTDOWN", "BALANCE", "ROSTER", "DATASET"}  # shells and people use them, too
_KNOWN = {each.name: each for each in COMMANDS}
# what the Perl client calls otherwise than the command it sends
_OTHER_NAMES = {
    "SUBSCRIBE": "LIST",
    "GETSUBSCRIBERS": "LISTSUBSCRIBERS",
    "CREATEWEBUSER": "CREATEWEBUSERSESSION",
    "SHUTDOWNSERVER": "SHUTDOWN",
    "GETMAILBOXACLRIGHTS": "GETMAILBOXRIGHTS",
    "GETWEBUSER": "GETACCOUNTPREFS",
    "SETWEBUSER": "SETACCOUNTPREFS",
    "UPDATEWEBUSER": "UPDATEACCOUNTPREFS",
    "GETEFFECTIVEWEBUSER": "GETACCOUNTEFFECTIVEPREFS",
    "GETACCOUNTRULES": "GETACCOUNTMAILRULES",
    "SETACCOUNTRULES": "SETACCOUNTMAILRULES",
}


def find_calls(text: str) -> Iterator[Found]:
    """The commands in a text, by line; at most `MOST_FOUND`. A word that no command has is told of where a client's
    method has it, since that would be a call that fails.
    """
    count = 0
    is_of_client = bool(_CLIENT.search(text[:100_000]))
    for number, line in enumerate(text.splitlines()[:MOST_LINES], 1):
        for word, is_method in _words(line[:LONGEST_LINE]):
            if not is_method and word.upper() in _PLAIN_WORDS and not word.isupper():
                continue
            operation = _operation(word)
            if operation is None and not (is_method and is_of_client and _looks_like_one(word)):
                continue
            yield Found(number, line.strip()[:200], operation)
            count += 1
            if count >= MOST_FOUND:
                return


def _words(line: str) -> Iterator[tuple[str, bool]]:
    """What may be commands in a line: (word, whether it is a client's method), each once."""
    if line.lstrip().startswith(("#", "//")):
        return
    seen: set[str] = set()
    for pattern, is_method in ((_SENT, False), (_METHOD, True), (_RAW, False)):
        for found in pattern.finditer(line):
            name = found[1].replace("_", "").upper()
            if name not in seen:
                seen.add(name)
                yield found[1], is_method


def _operation(word: str) -> Operation | None:
    name = word.replace("_", "").upper()
    command = _KNOWN.get(_OTHER_NAMES.get(name, name))
    if command is None or (command.name == "LIST" and word not in ("LIST", "List", "list", "Subscribe", "subscribe")):
        return None
    return Operation("", command.name, about=command.about, refused=command.refused, reads=command.reads)


def _looks_like_one(word: str) -> bool:
    """Methods of clients begin like commands do."""
    plain = word.replace("_", "")
    verbs = ("get", "set", "list", "create", "delete", "rename", "update", "read", "store", "post", "remove", "kill")
    return word.lower() not in _NO_COMMANDS and plain.upper() not in _PROTOCOL and plain.lower().startswith(verbs)
