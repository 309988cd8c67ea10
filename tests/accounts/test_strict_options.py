"""Options of safety: every one of them can only be narrowed below, whatever order it was set in."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse

from accounts import options
from accounts.actors import Actor
from accounts.errors import BadOption
from accounts.options import Option
from accounts.optiontypes import OptionType
from accounts.permissions import Level
from accounts.scopes import SERVER
from accounts.services.options import reset_option, set_option
from accounts.strictness import Stricter, is_within, stricter
from tests.stage import Cast

SYSTEM = Actor.system()
# Options that levels below set as they like, and why nobody is less safe for it.
TASTE = {
    "TIME_ZONE": "how pages look",
    "PAGE_SIZE": "how pages look",
    "LANGUAGE": "how pages look",
    "SUPPORT_EMAIL": "whom people ask",
    "PASSWORD_WARN_DAYS": "when people are told, not what holds",
    "SIGN_IN_BY_ALIAS": "another name for the same account, with the same proofs",
    "DEFAULT_PREFERENCES": "what programs show",
    "USER_DELETION_DAYS": "longer keeps, shorter frees: neither is the safe side",
    "AUTO_PROVISIONING": "a default of domains' own fields, which say otherwise by design",
    "SENDER_VERIFY": "a default of domains' own fields, which say otherwise by design",
    "LIST_PRIORITY": "a default of domains' own fields, which say otherwise by design",
    "END_USER_RIGHTS": "a default of domains' own fields, which say otherwise by design",
    "ACCOUNT_STATUS": "how a template begins; whoever makes the user may say another state",
    "ACCOUNT_THEME": "how pages look",
    "QUARANTINE_DIGEST": "when a mail is sent",
    "QUARANTINE_DIGEST_HOUR": "when a mail is sent",
    "QUARANTINE_DIGEST_SECOND_HOUR": "when a mail is sent",
    "QUARANTINE_DIGEST_WEEKDAY": "when a mail is sent",
    "QUARANTINE_RELEASE_REQUESTS": "an administrator decides about each",
    "SPAMFIGHT_SPAM_ADDRESS": "where reports go",
    "SPAMFIGHT_CLEAN_ADDRESS": "where reports go",
}


def _shared() -> list[Option]:
    """What administrators below the server may set at all."""
    return [
        each
        for each in options.catalogue()
        if each.levels - {Level.SERVER} and not each.restricted and not each.name.startswith("TEST_")
    ]


def _ends(option: Option) -> tuple[Any, Any]:
    """(the strictest value, the loosest one)."""
    keys = [key for key, _label in option.values]
    low, high = option.minimum, option.maximum
    return {
        Stricter.LESS: (low, high),
        Stricter.LESS_BUT_0: (max(low or 0, 1), 0),
        Stricter.MORE: (high, low),
        Stricter.YES: (True, False),
        Stricter.LATER: (keys[-1:][0] if keys else None, keys[:1][0] if keys else None),
        Stricter.MORE_ITEMS: (keys, []),
        Stricter.FEWER_ITEMS: ([], keys),
    }[option.strict or Stricter.YES]


def test_every_option_is_one_of_safety_or_one_of_taste() -> None:
    assert TASTE.keys() <= {each.name for each in options.catalogue()}
    unsorted = {each.name for each in _shared() if each.strict is None} - TASTE.keys()
    assert not unsorted, "say strict= of these, or add to TASTE why nobody is less safe"
    assert not {each.name for each in _shared() if each.strict is not None} & TASTE.keys()


def test_no_level_loosens_what_a_level_above_wants(cast: Cast) -> None:
    """Set on each level, and a looser one on each below it: refused when it comes later, void when it came first."""
    places = [(Level.SERVER, SERVER), (Level.CUSTOMER, cast.customer), (Level.DOMAIN, cast.domain)]
    places.append((Level.USER, cast.user))
    strict = [each for each in _shared() if each.strict is not None]
    assert len(strict) >= 12
    for option in strict:
        tight, loose = _ends(option)
        levels = [obj for level, obj in places if level in option.levels]
        for at, above in enumerate(levels[:-1]):
            for below in levels[at + 1 :]:
                set_option(SYSTEM, below, option.name, loose, even_looser=True)
                set_option(SYSTEM, above, option.name, tight)
                assert options.value(option.name, below) == tight, (option.name, above, below)
                assert options.value(option.name, cast.user) == tight, (option.name, above, below)
                assert options.resolve(option.name, below).own == loose
                with pytest.raises(BadOption):
                    set_option(SYSTEM, below, option.name, loose)
                reset_option(SYSTEM, below, option.name)
                reset_option(SYSTEM, above, option.name)


def test_what_nobody_set_on_the_server_holds_like_a_value_of_it(cast: Cast) -> None:
    assert options.value("SESSION_HOURS") == 336  # the default: fourteen days
    with pytest.raises(BadOption, match="336"):
        set_option(SYSTEM, cast.domain, "SESSION_HOURS", 700)
    set_option(SYSTEM, SERVER, "SESSION_HOURS", 700)
    set_option(SYSTEM, cast.domain, "SESSION_HOURS", 500)
    assert options.value("SESSION_HOURS", cast.user) == 500


def test_a_stricter_value_counts_and_says_where_it_comes_from(cast: Cast) -> None:
    set_option(SYSTEM, cast.customer, "PASSWORD_LENGTH", 14)
    set_option(SYSTEM, cast.domain, "PASSWORD_LENGTH", 20)
    found = options.resolve("PASSWORD_LENGTH", cast.user)
    assert (found.value, found.source and found.source.level, found.is_own) == (20, Level.DOMAIN, False)
    set_option(SYSTEM, cast.customer, "PASSWORD_LENGTH", 30)
    found = options.resolve("PASSWORD_LENGTH", cast.domain)
    assert (found.value, found.source and found.source.level) == (30, Level.CUSTOMER)
    assert (found.is_own, found.own, found.inherited) == (True, 20, 30)


def test_the_page_says_what_holds_above_and_that_it_cant_be_loosened(cast: Cast, client_for: Any) -> None:
    set_option(SYSTEM, cast.customer, "APP_PASSWORDS_ONLY", True)
    edit = reverse("accounts:option-edit", args=["domain", cast.domain.pk, "APP_PASSWORDS_ONLY"])
    client = client_for(cast.domain_administrator)
    answer = client.post(edit, {"value": "false"})
    assert answer.status_code == 422 and "can only be stricter" in answer.content.decode()
    assert options.value("APP_PASSWORDS_ONLY", cast.user) is True


@pytest.mark.parametrize(
    ("way", "above", "own", "counts", "is_allowed"),
    [
        (Stricter.LESS_BUT_0, 0, 30, 30, True),
        (Stricter.LESS_BUT_0, 30, 0, 30, False),
        (Stricter.LESS_BUT_0, 0, 0, 0, True),
        (Stricter.MORE_ITEMS, ["a"], ["b"], ["a", "b"], False),
        (Stricter.MORE_ITEMS, ["a"], ["b", "a"], ["a", "b"], True),
        (Stricter.FEWER_ITEMS, ["a", "b"], ["b", "c"], ["b"], False),
        (Stricter.FEWER_ITEMS, ["a", "b"], ["b"], ["b"], True),
    ],
)
def test_what_counts_of_two_values(way: Stricter, above: Any, own: Any, counts: Any, is_allowed: bool) -> None:
    assert stricter(way, above, own) == counts and is_within(way, above, own) is is_allowed


def test_every_option_of_lists_that_is_strict_says_its_values() -> None:
    """Else the sweep above would compare empty lists."""
    for option in _shared():
        if option.strict in (Stricter.LATER, Stricter.MORE_ITEMS, Stricter.FEWER_ITEMS):
            assert option.values and option.type in (OptionType.STRING, OptionType.LIST)
