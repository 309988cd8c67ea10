"""Authorities of one's own that the server trusts, as the list of them that a client reads and writes as a whole.

A data block is one certificate, in DER or PEM; answers are DER. Those of the operating system are trusted besides and
are not in the list. Rules are `jobs.trust`'s.
"""

from __future__ import annotations

import ssl

from api.communigate.context import Context
from api.communigate.format import Value
from api.communigate.grammar import Arguments
from api.communigate.pwd.door import Data
from api.communigate.refusing import Refused
from api.communigate.table import Command, command, done
from jobs import trust


def authorities(context: Context, arguments: Arguments) -> Data:
    found: list[Value] = [ssl.PEM_cert_to_DER_cert(row.pem) for row in trust.list_authorities(context.actor)]
    return found


def set_authorities(context: Context, arguments: Arguments) -> Data:
    trust.replace_authorities(context.actor, [_pem(each) for each in arguments["certificates"]])
    return done()


def _pem(value: Value) -> str:
    if not isinstance(value, bytes):
        raise Refused(501, "certificates are data blocks")
    if value.lstrip().startswith(b"-----BEGIN"):
        return value.decode("ascii", "replace")
    return ssl.DER_cert_to_PEM_cert(value)


COMMANDS: list[Command] = [
    command("GETSERVERTRUSTEDCERTS", "", authorities, "Read the authorities of one's own that are trusted", reads=True),
    command("SETSERVERTRUSTEDCERTS", "certificates()", set_authorities, "Trust these authorities of one's own"),
]
