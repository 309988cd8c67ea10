"""The POP3 client against a real Dovecot."""

from __future__ import annotations

from pathlib import Path

import pytest

from archive.remote.connecting import Login, Security, Server
from archive.remote.errors import LoginRefused
from archive.remote.pop3 import Pop3
from archive.sources.model import SPOOL_OVER_BYTES
from tests.archive.remote.conftest import pop3s
from tests.dovecot_server import MASTER, MASTER_PASSWORD, PASSWORD, Dovecot, needs_dovecot

pytestmark = needs_dovecot


def test_messages_come_whole_whatever_their_lines_are_like(dovecot: Dovecot, spool: Path) -> None:
    who = dovecot.add_user("lines@example.org")
    raws = [
        b"Subject: dots\r\n\r\n.\r\n..\r\n.x\r\n",
        b"Subject: long\r\n\r\n" + b"x" * 10_000 + b"\r\n",
        b"Subject: \xff\xfe\r\n\r\n\x80\r\n",
        b"Subject: large\r\n\r\n" + b"0123456789abcd\r\n" * (SPOOL_OVER_BYTES // 16 + 1),
    ]
    for raw in raws:
        dovecot.deliver(who, raw)
    with Pop3(pop3s(dovecot), Login(who, PASSWORD), spool_dir=spool) as client:
        assert len(set(client.unique_ids().values())) == 4
        for number, raw in enumerate(raws, 1):
            content, spooled, size = client.retrieve(number)
            assert (content if spooled is None else spooled.read()) == raw
            assert size == len(raw) == client.sizes()[number]
        assert client.header_of(1).startswith(b"Subject: dots")


def test_deletions_happen_when_one_leaves_well_and_else_not(dovecot: Dovecot, spool: Path) -> None:
    who = dovecot.add_user("leaves@example.org")
    for number in range(2):
        dovecot.deliver(who, b"Subject: %d\r\n\r\n" % number)
    client = Pop3(pop3s(dovecot), Login(who, PASSWORD), spool_dir=spool)
    client.delete(1)
    client.give_up()
    with Pop3(pop3s(dovecot), Login(who, PASSWORD), spool_dir=spool) as client:
        assert len(client.unique_ids()) == 2
        client.delete(1)
    with Pop3(pop3s(dovecot), Login(who, PASSWORD), spool_dir=spool) as client:
        assert len(client.unique_ids()) == 1


def test_signing_in_by_token_master_user_and_over_starttls(dovecot: Dovecot, spool: Path) -> None:
    who = dovecot.add_user("signs-pop@example.org")
    dovecot.tokens.known["pop"] = who
    server = Server("127.0.0.1", dovecot.pop3, Security.STARTTLS, ca_pem=dovecot.authority.pem)
    for login in (
        Login(who, PASSWORD),
        Login(who, token="pop"),
        Login(MASTER, MASTER_PASSWORD, act_for=who),
        Login(f"{who}*{MASTER}", MASTER_PASSWORD),
    ):
        with Pop3(server, login, spool_dir=spool) as client:
            assert client.unique_ids() == {}
    with pytest.raises(LoginRefused):
        Pop3(server, Login(who, "wrong"), spool_dir=spool)
