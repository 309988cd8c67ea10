"""The protocol: the manual's own session, the PyPI client, sign-in in all its forms, and whatever breaks."""

from __future__ import annotations

import contextlib
import hashlib
import re
import socket
import ssl
from dataclasses import replace
from typing import Any

import pytest
from CGPCLI.Commands import Server
from CGPCLI.Errors import CommandFailedError, FailedLogin
from django.db import OperationalError
from django.db.models.functions import Now
from django.utils import timezone

from accounts import factors
from accounts.actors import Actor
from accounts.errors import NetworkBlocked, WrongPassword
from accounts.models import AuditEvent, FailedSignIn, FormerPassword, User
from accounts.selectors.sessions import list_sessions
from accounts.services import set_password
from accounts.services.app_passwords import create_app_password, delete_all_app_passwords
from accounts.services.blocks import block_network
from accounts.services.leaving import _make_names
from accounts.services.sessions import end_session
from accounts.sources.errors import SourceUnavailable
from api.communigate import apop, house, running
from api.communigate.pwd.door import Limits, Reply
from api.communigate.pwd.session import Session as Connection
from api.dialects import calls, credentials
from api.models import ApopSecret, DialectSetting
from config.kit import counters
from tests import factories
from tests.api.callers import caller_for
from tests.api.communigate.serving import Client, serving
from tests.api.dialects.calling import switch_on
from tests.domains.factories import make_domain, make_mailbox_in

pytestmark = pytest.mark.django_db
PASSWORD = factories.PASSWORD


@pytest.fixture
def root() -> User:
    switch_on("communigate")
    make_domain("main.example")
    return factories.make_administrator("postmaster@main.example")


def test_the_session_of_the_manual(root: User) -> None:
    """Its account exists already is 520 with clients of today; the text of the manual is kept."""

    def talk(port: int) -> list[str]:
        client = Client(port)
        said = [
            client.banner,
            client.ask("USER postmaster", "\r\n"),
            client.ask(f"PASS {PASSWORD}", "\r\n"),
        ]
        for line in (
            'CreateAccount "user1"',
            'CreateAccount "user1"',
            'RenameAccount "user1" into "user2"',
            'CreateDomain "client1.com"',
            'CreateAccount "user1@client1.com" TextMailbox',
        ):
            said.append(client.ask(line))
        said += [client.ask("ListDomains"), client.line(), client.ask("QUIT")]
        assert client.is_closed()
        return said

    said = serving(talk)
    assert re.fullmatch(r"200 mail\.server\.example PWD Server 6\.3\.0 ready", said[0])
    assert said[1:] == [
        "300 please send the PASS",
        "200 login OK, proceed",
        "200 OK",
        "520 Account with this name already exists",
        "200 OK",
        "200 OK",
        "200 OK",
        "200 data follow",
        "(main.example,client1.com)",
        "200 CommuniGate Pro PWD connection closed",
    ]
    kept = AuditEvent.objects.filter(action="domain.create").latest("pk")
    assert (kept.via, kept.actor_label) == ("communigate", "postmaster@main.example")
    told = calls.last("communigate", 20)
    assert [each.operation for each in told][:3] == ["LISTDOMAINS", "CREATEACCOUNT", "CREATEDOMAIN"]
    assert not any("user1" in f"{each.operation}{each.result}" for each in told)


def test_the_client_from_pypi(root: User) -> None:
    def talk(port: int) -> dict[str, Any]:
        client = Server("127.0.0.1", port)
        client.connect()
        client.login("postmaster@main.example", PASSWORD)
        found: dict[str, Any] = {}
        client.create_domain("client2.example", settings={"AccountsLimit": 5, "Foo": "bar baz"})
        found["settings"] = client.get_domain_settings("client2.example")["body"]
        client.create_account("ada@client2.example", settings={"RealName": "Ada O'Kafor", "MaxAccountSize": "40M"})
        client.set_account_password("ada@client2.example", '"a new long passphrase 9"')
        found["verified"] = client.verify_account_password("ada@client2.example", '"a new long passphrase 9"')
        found["account"] = client.get_account_settings("ada@client2.example")["body"]
        client.set_account_aliases("ada@client2.example", ["lovelace"])
        found["aliases"] = client.get_account_aliases("ada@client2.example")["body"]
        client.create_group("staff@client2.example", settings={"Members": ["ada"]})
        found["group"] = client.get_group("staff@client2.example")["body"]
        client.create_forwarder("fw@client2.example", "x@elsewhere.example")
        found["forwarder"] = client.get_forwarder("fw@client2.example")["body"]
        found["accounts"] = client.list_accounts("client2.example")["body"]
        found["commands"] = client.list_CLI_commands()["body"]
        found["noop"], found["time"] = client.noop()["body"], client.get_current_time("now")["body"]
        try:
            client.get_account_telnums("ada@client2.example")
        except CommandFailedError as error:
            found["refused"] = str(error)
        client.disconnect()
        return found

    found = serving(talk)
    assert found["settings"] == {"AccountsLimit": "5", "Foo": "bar baz"}
    assert found["account"]["RealName"] == "Ada O'Kafor" and found["account"]["MaxAccountSize"] == "40M"
    assert found["verified"]["header"] == "200" and found["noop"] == "OK"
    assert found["aliases"] == ["lovelace"] and found["group"]["Members"] == ["ada"]
    assert found["forwarder"] == "x@elsewhere.example" and found["accounts"] == {"ada": "macnt"}
    assert "CREATEACCOUNT" in found["commands"] and "GETACCOUNTTELNUMS" not in found["commands"]
    assert "502" in found["refused"] and "telephone" in found["refused"]
    assert abs((found["time"] - timezone.now().replace(tzinfo=None)).total_seconds()) < 60


def test_ways_to_sign_in_and_not(root: User) -> None:
    token = caller_for(root).token

    def talk(port: int) -> None:
        with pytest.raises(FailedLogin):
            wrong = Server("127.0.0.1", port)
            wrong.connect()
            wrong.login("postmaster@main.example", "no")
        assert Client(port).sign_in('"postmaster@main.example"', f'"{PASSWORD}"') == "200 login OK, proceed"
        assert Client(port).sign_in("postmaster", PASSWORD) == "200 login OK, proceed"
        assert Client(port).sign_in("postmaster@main.example", token) == "200 login OK, proceed"
        client = Client(port)
        assert client.ask("LISTDOMAINS").startswith("501 please sign in")
        assert client.ask("PASS x").startswith("515 ")
        assert client.ask(f"AUTH WEBUSER postmaster@main.example {PASSWORD}") == "200 login OK, proceed"
        assert client.ask("USER other").startswith("501 ")
        assert client.ask("aPop x y").startswith("515 ")
        assert client.ask("AUTH WEBUSER other x").startswith("515 ")
        assert client.ask("inline").startswith("200 ")
        assert client.ask("LISTDOMAINS  ") == "201 (main.example)"
        assert client.ask("NEWPASS something").startswith("501 ")

    serving(talk)


def test_apop_only_for_who_has_a_secret(root: User) -> None:
    secret = apop.new_secret(Actor.console(), root)

    def talk(port: int) -> None:
        client = Client(port)
        challenge = client.banner[client.banner.index("<") :]
        digest = hashlib.md5(f"{challenge}{secret}".encode(), usedforsecurity=False).hexdigest()
        assert client.ask(f"APOP nobody@main.example {digest}").startswith("515 ")
        assert client.ask(f"APOP postmaster@main.example {'0' * 32}").startswith("515 ")
        assert client.ask(f"APOP postmaster@main.example {digest}") == "200 login OK, proceed"
        assert client.ask("NOOP") == "200 OK"
        again = Client(port)
        assert challenge not in again.banner
        assert again.ask(f"APOP postmaster@main.example {digest}").startswith("515 ")  # made for another challenge

    serving(talk)
    assert secret not in str(list(ApopSecret.objects.values_list("secret", flat=True)))
    with pytest.raises(Exception, match="person themselves"):
        apop.new_secret(Actor.for_user(root), factories.make_user("somebody@main.example"))
    assert apop.remove_secret(Actor.for_user(root), root) and not apop.has_any()


def test_a_secret_goes_with_the_password_all_app_passwords_and_the_person(root: User) -> None:
    """It opens the same door as the password, which whoever changes it wants shut."""
    person = make_mailbox_in(make_domain("people.example"), "ada", password=PASSWORD).user
    assert person is not None
    opened, key = Actor.for_user(person), person.pk

    def leave() -> None:
        FormerPassword.objects.create(user_id=key, encoded="x")
        _make_names([key])  # as one whom evidence names

    for end in (
        lambda: set_password(Actor.system(), person, password="another long passphrase 3"),
        lambda: delete_all_app_passwords(opened, person),
        leave,
    ):
        apop.new_secret(opened, person)
        end()
        assert not apop.has_any()
    assert not FormerPassword.objects.exists()


def test_a_password_is_changed_by_who_just_sent_it(root: User) -> None:
    person = make_mailbox_in(make_domain("people.example"), "ada", password=PASSWORD).user
    assert person is not None

    def talk(port: int) -> None:
        client = Client(port)
        client.sign_in("ada@people.example", PASSWORD)
        assert client.ask("NEWPASS short").startswith("501 ")
        client = Client(port)
        client.sign_in("ada@people.example", PASSWORD)
        other = Client(port)
        other.sign_in("ada@people.example", PASSWORD)
        assert client.ask("NEWPASS another long passphrase 3") == "200 password changed"
        assert other.ask("NOOP").startswith("510 ")
        assert client.ask("GETACCOUNTSETTINGS *").startswith("200 ") and client.line() == "{}"
        other = Client(port)
        assert other.sign_in("ada@people.example", "another long passphrase 3").startswith("200 ")
        assert client.ask('SETACCOUNTPASSWORD * PASSWORD "short" CHECK').startswith("501 ")
        assert client.ask('SETACCOUNTPASSWORD ada PASSWORD "a third long passphrase 4"') == "200 OK"
        assert client.ask("NOOP") == "200 OK"
        assert other.ask("NOOP").startswith("510 ")
        assert Client(port).sign_in("ada@people.example", "a third long passphrase 4").startswith("200 ")

    serving(talk)


def test_who_signed_in_is_asked_again_with_every_command(root: User) -> None:
    other = factories.make_administrator("second@main.example")

    def talk(port: int) -> Client:
        client = Client(port)
        assert client.sign_in("second@main.example", PASSWORD).startswith("200 ")
        assert client.ask("GETVERSION").startswith("200 data")
        client.line()
        return client

    def whole(port: int) -> None:
        client = talk(port)
        serving_ask.append(client)

    serving_ask: list[Client] = []

    def shut_out(port: int) -> str:
        whole(port)
        return serving_ask[0].ask('GETVERSION "x"')

    assert serving(shut_out).startswith("501 syntax error")
    User.objects.filter(pk=other.pk).update(is_administrator=False)

    def without_rights(port: int) -> list[str]:
        client = talk(port)
        return [client.ask("LISTDOMAINS"), client.ask('CREATEDOMAIN "x.example"')]

    assert [each[:3] for each in serving(without_rights)] == ["510", "510"]
    set_password(Actor.console(), other, password="yet another passphrase 5")

    def old_password(port: int) -> str:
        return Client(port).sign_in("second@main.example", PASSWORD)

    assert serving(old_password).startswith("515 ")


def test_off_or_from_elsewhere_it_says_so_and_closes(root: User) -> None:
    def banner(port: int) -> str:
        client = Client(port)
        assert client.is_closed()
        return client.banner

    DialectSetting.objects.filter(name="communigate").update(clients=["192.0.2.0/24"])
    assert serving(banner).startswith("501 this address")
    DialectSetting.objects.filter(name="communigate").update(is_on=False, clients=[])
    assert serving(banner).startswith("501 the command line interface is switched off")


def test_stls_forgets_what_was_said_before_it(root: User) -> None:
    def talk(port: int) -> None:
        client = Client(port)
        client.sign_in("postmaster@main.example", PASSWORD)
        assert client.ask("STLS").startswith("200 ")
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        client.socket = context.wrap_socket(client.socket, server_hostname="mail.server.example")
        client.file = client.socket.makefile("rb")
        assert client.ask("LISTDOMAINS").startswith("501 please sign in")
        assert client.sign_in("postmaster@main.example", PASSWORD).startswith("200 ")
        assert client.ask("STLS").startswith("501 ")
        assert client.ask("QUIT").startswith("200 ")
        plain = Client(port)
        assert plain.ask("STLS").startswith("200 ")
        plain.socket.sendall(b"this is no handshake\r\n" * 10)
        with contextlib.suppress(ConnectionError):
            plain.file.read()

    serving(talk)


def test_slow_half_open_endless_and_broken_clients_are_closed(root: User) -> None:
    limits = Limits(first_line=200, line=5_000, login_s=0.4, idle_s=0.4, line_s=0.4, write_s=1.0)

    def talk(port: int) -> None:
        silent, dripping, endless, half = Client(port), Client(port), Client(port), Client(port)
        dripping.socket.sendall(b"USER ")
        endless.socket.sendall(b"x" * 400_000)
        half.send("USER postmaster@main.example", f"PASS {PASSWORD}", "LISTDOMAINS")
        half.socket.shutdown(socket.SHUT_WR)
        said = half.file.read().decode()
        assert said.endswith("200 data follow\r\n(main.example)\r\n")
        for client in (silent, dripping):
            assert client.line().startswith("501 you took too long") and client.is_closed()
        with contextlib.suppress(ConnectionError):  # cut off with bytes on the way: it may not hear why
            assert "too long" in endless.file.read().decode()
        client = Client(port)
        assert client.ask("x" * 300) == "501 the line is too long"
        assert client.ask("\x00\xff\x01").startswith("500 ")
        client.sign_in("postmaster@main.example", PASSWORD)
        assert client.ask("ECHO " + "y" * 6_000) == "501 the line is too long"
        assert client.ask("NOOP") == "200 OK"
        assert client.line().startswith("501 you took too long") and client.is_closed()

    serving(talk, limits=limits)


def test_unescaped_quotes_and_other_garbage_are_syntax_errors_and_nothing_hangs(root: User) -> None:
    lines = [
        'UPDATEACCOUNTSETTINGS a@main.example {Password="p w";RealName="A "q" B";}',
        'SETACCOUNTPASSWORD a PASSWORD "a"b"',
        'CREATEACCOUNT "a',
        "CREATEACCOUNT a {x=(((((",
        "CREATEACCOUNT",
        "LISTDOMAINS now",
        "CREATEACCOUNT a {" + "(" * 5000,
    ]

    def talk(port: int) -> list[str]:
        client = Client(port)
        client.sign_in("postmaster@main.example", PASSWORD)
        client.send("", "  ", *lines, "?!", "NOSUCHCOMMAND x", "INLINE")
        return [client.line() for _ in range(len(lines) + 3)]

    said = serving(talk)
    assert all(line.startswith("501 syntax error: ") for line in said[: len(lines)]), said
    assert said[len(lines) :][:2] == ["500 unknown command"] * 2


def test_replies_with_hostile_names_stay_one_line(root: User) -> None:
    hostile = 'a";}\r\n200 OK\u2028\x01<b>'

    def talk(port: int) -> list[str]:
        client = Client(port)
        client.sign_in("postmaster@main.example", PASSWORD)
        client.ask("INLINE")
        client.ask('CREATEDOMAIN "hostile.example" {Note="a\\";}\\r\\n200 OK\\u\'2028\'\\001<b>";}')
        return [
            client.ask("GETDOMAINSETTINGS hostile.example"),
            client.ask('GETDOMAINSETTINGS "x\\r\\n200 OK"'),
            client.ask("NOOP"),
        ]

    said = serving(talk)
    assert said[0] == '201 {Note="a\\";}\\r\\n200 OK\\226\\128\\168\\001<b>";}'
    assert said[1].startswith("512 unknown secondary domain: x  200 OK") and said[2] == "200 OK"
    assert hostile


def test_blocked_networks_are_shut_out_before_anything_and_at_the_next_command(
    root: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The clients of this test are on this machine, which is never blocked: the house is told that they are not."""
    monkeypatch.setattr(Connection, "connection_made", _from_elsewhere(Connection.connection_made))
    DialectSetting.objects.filter(name="communigate").update(clients=["192.0.2.0/24"])

    def talk(port: int) -> list[str]:
        client = Client(port)
        said = [client.sign_in("postmaster@main.example", PASSWORD)]
        blocked.append(client)
        return said

    blocked: list[Client] = []

    def block(answer: Any) -> Any:
        def run(actor: Any, line: str, *rest: Any, **named: Any) -> Any:
            block_network(Actor.console(), "192.0.2.7")
            return answer(actor, line, *rest, **named)

        return run

    monkeypatch.setattr(running, "answer", block(running.answer))

    def whole(port: int) -> list[str]:
        said = talk(port)
        assert blocked[0].ask("NOOP") == "200 OK"  # the block comes with this one
        said.append(blocked[0].ask("NOOP"))
        assert blocked[0].is_closed()
        again = Client(port)
        assert again.is_closed()
        return [*said, again.banner]

    assert serving(whole) == ["200 login OK, proceed", *["501 this network is blocked here"] * 2]


def _from_elsewhere(made: Any) -> Any:
    def connection_made(self: Connection, transport: Any) -> None:
        made(self, transport)
        self.client = "192.0.2.7"

    return connection_made


@pytest.fixture
def with_second_factor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(factors, "_keepers", {lambda user: True: lambda user: None})


def test_app_passwords_count_where_a_second_factor_is_set_and_end_with_it(root: User, with_second_factor: None) -> None:
    app = create_app_password(
        replace(Actor.for_user(root), proved_at=timezone.now()), root, name="x", protocols=["api"]
    )

    def talk(port: int) -> None:
        assert Client(port).sign_in("postmaster@main.example", PASSWORD).startswith("515 ")
        client = Client(port)
        assert client.sign_in("postmaster@main.example", app.value) == "200 login OK, proceed"
        assert client.ask("NOOP") == "200 OK"
        client = Client(port)
        client.sign_in("postmaster@main.example", app.value)
        assert client.ask('SETACCOUNTPASSWORD * PASSWORD "a third long passphrase 4"').startswith("510 ")
        client = Client(port)
        client.sign_in("postmaster@main.example", app.value)
        assert client.ask("NEWPASS another long passphrase 3").startswith("510 ") and client.is_closed()

    serving(talk)


@pytest.mark.parametrize(
    "changed",
    [
        {"is_active": False},
        {"password": "another"},
        {"login_privileges": []},
        {"email": "postmaster@gone.example"},
        {"sessions_ended_at": Now()},
    ],
)
def test_a_session_ends_at_the_next_command_with_what_let_it_in(
    root: User, changed: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(credentials, "CHECKED_EVERY_S", -1.0)
    answer = running.answer

    def change(actor: Any, line: str, *rest: Any, **named: Any) -> Any:
        User.objects.filter(pk=root.pk).update(**changed)
        return answer(actor, line, *rest, **named)

    monkeypatch.setattr(running, "answer", change)

    def talk(port: int) -> tuple[str, str, bool]:
        client = Client(port)
        client.sign_in("postmaster@main.example", PASSWORD)
        first, second = client.ask("ECHO x"), ""
        client.line()
        second = client.ask('ECHO "x"')
        return first, second, "email" in changed or client.is_closed()

    first, second, is_closed = serving(talk)
    assert first == "200 data follow" and is_closed
    assert second.startswith("200 data" if "email" in changed else "510 your access has ended")


def test_a_connection_is_listed_with_the_sessions_of_browsers_and_ends_there_or_with_itself(
    root: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(credentials, "CHECKED_EVERY_S", -1.0)
    answer, listed = running.answer, list[str]()

    def end_the_first(actor: Any, line: str, *rest: Any, **named: Any) -> Any:
        found = list(list_sessions(actor).order_by("pk"))
        if not listed:
            end_session(actor, found[0])
        listed.extend(each.how for each in found)
        return answer(actor, line, *rest, **named)

    monkeypatch.setattr(running, "answer", end_the_first)

    def talk(port: int) -> list[str]:
        one, two, three = Client(port), Client(port), Client(port)
        for each in (one, two):
            each.sign_in("postmaster@main.example", PASSWORD)
        said = [one.ask("NOOP"), one.ask("NOOP"), two.ask("QUIT")]
        assert two.is_closed()
        three.sign_in("postmaster@main.example", PASSWORD)
        return [*said, three.ask("NOOP")]

    before = counters.waiting("user", root.pk).get("logins", 0)
    assert [each[:3] for each in serving(talk)] == ["200", "510", "200", "200"]
    root.refresh_from_db()
    assert root.last_login is not None and counters.waiting("user", root.pk)["logins"] == before + 3
    assert listed == ["pwd", "pwd", "pwd"]  # of the first and the second, then of the third alone


def test_guesses_are_counted_noted_and_slowed_down_also_by_apop(root: User) -> None:
    apop.new_secret(Actor.console(), root)

    def talk(port: int) -> list[str]:
        said = []
        for number in range(4):
            client = Client(port)
            said.append(client.ask(f"APOP postmaster@main.example {number:032x}"))
            said.append(client.sign_in("postmaster@main.example", f"wrong {number}"))
        return said

    said = serving(talk)
    assert said[0].startswith("515 incorrect") and said[-1] == "515 too many attempts; try again later"
    noted = FailedSignIn.objects.get(tried="postmaster@main.example")
    assert noted.times == AuditEvent.objects.filter(action="user.sign_in_failed").count() == 5


def test_connections_of_one_client_are_counted_before_anything_is_looked_up(
    root: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(house, "PER_ADDRESS", 2)

    def talk(port: int) -> str:
        here = [Client(port), Client(port)]
        third = Client(port)
        assert third.is_closed()
        here[0].close()
        for _each in range(100):
            fourth = Client(port)
            if fourth.banner.startswith("200"):
                return third.banner
            fourth.close()
        return "the place of who left stays taken"

    assert serving(talk) == "501 too many connections; come again later"


def test_what_is_sent_before_the_encryption_is_thrown_away(root: User) -> None:
    """STLS and commands in one packet: nothing of them is carried out inside (CVE-2011-0411 and its kin)."""

    def talk(port: int) -> str:
        client = Client(port)
        client.socket.sendall(b"STLS\r\nUSER postmaster@main.example\r\n")
        assert client.line().startswith("200 ")
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        client.socket = context.wrap_socket(client.socket, server_hostname="mail.server.example")
        client.file = client.socket.makefile("rb")
        return client.ask(f"PASS {PASSWORD}")

    assert serving(talk).startswith("515 please send the USER first")


@pytest.mark.parametrize(
    "why", [NetworkBlocked(60), SourceUnavailable("away"), OperationalError("away"), WrongPassword()]
)
def test_whatever_keeps_somebody_out_is_the_code_after_which_clients_give_up(why: Exception) -> None:
    """Source: cgpcli: any other code than 515 makes it sign in again, for ever."""

    def sign_in() -> None:
        raise why

    said = house.PwdHouse()._noted("USER", "192.0.2.7", "ada", sign_in)
    assert isinstance(said, Reply) and said.code == 515 and len(said.text) > 10
