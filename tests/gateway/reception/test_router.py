"""The router table and the IP lists as pure rules."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.ip_table import BadNetwork, Entry, IpTable, canonical
from gateway.router import BadRule, Routed, Rule, check, host_and_port, match, route

TABLE = (
    Rule(1, "boss@old.example", "refuse", "The boss has left"),
    Rule(2, "*@old.example", "rewrite", "*@new.example"),
    Rule(3, "sales-*@new.example", "rewrite", "sales@*.example"),
    Rule(4, "*@*.lan.example", "relay", "10.0.0.7:2525"),
    Rule(5, "trash@new.example", "discard"),
    Rule(6, "a@circle.example", "rewrite", "b@circle.example"),
    Rule(7, "b@circle.example", "rewrite", "a@circle.example"),
    Rule(8, "grow@*", "rewrite", "grow@x.*"),
)


@pytest.mark.parametrize(
    ("address", "found"),
    [
        ("ada@elsewhere.example", Routed("ada@elsewhere.example")),
        ("boss@old.example", Routed("boss@old.example", ends="refuse", text="The boss has left", lines=(1,))),
        ("ada@old.example", Routed("ada@new.example", lines=(2,))),
        ("sales-de@old.example", Routed("sales@de.example", lines=(2, 3))),
        ("x@pc.lan.example", Routed("x@pc.lan.example", via="10.0.0.7:2525", lines=(4,))),
        ("x@lan.example", Routed("x@lan.example")),
        ("trash@old.example", Routed("trash@new.example", ends="discard", lines=(2, 5))),
        ("a@circle.example", Routed("a@circle.example", ends="loop", lines=(6, 7))),
    ],
)
def test_where_the_table_leads(address: str, found: Routed) -> None:
    assert route(address, TABLE) == found


def test_a_table_that_grows_addresses_for_ever_ends() -> None:
    assert route("grow@me.example", TABLE).ends == "loop"


@pytest.mark.parametrize(
    "wrong",
    [
        Rule(0, "example.org", "refuse"),
        Rule(0, "a**@example.org", "refuse"),
        Rule(0, "a@b@example.org", "refuse"),
        Rule(0, "a b@example.org", "refuse"),
        Rule(0, "a@example.org", "rewrite", "*@example.com"),
        Rule(0, "a@example.org", "rewrite", ""),
        Rule(0, "a@example.org", "relay", "host:99999"),
        Rule(0, "a@example.org", "relay", "two words"),
        Rule(0, "a@example.org", "discard", "x"),
    ],
)
def test_what_is_no_line(wrong: Rule) -> None:
    with pytest.raises(BadRule):
        check(wrong)


@settings(max_examples=60, deadline=None)
@given(st.text("ab*.", max_size=6), st.text("ab*.", max_size=6), st.text("ab@.", max_size=12))
def test_any_pattern_fits_or_does_not(local: str, domain: str, address: str) -> None:
    pattern = f"{local}@{domain}"
    stars = match(pattern, address)
    if stars is not None and pattern.count("*") == len(stars):
        for star in stars:
            pattern = pattern.replace("*", star, 1)
        assert pattern == address


def test_servers_have_a_port() -> None:
    assert host_and_port("Mail.Example.org") == "mail.example.org:25"
    assert host_and_port("[2001:db8::1]:2525") == "[2001:db8::1]:2525"


NOW = datetime(2026, 1, 1, tzinfo=UTC)


def test_what_an_address_is() -> None:
    table = IpTable(
        [
            Entry(1, "denied", "192.0.2.0/24"),
            Entry(2, "client", "192.0.2.7/32"),
            Entry(3, "blocked", "198.51.100.1/32", NOW + timedelta(minutes=1)),
            Entry(4, "blacklisted", "2001:db8::/32"),
            Entry(5, "white_hole", "2001:db8:1::/48"),
        ]
    )
    states = {
        "192.0.2.8": "denied",
        "192.0.2.7": "client",
        "::ffff:192.0.2.8": "denied",
        "198.51.100.1": "blocked",
        "2001:db8::1": "blacklisted",
        "2001:db8:1::1": "white_hole",
        "203.0.113.1": "",
        "nonsense": "",
    }
    assert {address: table.state(address, NOW) for address in states} == states
    assert table.state("198.51.100.1", NOW + timedelta(minutes=2)) == ""
    assert [entry.number for entry in table.find("192.0.2.7", NOW)] == [2, 1]


def test_networks_are_kept_in_one_form() -> None:
    assert canonical(" 192.0.2.77/24 ") == "192.0.2.0/24"
    assert canonical("[2001:DB8::1]") == "2001:db8::1/128"
    for wrong in ("", "0.0.0.0/0", "::/0", "192.0.2.256", "example.org", "192.0.2.1-192.0.2.9"):
        with pytest.raises(BadNetwork):
            canonical(wrong)
