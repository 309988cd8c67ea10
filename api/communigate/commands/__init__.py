"""All commands: one module a family, each a table of names, patterns and handlers. A new family is a line here."""

from __future__ import annotations

from api.communigate.commands import (
    account_extras,
    accounts,
    alerts,
    domain_set,
    domains,
    groups,
    lists,
    log,
    mailboxes,
    network,
    programs,
    queues,
    reach,
    refusals,
    rights,
    server,
    session,
    sessions,
    skins,
    trusting,
    units,
)
from api.communigate.context import Context
from api.communigate.format import Value
from api.communigate.grammar import Arguments
from api.communigate.pwd.door import Data
from api.communigate.table import Command, command

_FAMILIES = (
    session, sessions, domain_set, domains, accounts, account_extras, groups, rights, mailboxes, alerts, lists, skins,
    server, log, reach, units, trusting, queues, network, programs, refusals,
)  # fmt: skip


def list_commands(context: Context, arguments: Arguments) -> Data:
    """Those that work here."""
    served: list[Value] = [each.name for each in COMMANDS if each.run is not None]
    return served


COMMANDS: list[Command] = sorted(
    [
        *(each for family in _FAMILIES for each in family.COMMANDS),
        command("LISTCLICOMMANDS", "", list_commands, "List the commands that work here", reads=True),
    ],
    key=lambda each: each.name,
)
TABLE = {each.name: each for each in COMMANDS}
