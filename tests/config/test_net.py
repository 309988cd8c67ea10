"""The gate: no address that isn't open is ever connected to, however it is written, named or swapped meanwhile."""

from __future__ import annotations

import logging
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from ipaddress import ip_address, ip_network

import pytest
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from config import environment
from config.kit import net
from config.kit.net import Category, Gate

LOOPBACK = (ip_network("127.0.0.0/8"),)


class Listener:
    """Listens on an address of loopback and notes who came."""

    def __init__(self, address: str, port: int = 0, *, backlog: int = 8) -> None:
        self.socket = socket.create_server((address, port), backlog=backlog)
        self.address, self.port = self.socket.getsockname()[:2]

    def visitors(self) -> int:
        self.socket.setblocking(False)
        count = 0
        while True:
            try:
                self.socket.accept()[0].close()
            except BlockingIOError:
                return count
            count += 1


@pytest.fixture
def listener() -> Iterator[Listener]:
    made = Listener("127.0.0.1")
    with closing(made.socket):
        yield made


def answering(*answers: list[str]) -> tuple[net.Resolve, list[str]]:
    """A resolver that gives one answer after the other, and what it was asked."""
    asked: list[str] = []

    def resolve(host: str, port: int, timeout_s: float) -> list[str]:
        asked.append(host)
        return answers[min(len(asked), len(answers)) - 1]

    return resolve, asked


def opens(listener: Listener, *networks: str, resolve: net.Resolve = net.system_resolve) -> Gate:
    return Gate(tuple(ip_network(text) for text in networks), frozenset({listener.port}), resolve)


# --- which addresses ---------------------------------------------------------------------------------------------

PUBLIC = [
    *(
        "8.8.8.8",
        "1.1.1.1",
        "193.0.0.1",
        "100.63.255.255",
        "100.128.0.0",
        "172.15.0.1",
        "172.32.0.1",
        "223.255.255.255",
    ),
    *("2a00:1450:4001::1", "2606:4700::1111", "2001:4860:4860::8888", "::ffff:8.8.8.8", "64:ff9b::808:808"),
    "2002:808:808::1",
]
CLOSED = [
    *("127.0.0.1", "127.255.255.254", "0.0.0.0", "0.1.2.3", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1"),
    *("169.254.169.254", "100.64.0.1", "100.127.255.255", "192.0.0.8", "192.0.2.1", "198.18.0.1", "198.51.100.1"),
    *("203.0.113.1", "192.88.99.1", "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255"),
    *("::", "::1", "fe80::1", "fe80::1%1", "fc00::1", "fd12::1", "ff02::1", "fec0::1", "100::1", "4000::1"),
    *("2001:db8::1", "3fff::1", "2001::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001:10::1", "64:ff9b:1::1"),
    *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a00:1", "2002:7f00:1::"),
    *("2002:a00:1::1", "2002:a9fe:a9fe::", "::ffff:169.254.169.254"),
]


@pytest.mark.parametrize("text", PUBLIC)
def test_public_addresses_are_open(text: str) -> None:
    assert net.why_closed(ip_address(text)) is None


@pytest.mark.parametrize("text", CLOSED)
def test_addresses_that_are_not_public_are_closed_also_wrapped(text: str) -> None:
    assert net.why_closed(ip_address(text))
    assert net.why_closed(ip_address(text), [ip_network("8.8.8.0/24")])


@given(st.ip_addresses(v=4), st.sampled_from(["::ffff:0:0", "64:ff9b::", "2002::"]))
def test_a_wrapped_address_is_as_open_as_the_one_inside(inside: object, prefix: str) -> None:
    number = int(ip_address(str(inside))) << (80 if prefix == "2002::" else 0)
    wrapped = ip_address(int(ip_address(prefix)) | number)
    assert (net.why_closed(wrapped) is None) == (net.why_closed(ip_address(str(inside))) is None)


def test_networks_are_added_exactly_and_not_through_tunnels() -> None:
    added = [ip_network("10.1.0.0/16"), ip_network("fd00:1::/32")]
    for text in ("10.1.2.3", "::ffff:10.1.2.3", "fd00:1::5"):
        assert net.why_closed(ip_address(text), added) is None
    for text in ("10.2.0.1", "fd00:2::5", "64:ff9b::a01:203", "2002:a01:203::1"):
        assert net.why_closed(ip_address(text), added)


# --- the gate ----------------------------------------------------------------------------------------------------


SPELLINGS = ["127.0.0.1", "localhost", "LOCALHOST.", "127.1", "0x7f.1", "2130706433", "[::1]", "0"]


@pytest.mark.parametrize("host", SPELLINGS)
def test_loopback_is_refused_in_every_spelling_and_nobody_comes(listener: Listener, host: str) -> None:
    with pytest.raises(net.RefusedByGate) as refused:
        net.connect(host, listener.port, timeout_s=5, gate=opens(listener))
    assert (refused.value.category, refused.value.permanent) == (Category.REFUSED_BY_GATE, True)
    assert listener.visitors() == 0


def test_an_added_network_is_reached_by_name_and_by_address(listener: Listener) -> None:
    gate = opens(listener, "127.0.0.0/8", "::1/128")
    for host in ("127.0.0.1", "localhost", "::ffff:127.0.0.1"):
        with net.connect(host, listener.port, timeout_s=5, gate=gate) as connection:
            assert (connection.address, connection.port) == ("127.0.0.1", listener.port)
            assert 0 < (connection.socket.gettimeout() or 0) <= 5
    assert listener.visitors() == 3


def test_only_ports_of_smtp_are_open_until_others_are_added(listener: Listener) -> None:
    with pytest.raises(net.RefusedByGate, match="POSTKEEP_ALLOWED_PORTS"):
        net.connect("127.0.0.1", listener.port, timeout_s=5, gate=Gate(LOOPBACK))
    assert listener.visitors() == 0
    assert net.the_gate() == Gate((), frozenset({25, 465, 587, 2525}))


def test_a_closed_port_is_refused_before_the_name_is_looked_up() -> None:
    resolve, asked = answering(["8.8.8.8"])
    with pytest.raises(net.RefusedByGate):
        net.admit("relay.example.org", 22, timeout_s=5, gate=Gate(resolve=resolve))
    assert asked == []


def test_a_name_that_changes_its_address_between_check_and_use_gains_nothing(listener: Listener) -> None:
    """DNS rebinding: the second answer is the one the attacker wants us to use."""
    with closing(Listener("127.0.0.2", listener.port).socket):
        resolve, asked = answering(["127.0.0.2"], ["127.0.0.1"])
        gate = opens(listener, "127.0.0.2/32", resolve=resolve)
        with net.connect("rebinding.example.org", listener.port, timeout_s=5, gate=gate) as connection:
            assert connection.socket.getpeername()[0] == "127.0.0.2"
        assert asked == ["rebinding.example.org"]
        with pytest.raises(net.RefusedByGate):
            net.connect("rebinding.example.org", listener.port, timeout_s=5, gate=gate)
    assert listener.visitors() == 0


@pytest.mark.parametrize("order", [["127.0.0.2", "127.0.0.1"], ["127.0.0.1", "127.0.0.2"], ["127.0.0.2", "::1"]])
def test_one_closed_address_among_open_ones_refuses_the_name(listener: Listener, order: list[str]) -> None:
    gate = opens(listener, "127.0.0.2/32", resolve=answering(order)[0])
    with pytest.raises(net.RefusedByGate):
        net.connect("mixed.example.org", listener.port, timeout_s=5, gate=gate)
    assert listener.visitors() == 0


def test_a_refusal_is_logged_with_who_asked_for_what(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "postkeep.net"), pytest.raises(net.RefusedByGate):
        net.admit("169.254.169.254", 25, timeout_s=1, who="ann@example.org")
    assert "ann@example.org" in caplog.text and "169.254.169.254" in caplog.text and "link-local" in caplog.text


def test_callers_who_connect_themselves_get_checked_addresses_only() -> None:
    resolve, _ = answering(["8.8.8.8", "::ffff:1.1.1.1", "8.8.8.8", "2a00::1"])
    assert net.admit("mx.example.org", 25, timeout_s=1, gate=Gate(resolve=resolve)) == ["8.8.8.8", "1.1.1.1", "2a00::1"]


NO_NAMES = ["", " ", "a b", "a\x00b", "a/b", "a..b", "-a.example", "a@b", "x" * 64, "a." * 130, "http://a", "a:25"]


@pytest.mark.parametrize("host", [*NO_NAMES, "\ud800"])
def test_what_is_no_host_name_is_said_before_anybody_is_asked(host: str) -> None:
    resolve, asked = answering(["8.8.8.8"])
    with pytest.raises(net.NameUnknown):
        net.admit(host, 25, timeout_s=1, gate=Gate(resolve=resolve))
    assert asked == []


def test_a_name_in_other_letters_is_asked_in_ascii() -> None:
    resolve, asked = answering(["8.8.8.8"])
    net.admit(" Bücher.Example. ", 25, timeout_s=1, gate=Gate(resolve=resolve))
    assert asked == ["xn--bcher-kva.example"]


# --- what can happen ---------------------------------------------------------------------------------------------


def test_nobody_listening_is_refused() -> None:
    with closing(Listener("127.0.0.1").socket) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(net.ConnectionRefused) as error:
        net.connect("127.0.0.1", port, timeout_s=5, gate=Gate(LOOPBACK, frozenset({port})))
    assert error.value.category == Category.REFUSED and not error.value.permanent


def test_a_host_that_takes_no_more_connections_is_a_time_out() -> None:
    full = Listener("127.0.0.1", backlog=0)
    with ExitStack() as stack:
        stack.enter_context(closing(full.socket))
        for _ in range(4):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex((full.address, full.port))
        started = time.monotonic()
        with pytest.raises(net.TimedOut) as error:
            net.connect("127.0.0.1", full.port, timeout_s=0.4, gate=opens(full, "127.0.0.0/8"))
        assert error.value.category == Category.TIMEOUT
        assert 0.3 < time.monotonic() - started < 3


def test_the_second_address_is_tried_when_the_first_refuses(listener: Listener) -> None:
    gate = opens(listener, "127.0.0.0/8", resolve=answering(["127.0.0.9", "127.0.0.1"])[0])
    with net.connect("two.example.org", listener.port, timeout_s=5, gate=gate) as connection:
        assert connection.address == "127.0.0.1"


def test_a_name_nobody_has_is_unknown_or_unanswered_but_never_reached() -> None:
    with pytest.raises((net.NameUnknown, net.NameUnanswered)):
        net.connect("nothing.invalid", 25, timeout_s=30)
    with pytest.raises(net.NameUnknown):
        net.connect("empty.example.org", 25, timeout_s=1, gate=Gate(resolve=answering([])[0]))


def test_a_resolver_of_the_system_that_hangs_costs_no_more_than_the_time_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    wake = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **options: wake.wait(20) and [])
    started = time.monotonic()
    with pytest.raises(net.TimedOut):
        net.connect("slow.example.org", 25, timeout_s=0.3)
    assert time.monotonic() - started < 3
    wake.set()


@pytest.mark.parametrize(("number", "kind"), [("EAI_AGAIN", net.NameUnanswered), ("EAI_NONAME", net.NameUnknown)])
def test_a_silent_name_server_is_not_an_unknown_name(
    monkeypatch: pytest.MonkeyPatch, number: str, kind: type[net.NetError]
) -> None:
    def refuse(*args: object, **options: object) -> None:
        raise socket.gaierror(getattr(socket, number), "as the C library says")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    with pytest.raises(kind):
        net.connect("host.example.org", 25, timeout_s=2)


def test_tls_with_somebody_who_speaks_none_fails_as_tls(listener: Listener) -> None:
    def babble() -> None:
        with listener.socket.accept()[0] as visitor:
            visitor.sendall(b"220 welcome\r\n")
            visitor.recv(1000)

    thread = threading.Thread(target=babble)
    thread.start()
    gate = opens(listener, "127.0.0.0/8")
    with net.connect("127.0.0.1", listener.port, timeout_s=5, gate=gate) as connection:
        with pytest.raises(net.TlsFailed) as error:
            connection.start_tls(ssl.create_default_context())
        assert (error.value.category, error.value.untrusted) == (Category.TLS, False)
        assert "_ssl.c" not in str(error.value)
    thread.join()


def test_every_category_has_words_in_the_language_of_the_person() -> None:
    with translation.override("en"):
        assert all(str(category.words).endswith(".") for category in Category)
    assert {kind.category for kind in net.NetError.__subclasses__()} <= set(Category)


# --- what the person who runs the server adds --------------------------------------------------------------------


def test_the_environment_adds_networks_ports_and_resolvers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTKEEP_ALLOWED_RELAYS", "10.0.0.0/8, fd00::/8,192.168.1.7")
    monkeypatch.setenv("POSTKEEP_ALLOWED_PORTS", "443, 24")
    monkeypatch.setenv("POSTKEEP_DNS_SERVERS", "192.0.2.1, 192.0.2.2:5353,2001:db8::1,[2001:db8::2]:54")
    monkeypatch.setenv("POSTKEEP_MX_NAMES", "MX1.example.org., mx2.example.org")
    assert [str(each) for each in environment.allowed_relays()] == ["10.0.0.0/8", "fd00::/8", "192.168.1.7/32"]
    assert environment.allowed_ports() == {443, 24}
    servers = [("192.0.2.1", 53), ("192.0.2.2", 5353), ("2001:db8::1", 53), ("2001:db8::2", 54)]
    assert list(environment.dns_servers()) == servers
    assert environment.mx_names() == ("mx1.example.org", "mx2.example.org")


@pytest.mark.parametrize(
    ("name", "text", "read"),
    [
        ("POSTKEEP_ALLOWED_RELAYS", "relay.example.org", environment.allowed_relays),
        ("POSTKEEP_ALLOWED_RELAYS", "10.0.0.0/33", environment.allowed_relays),
        ("POSTKEEP_ALLOWED_PORTS", "https", environment.allowed_ports),
        ("POSTKEEP_ALLOWED_PORTS", "70000", environment.allowed_ports),
        ("POSTKEEP_DNS_SERVERS", "dns.example.org", environment.dns_servers),
        ("POSTKEEP_DNS_SERVERS", "192.0.2.1:x", environment.dns_servers),
    ],
)
def test_what_the_environment_can_not_mean_is_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, name: str, text: str, read: object
) -> None:
    monkeypatch.setenv(name, text)
    assert callable(read)
    with pytest.raises(environment.EnvironmentRefused, match=name):
        read()
