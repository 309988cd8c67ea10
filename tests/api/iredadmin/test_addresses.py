"""Mail aliases and mailing lists: made, changed, deleted, and who may send to them."""

from __future__ import annotations

import pytest

from domains.models import Address, Mailbox, MailingList
from tests.api.iredadmin.client import OK, ask, no
from tests.api.iredadmin.conftest import Cast

pytestmark = pytest.mark.django_db
ALIAS, LIST = "/alias/sales@own.example", "/maillist/talk@own.example"


def test_an_alias_is_made_changed_and_deleted(cast: Cast) -> None:
    form = {"cn": "Sales", "accessPolicy": "domain", "members": "ada@own.example, b@elsewhere.example"}
    assert ask(cast.administrator, "POST", ALIAS, form) == OK
    row = Address.objects.get(text="sales@own.example")
    assert (row.kind, row.name, row.senders, row.recipient_count) == ("group", "Sales", "domain", 2)
    assert ask(cast.administrator, "POST", ALIAS) == no("ALREADY_EXISTS")
    assert ask(cast.delegate, "PUT", ALIAS, {"cn": "My List Name", "accessPolicy": "public"}) == OK
    shown = ask(cast.delegate, "GET", ALIAS)["_data"]
    assert (shown["cn"], shown["accessPolicy"], shown["members"]) == (
        "My List Name", "public", ["ada@own.example", "b@elsewhere.example"],
    )  # fmt: skip
    assert ask(cast.delegate, "PUT", ALIAS, {"members": "", "accountStatus": "disabled"}) == OK
    row.refresh_from_db()
    assert (row.recipient_count, row.is_enabled) == (0, False)
    assert ask(cast.delegate, "DELETE", ALIAS) == OK
    assert ask(cast.delegate, "DELETE", ALIAS) == no("NO_SUCH_ACCOUNT")


def test_members_come_and_go_one_by_one_and_a_domain_s_addresses_are_listed(cast: Cast) -> None:
    asks = cast.delegate
    assert ask(asks, "POST", ALIAS, {"members": "ada@own.example,b@elsewhere.example"}) == OK
    assert ask(asks, "PUT", ALIAS, {"addMember": "c@elsewhere.example", "removeMember": "ada@own.example"}) == OK
    assert ask(asks, "GET", ALIAS)["_data"]["members"] == ["b@elsewhere.example", "c@elsewhere.example"]
    assert ask(asks, "POST", LIST, {"owner": "ada@own.example", "members": "b@elsewhere.example"}) == OK
    assert ask(asks, "PUT", LIST, {"addMembers": "c@elsewhere.example", "removeMembers": "b@elsewhere.example"}) == OK
    assert ask(asks, "GET", LIST)["_data"]["members"] == ["c@elsewhere.example"]
    assert ask(asks, "POST", f"{ALIAS}/change_email/shop@own.example") == OK
    assert ask(asks, "POST", f"{LIST}/change_email/shop@own.example") == no("ALREADY_EXISTS")
    assert ask(asks, "GET", "/aliases/own.example?email_only=yes")["_data"] == ["shop@own.example"]
    assert [each["mail"] for each in ask(asks, "GET", "/maillists/own.example")["_data"]] == ["talk@own.example"]
    assert ask(asks, "GET", "/aliases/own.example?disabled_only=yes")["_data"] == []
    assert ask(asks, "GET", "/aliases/other.example") == no("NO_SUCH_DOMAIN")


def test_who_was_deleted_makes_way_for_an_alias(cast: Cast) -> None:
    assert ask(cast.delegate, "POST", "/user/sales@own.example", {"aliases": "shop@own.example"}) == OK
    assert ask(cast.delegate, "POST", ALIAS) == no("ALREADY_EXISTS")
    assert ask(cast.delegate, "DELETE", "/user/sales@own.example") == OK
    assert ask(cast.delegate, "POST", ALIAS, {"members": "ada@own.example"}) == OK
    assert ask(cast.delegate, "POST", "/user/shop@own.example") == OK
    left = Mailbox.objects.get(address__startswith="sales.deleted-", status="deleted")
    assert ask(cast.delegate, "POST", f"/user/{left.address}") == OK  # and comes back under that name
    left.refresh_from_db()
    assert left.status == "enabled"


@pytest.mark.parametrize(
    "policy, senders", [("membersOnly", "members"), ("moderatorsonly", "listed"), ("subdomain", "domain")]
)
def test_who_may_send_to_an_alias(cast: Cast, policy: str, senders: str) -> None:
    assert ask(cast.administrator, "POST", ALIAS, {"accessPolicy": policy, "moderators": "ada@own.example"}) == OK
    row = Address.objects.get(text="sales@own.example")
    assert (row.senders, [each.value for each in row.allowed_senders.all()]) == (senders, ["ada@own.example"])
    assert ask(cast.administrator, "PUT", ALIAS, {"accessPolicy": "whoever"})["_msg"].startswith("INVALID_VALUE: ")


def test_a_list_belongs_to_whoever_is_named_or_to_postmaster(cast: Cast) -> None:
    form = {"owner": "ada@own.example", "accessPolicy": "membersonly", "members": "b@elsewhere.example"}
    assert ask(cast.administrator, "POST", LIST, form) == OK
    found = MailingList.objects.select_related("owner").get(address__text="talk@own.example")
    assert (found.owner.address, found.posting, found.subscriber_count) == ("ada@own.example", "subscribers", 1)
    assert (
        ask(
            cast.delegate,
            "PUT",
            LIST,
            {"cn": "My List Name", "accessPolicy": "public", "members": "c@elsewhere.example"},
        )
        == OK
    )
    shown = ask(cast.delegate, "GET", LIST)["_data"]
    assert (shown["cn"], shown["accessPolicy"], shown["members"]) == ("My List Name", "public", ["c@elsewhere.example"])
    assert ask(cast.administrator, "POST", "/user/postmaster@own.example") == OK
    assert ask(cast.administrator, "POST", "/maillist/more@own.example") == OK
    assert MailingList.objects.get(address__text="more@own.example").owner.address == "postmaster@own.example"
    assert ask(cast.administrator, "DELETE", LIST) == OK
    assert not Address.objects.filter(text="talk@own.example").exists()


def test_a_list_of_nobody_is_made_as_a_group(cast: Cast) -> None:
    assert ask(cast.administrator, "POST", LIST, {"cn": "Talk"}) == OK
    assert Address.objects.get(text="talk@own.example").kind == "group"
    assert ask(cast.administrator, "PUT", LIST, {"cn": "My List Name", "accessPolicy": "public"}) == OK
    assert ask(cast.administrator, "GET", LIST)["_data"]["cn"] == "My List Name"
    assert ask(cast.administrator, "DELETE", LIST) == OK


def test_addresses_of_others_are_nobody_s(cast: Cast) -> None:
    for kind in ("alias", "maillist"):
        path = f"/{kind}/x@foreign.example"
        assert ask(cast.delegate, "POST", path) == no("NO_SUCH_DOMAIN")
        assert ask(cast.administrator, "POST", path) == OK
        for method in ("GET", "PUT", "DELETE"):
            assert ask(cast.delegate, method, path, {"cn": "x"}) == no("NO_SUCH_ACCOUNT")
        assert ask(cast.administrator, "DELETE", path) == OK
    assert ask(cast.administrator, "POST", ALIAS) == OK
    for method in ("PUT", "DELETE"):
        assert ask(cast.reader, method, ALIAS, {"cn": "x"}) == no("PERMISSION_DENIED")
        assert ask(cast.user, method, ALIAS, {"cn": "x"}) == no("NO_SUCH_ACCOUNT")
    assert ask(cast.administrator, "DELETE", "/alias/ada@own.example") == no("NO_SUCH_ACCOUNT")
