"""Lists that hold a million rows elsewhere: however rows are found and sorted, the same ones are shown."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.test import Client

from accounts.models import User
from config.kit import paging
from tests.domains.factories import make_customer, make_delegate, make_domain, make_mailbox_in

LIST = "/directory/users/"
LOCALS = ["anna.berg", "anna.holm", "bo.anders", "clara.berg", "jan.berg", "zoe.andersen"]


@pytest.fixture
def browser(client_for: Callable[[User | None], Client]) -> Client:
    domain = make_domain("example.com", make_customer("Ours"))
    for local in LOCALS:
        make_mailbox_in(domain, local)
    return client_for(make_delegate(domain))


def shown(browser: Client, **asked: str) -> list[str]:
    text = browser.get(LIST, asked).content.decode()
    return list(dict.fromkeys(re.findall(r">([\w.]+)@example\.com<", text)))


@pytest.mark.parametrize("sort", ["address", "-address", "used", "-quota"])
def test_many_matches_and_few_are_shown_in_the_same_order(
    browser: Client, monkeypatch: pytest.MonkeyPatch, sort: str
) -> None:
    few = shown(browser, q="berg", sort=sort)
    monkeypatch.setattr(paging, "COUNT_LIMIT", 1)
    assert shown(browser, q="berg", sort=sort) == few
    assert sorted(few) == ["anna.berg", "clara.berg", "jan.berg"]


def test_a_word_too_short_for_the_index_is_the_beginning_of_an_address(browser: Client) -> None:
    assert shown(browser, q="an") == ["anna.berg", "anna.holm"]
    assert shown(browser, q="AN*") == ["anna.berg", "anna.holm"]
    assert shown(browser, q="z") == ["zoe.andersen"]
    assert shown(browser, q="-an") == ["bo.anders", "clara.berg", "jan.berg", "zoe.andersen"]
    assert shown(browser, q="xq") == []
    assert shown(browser, q="and") == ["bo.anders", "zoe.andersen"]
