"""Aliases, groups and forwards, with slashes in names, and what would lead in a circle."""

from __future__ import annotations

import pytest

from tests.api.james.conftest import James, refused


@pytest.fixture(autouse=True)
def people(james: James) -> None:
    james("PUT", "/domains/b.com")
    for name in ("ada", "bea", "cleo%2F"):
        assert james("PUT", f"/users/{name}@b.com", {"password": "x"}).status_code == 204


def test_aliases_lead_to_users_and_elsewhere(james: James) -> None:
    for _ in range(2):
        assert james("PUT", "/address/aliases/ada@b.com/sources/a%2F1@b.com").status_code == 204
    assert james("PUT", "/address/aliases/out@there.org/sources/out@b.com").status_code == 204
    assert james("GET", "/address/aliases").json() == ["ada@b.com", "out@there.org"]
    assert james("GET", "/address/aliases/ada@b.com").json() == [{"source": "a/1@b.com"}]
    assert james("GET", "/address/aliases/nobody@b.com").json() == []
    taken = james("PUT", "/address/aliases/ada@b.com/sources/bea@b.com")
    refused(taken, 409, "'bea@b.com' user already exist", "WrongState")
    same = james("PUT", "/address/aliases/ada@b.com/sources/ada@b.com")
    refused(same, 400, "Source and destination can't be the same!")
    foreign = james("PUT", "/address/aliases/ada@b.com/sources/x@not.ours")
    refused(foreign, 400, "Source domain 'not.ours' is not managed by the domainList")
    for source in ("a%2F1@b.com", "a%2F1@b.com", "never@b.com"):
        assert james("DELETE", f"/address/aliases/ada@b.com/sources/{source}").status_code == 204
    assert james("DELETE", "/address/aliases/out@there.org/sources/out@b.com").status_code == 204
    assert james("GET", "/address/aliases").json() == []


def test_groups_come_with_their_first_member_and_go_with_their_last(james: James) -> None:
    refused(james("GET", "/address/groups/g@b.com"), 404, "The group does not exist")
    for member in ("ada@b.com", "ada@b.com", "cleo%2F@b.com", "out@there.org"):
        assert james("PUT", f"/address/groups/g@b.com/{member}").status_code == 204
    assert james("GET", "/address/groups/g@b.com").json() == ["ada@b.com", "cleo/@b.com", "out@there.org"]
    assert james("PUT", "/address/groups/h@b.com/g@b.com").status_code == 204
    loop = "Creation of redirection of g@b.com to group:h@b.com would lead to a loop, operation not performed"
    refused(james("PUT", "/address/groups/g@b.com/h@b.com"), 409, loop, "WrongState")
    taken = james("PUT", "/address/groups/ada@b.com/bea@b.com")
    refused(taken, 409, "'ada@b.com' user already exist", "WrongState")
    foreign = james("PUT", "/address/groups/g@not.ours/ada@b.com")
    refused(foreign, 400, "Source domain 'not.ours' is not managed by the domainList")
    assert james("PUT", "/address/groups/gr%C3%BCn@b.com/ada@b.com").status_code == 400
    assert james("GET", "/address/groups").json() == ["g@b.com", "h@b.com"]
    assert james("DELETE", "/address/groups/h@b.com/g@b.com").status_code == 204
    assert james("GET", "/address/groups").json() == ["g@b.com"]
    assert james("DELETE", "/address/groups").status_code == 204
    assert james("GET", "/address/groups").json() == []


def test_forwards_belong_to_users_who_keep_a_copy_only_if_they_say_so(james: James) -> None:
    refused(james("GET", "/address/forwards/ada@b.com"), 404, "The forward does not exist")
    for target in ("out%2Btag%40there.org", "bea@b.com", "bea@b.com"):
        assert james("PUT", f"/address/forwards/ada@b.com/targets/{target}").status_code == 204
    listed = james("GET", "/address/forwards/ada@b.com").json()
    assert listed == [{"mailAddress": "bea@b.com"}, {"mailAddress": "out+tag@there.org"}]
    assert james("GET", "/address/forwards").json() == ["ada@b.com"]
    loop = "Creation of redirection of bea@b.com to forward:ada@b.com would lead to a loop, operation not performed"
    refused(james("PUT", "/address/forwards/bea@b.com/targets/ada@b.com"), 409, loop, "WrongState")
    nobody = james("PUT", "/address/forwards/nobody@b.com/targets/ada@b.com")
    refused(nobody, 404, "Requested base forward address does not correspond to a user")
    for target in ("out+tag@there.org", "bea@b.com"):
        assert james("DELETE", f"/address/forwards/ada@b.com/targets/{target}").status_code == 204
    assert james("GET", "/address/forwards").json() == []
    for target in ("cleo%2F@b.com", "ada@b.com"):
        assert james("PUT", f"/address/forwards/cleo%2F@b.com/targets/{target}").status_code == 204
    assert james("GET", "/address/forwards/cleo%2F@b.com").json() == [
        {"mailAddress": "ada@b.com"},
        {"mailAddress": "cleo/@b.com"},
    ]
    assert james("GET", "/mappings/user/cleo%2F@b.com").json() == [{"type": "Forward", "mapping": "ada@b.com"}]


def test_what_is_no_address_is_told_with_what_it_stands_for(james: James) -> None:
    wrong = "not-an-address"
    for path, what in (
        (f"aliases/{wrong}/sources/a@b.com", "alias"),
        (f"aliases/ada@b.com/sources/{wrong}", "alias"),
        (f"groups/{wrong}/ada@b.com", "group"),
        (f"groups/g@b.com/{wrong}", "group member"),
        (f"forwards/{wrong}/targets/ada@b.com", "base forward"),
        (f"forwards/ada@b.com/targets/{wrong}", "target forward"),
    ):
        for method in ("PUT", "DELETE"):
            found = refused(james(method, f"/address/{path}"), 400, f"The {what} is not an email address")
            assert found["details"] == "Out of data at position 1 in 'not-an-address'"
    for path, what in (("aliases", "alias"), ("groups", "group"), ("forwards", "base forward")):
        refused(james("GET", f"/address/{path}/{wrong}"), 400, f"The {what} is not an email address")


def test_a_path_without_its_second_address_says_so(james: James) -> None:
    for method in ("PUT", "DELETE"):
        answer = james(method, "/address/forwards/ada@b.com")
        refused(answer, 400, "A destination address needs to be specified in the path")
    assert james("PUT", "/address/groups/g@b.com").status_code == 400
    nobody = james("PUT", "/address/forwards/ada@not.ours/targets/bea@b.com")
    refused(nobody, 404, "Requested base forward address does not correspond to a user")


def test_an_address_that_leads_elsewhere_becomes_nothing_else(james: James) -> None:
    james("PUT", "/address/groups/g@b.com/bea@b.com")
    james("PUT", "/address/groups/g@b.com/ada@b.com")
    james("PUT", "/address/aliases/ada@b.com/sources/al@b.com")
    for path, told in (
        ("aliases/bea@b.com/sources/g@b.com", "'g@b.com' already have associated mappings: group:ada@b.com"),
        ("groups/al@b.com/bea@b.com", "'al@b.com' already have associated mappings: alias:ada@b.com"),
    ):
        refused(james("PUT", f"/address/{path}"), 409, told, "WrongState")
