"""White and black lists are sender rules."""

from __future__ import annotations

import pytest

from domains.models import SenderRule
from tests.api.iredadmin.client import OK, ask, no
from tests.api.iredadmin.conftest import Cast

pytestmark = pytest.mark.django_db
BLACK = "/wblist/inbound/blacklist"


def listed() -> set[tuple[str, str]]:
    return set(SenderRule.objects.values_list("type", "value"))


@pytest.mark.parametrize("place", ["own.example", "ada@own.example"])
def test_senders_are_listed_taken_off_and_all_forgotten(cast: Cast, place: str) -> None:
    form = {"addresses": "@spam.example, @.below.example,bad@elsewhere.example"}
    assert ask(cast.administrator, "POST", f"{BLACK}/{place}", form) == OK
    black = {("block", "spam.example"), ("block", ".below.example"), ("block", "bad@elsewhere.example")}
    assert listed() == black
    assert ask(cast.administrator, "POST", f"{BLACK}/{place}", form) == OK  # they are there already
    white = f"/wblist/inbound/whitelist/{place}"
    assert ask(cast.administrator, "POST", white, {"addresses": "good@elsewhere.example"}) == OK
    assert ask(cast.delegate, "PUT", f"{BLACK}/{place}", {"addresses": "@spam.example,never@there.example"}) == OK
    assert listed() == black - {("block", "spam.example")} | {("allow", "good@elsewhere.example")}
    assert ask(cast.delegate, "DELETE", f"{BLACK}/{place}") == OK
    assert listed() == {("allow", "good@elsewhere.example")}


def test_lists_of_others_and_of_everybody(cast: Cast) -> None:
    form = {"addresses": "@spam.example"}
    for method in ("POST", "PUT", "DELETE"):
        assert ask(cast.delegate, method, f"{BLACK}/foreign.example", form) == no("NO_SUCH_DOMAIN")
        assert ask(cast.delegate, method, f"{BLACK}/ada@foreign.example", form) == no("NO_SUCH_ACCOUNT")
        assert ask(cast.reader, method, f"{BLACK}/own.example", form) == no("PERMISSION_DENIED")
        assert ask(cast.administrator, method, f"{BLACK}/global", form)["_msg"].startswith("NOT_SUPPORTED: ")
        outbound = ask(cast.administrator, method, "/wblist/outbound/whitelist/own.example", form)
        assert outbound["_msg"].startswith("NOT_SUPPORTED: ")
    assert ask(cast.administrator, "POST", f"{BLACK}/own.example") == no("INVALID_VALUE: addresses is missing.")
    wrong = ask(cast.administrator, "POST", f"{BLACK}/own.example", {"addresses": "not a sender"})
    assert wrong["_msg"].startswith("INVALID_") and not listed()


def test_what_is_decided_otherwise_here_says_so(cast: Cast) -> None:
    for path in ("spampolicy/global", "spampolicy/domain/own.example", "greylisting/user/ada@own.example"):
        for method in ("GET", "PUT", "DELETE"):
            assert ask(cast.administrator, method, f"/{path}")["_msg"].startswith("NOT_SUPPORTED: "), (method, path)
    assert ask(cast.administrator, "GET", "/ldif/user/ada@own.example")["_msg"].startswith("NOT_SUPPORTED: ")
