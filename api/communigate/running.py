"""One command line answered for a person: found in the table, its arguments read, run, and every refusal put into a
reply. Never raises anything but the database's own absence. Not for what commands do (`commands`).
"""

from __future__ import annotations

import logging
import re
from contextlib import nullcontext

from django.db import DatabaseError, transaction

from accounts.actors import Actor
from api.communigate.commands import TABLE
from api.communigate.context import Context, Seen
from api.communigate.grammar import Arguments, BadSyntax, parse
from api.communigate.pwd.door import NOTHING, OK, Reply
from api.communigate.refusing import NOT_SERVED, reply_of
from api.communigate.table import Command

log = logging.getLogger("postkeep.pwd")
_FIRST = re.compile(r"\s*([A-Za-z0-9]+)(?=[\s\"({]|$)(.*)", re.DOTALL)
_GLUED = ("FINDFORWARDERS", "GETFORWARDER", "LISTDOMAINTELNUMS", "TESTLOOP")
UNKNOWN = Reply(500, "unknown command")


def word_of(line: str) -> str:
    """The command's name, in capitals; "" for what can't be one."""
    return _split(line)[0][:40]


def _split(line: str) -> tuple[str, str]:
    """(name, arguments). A widespread client leaves no blank behind some names."""
    found = _FIRST.fullmatch(line)
    word, rest = (found[1].upper(), found[2]) if found else ("", "")
    if word not in TABLE:
        text = line.strip()
        for name in _GLUED:
            if text.upper().startswith(name):
                return name, text[len(name) :]
    return word, rest


def answer(actor: Actor, line: str, seen: Seen | None = None, *, main_domain: str = "") -> Reply:
    """seen: what the session remembers. Raises: DatabaseError."""
    word, rest = _split(line)
    command = TABLE.get(word)
    if command is None:
        return UNKNOWN
    if command.run is None:
        return Reply(NOT_SERVED, f"not supported: {command.refused}")
    try:
        arguments = _arguments(command, rest)
        context = Context(actor, main_domain, seen or Seen())
        if not command.reads:
            context.seen.forget()
            actor.require_writing()
        with nullcontext() if command.reads or command.apart else transaction.atomic():
            data = command.run(context, arguments)
    except DatabaseError:
        raise
    except Exception as error:
        return reply_of(error, taken=command.taken)
    return OK if data is NOTHING else Reply(200, "data follow", data)


def _arguments(command: Command, text: str) -> Arguments:
    """By the first of the command's patterns that fits. Raises: BadSyntax."""
    error: BadSyntax | None = None
    for pattern in command.patterns:
        try:
            return parse(pattern, text)
        except BadSyntax as caught:
            error = error or caught
    assert error is not None  # a command has at least one pattern
    raise error
