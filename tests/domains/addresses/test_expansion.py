"""Who gets mail for this address, and why: every kind of step, cycles, senders, and what somebody may see."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.actors import Actor
from accounts.errors import Forbidden
from accounts.permissions import Right
from domains.errors import BadAddress
from domains.expansion import Expansion, expand, walk
from domains.models import Address, Domain, DomainName, Recipient, Status
from domains.selectors import expand_for
from domains.services import forwards, groups, objects
from domains.services.aliases import add_alias
from domains.services.mailbox_states import delete_mailbox, set_status
from tests.domains.addresses.cast import actor_of
from tests.domains.addresses.crowds import make_crowd, put_into
from tests.domains.factories import make_customer, make_delegate, make_domain, make_mailbox_in

SYSTEM = Actor.system()
Line = tuple[int, str, str, str]


def lines(found: Expansion) -> list[Line]:
    return [(step.parent, step.email, str(step.how), str(step.outcome)) for step in found.steps]


def ends(found: Expansion) -> set[str]:
    return {delivery.email for delivery in found.deliveries}


@pytest.fixture
def domain(db: None) -> Domain:
    return make_domain("example.com")


def test_a_mailbox_gets_its_own_mail_by_every_name(domain: Domain) -> None:
    DomainName.objects.create(name="example.net", domain=domain)
    make_mailbox_in(domain, "ada")
    assert lines(expand(" Ada@Example.com")) == [(-1, "ada@example.com", "asked", "delivered")]
    found = expand("ada@EXAMPLE.net")
    assert found.steps[0].data == {"alias_of": "ada@example.com"} and found.steps[0].outcome == "delivered"
    assert ends(found) == {"ada@example.com"}


def test_an_alias_leads_to_its_mailbox(domain: Domain) -> None:
    add_alias(SYSTEM, make_mailbox_in(domain, "ada"), email="a")
    assert lines(expand("a@example.com")) == [
        (-1, "a@example.com", "asked", "expanded"),
        (0, "ada@example.com", "alias", "delivered"),
    ]


def test_a_group_reaches_everybody_once_with_the_reason(domain: Domain) -> None:
    for local in ("ada", "bob"):
        make_mailbox_in(domain, local)
    groups.create_group(SYSTEM, domain, email="inner", members=["bob@example.com", "eve@elsewhere.example"])
    groups.create_group(
        SYSTEM, domain, email="all",
        members=["ada@example.com", "inner@example.com", "bob@example.com", "nobody@example.com"],
    )  # fmt: skip
    found = expand("all@example.com")
    assert lines(found) == [
        (-1, "all@example.com", "asked", "expanded"),
        (0, "ada@example.com", "member", "delivered"),
        (0, "bob@example.com", "member", "delivered"),
        (0, "inner@example.com", "member", "expanded"),
        (0, "nobody@example.com", "member", "unknown_address"),
        (3, "bob@example.com", "member", "repeated"),
        (3, "eve@elsewhere.example", "member", "external"),
    ]
    assert ends(found) == {"ada@example.com", "bob@example.com", "eve@elsewhere.example"}
    assert found.counts()["delivered"] == 2


def test_a_mailbox_forwards_with_and_without_a_copy(domain: Domain) -> None:
    mailbox = make_mailbox_in(domain, "ada")
    for keep, outcome, got in ((True, "delivered", 2), (False, "forwarded", 1)):
        forwards.set_forwarding(SYSTEM, mailbox, ["x@elsewhere.example"], keep_copy=keep)
        found = expand("ada@example.com")
        assert lines(found) == [
            (-1, "ada@example.com", "asked", outcome),
            (0, "x@elsewhere.example", "forwarded", "external"),
        ]
        assert len(found.deliveries) == got


def test_cycles_over_several_objects_are_cut_and_named(domain: Domain) -> None:
    a = groups.create_group(SYSTEM, domain, email="a", members=["b@example.com", "x@elsewhere.example"])
    groups.create_group(SYSTEM, domain, email="b", members=["a@example.com"])
    assert Recipient.objects.filter(target=a).exists()
    found = expand("a@example.com")
    assert lines(found)[1:] == [
        (0, "b@example.com", "member", "expanded"),
        (0, "x@elsewhere.example", "member", "external"),
        (1, "a@example.com", "member", "cycle"),
    ]
    assert found.steps[3].data == {"step": 0}


def test_two_mailboxes_that_forward_to_each_other_both_get_it(domain: Domain) -> None:
    ada, bob = make_mailbox_in(domain, "ada"), make_mailbox_in(domain, "bob")
    forwards.set_forwarding(SYSTEM, ada, [bob.address])
    forwards.set_forwarding(SYSTEM, bob, [ada.address])
    assert ends(expand("ada@example.com")) == {"ada@example.com", "bob@example.com"}
    forwards.set_forwarding(SYSTEM, ada, [bob.address], keep_copy=False)
    forwards.set_forwarding(SYSTEM, bob, [ada.address], keep_copy=False)
    found = expand("ada@example.com")
    assert ends(found) == set() and found.steps[-1].outcome == "cycle"  # said, not hidden: nobody would get it


def test_a_chain_that_is_too_deep_is_cut(domain: Domain) -> None:
    for number in range(walk.MAX_DEPTH + 5):
        groups.create_group(SYSTEM, domain, email=f"g{number}", members=[f"g{number + 1}@example.com"])
    found = expand("g0@example.com")
    assert found.steps[-1].outcome == "too_deep" and len(found.steps) == walk.MAX_DEPTH + 1


def test_a_chain_that_is_too_wide_is_cut(domain: Domain, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walk, "MAX_STEPS", 3)
    groups.create_group(SYSTEM, domain, email="all", members=[f"p{n}@elsewhere.example" for n in range(9)])
    found = expand("all@example.com")
    assert [step.outcome for step in found.steps] == ["expanded", "external", "external", "too_many"]


def test_what_takes_no_mail_says_why(domain: Domain) -> None:
    states = {"off": Status.DISABLED, "soon": Status.PENDING}
    for local, status in states.items():
        set_status(SYSTEM, make_mailbox_in(domain, local), status)
    delete_mailbox(SYSTEM, make_mailbox_in(domain, "gone"))
    group = groups.create_group(SYSTEM, domain, email="off-group", members=["x@elsewhere.example"])
    objects.set_enabled(SYSTEM, group, enabled=False)
    groups.create_group(SYSTEM, domain, email="empty")
    asked = ["off", "soon", "gone", "off-group", "empty", "nobody"]
    assert [expand(f"{local}@example.com").steps[0].outcome for local in asked] == [
        "disabled", "pending", "deleted", "disabled", "empty", "unknown_address",
    ]  # fmt: skip
    assert expand("x@elsewhere.example").steps[0].outcome == "unknown_domain"
    with pytest.raises(BadAddress):
        expand("nonsense")


@pytest.mark.parametrize(
    ("change", "outcome"),
    [
        ({"status": "disabled"}, "domain_disabled"),
        ({"status": "pending"}, "domain_pending"),
        ({"status": "deleted"}, "domain_deleted"),
        ({"suspended_by_customer": True}, "domain_disabled"),
    ],
)
def test_a_domain_out_of_service_takes_nothing(domain: Domain, change: dict[str, object], outcome: str) -> None:
    make_mailbox_in(domain, "ada")
    other = make_domain("other.example")
    groups.create_group(SYSTEM, other, email="all", members=["ada@example.com", "nobody@example.com"])
    Domain.objects.filter(pk=domain.pk).update(**change)
    assert [step.outcome for step in expand("all@other.example").steps] == ["expanded", outcome, outcome]


def test_the_catch_all_takes_what_nobody_has(domain: Domain) -> None:
    make_mailbox_in(domain, "ada")
    Domain.objects.update(catch_all="ada@example.com")
    assert lines(expand("nobody@example.com")) == [
        (-1, "nobody@example.com", "asked", "caught"),
        (0, "ada@example.com", "catch_all", "delivered"),
    ]
    Domain.objects.update(catch_all="x@elsewhere.example")
    assert ends(expand("nobody@example.com")) == {"x@elsewhere.example"}


def test_catch_alls_that_catch_each_other_end(domain: Domain) -> None:
    make_domain("other.example")
    Domain.objects.filter(name="other.example").update(catch_all="b@example.com")
    Domain.objects.filter(pk=domain.pk).update(catch_all="a@other.example")
    found = expand("nobody@example.com")
    assert [step.outcome for step in found.steps] == ["caught", "unknown_address"]
    Domain.objects.filter(pk=domain.pk).update(catch_all="gone@example.com")
    assert [step.outcome for step in expand("nobody@example.com").steps] == ["caught", "unknown_address"]


def test_who_may_send_is_asked_at_every_group_on_the_way(domain: Domain) -> None:
    DomainName.objects.create(name="example.net", domain=domain)
    member, other = make_mailbox_in(domain, "ada"), make_mailbox_in(domain, "bob")
    add_alias(SYSTEM, member, email="a")
    for senders in ("domain", "members", "listed", "nobody"):
        groups.create_group(
            SYSTEM, domain, email=senders, senders=senders, members=[member.address, "m@elsewhere.example"],
            allowed_senders=["listed@elsewhere.example", "@partner.example"],
        )  # fmt: skip

    def let_in(sender: str) -> list[str]:
        asked = ("domain", "members", "listed", "nobody")
        return [each for each in asked if expand(f"{each}@example.com", sender).steps[0].outcome == "expanded"]

    assert let_in(other.address) == ["domain"]
    assert let_in("a@example.net") == ["domain", "members"]
    assert let_in("m@elsewhere.example") == ["members"]
    assert let_in("x@partner.example") == let_in("LISTED@elsewhere.example") == ["listed"]
    assert let_in("") == ["domain", "members", "listed", "nobody"]
    refused = expand("nobody@example.com", "x@elsewhere.example")
    assert refused.steps[0].data == {"senders": "nobody"} and not refused.deliveries
    groups.create_group(SYSTEM, domain, email="outer", members=["nobody@example.com"])
    assert expand("outer@example.com", "x@elsewhere.example").steps[1].outcome == "sender_refused"


def test_what_lies_beyond_somebodys_domains_is_named_and_not_followed(db: None) -> None:
    mine, other = make_domain("mine.example", make_customer()), make_domain("other.example", make_customer())
    make_mailbox_in(mine, "ada")
    groups.create_group(SYSTEM, other, email="secret", members=["inside@other.example"])
    groups.create_group(SYSTEM, mine, email="all", members=["ada@mine.example", "secret@other.example"])
    reach = actor_of(make_delegate(mine)).reach(Right.VIEW_USERS)
    found = expand("all@mine.example", reach=reach)
    assert lines(found)[1:] == [
        (0, "ada@mine.example", "member", "delivered"),
        (0, "secret@other.example", "member", "beyond"),
    ]
    assert found.steps[2].kind == "" and found.steps[2].data is None
    with pytest.raises(Forbidden):
        expand_for(actor_of(make_mailbox_in(mine, "bob").user), "all@mine.example")
    assert lines(expand_for(actor_of(make_delegate(mine)), "all@mine.example")) == lines(found)
    for foreign in ("secret@other.example", "nobody@other.example", "x@nowhere.example"):
        assert [step.outcome for step in expand(foreign, reach=reach).steps] == ["unknown_domain"]


def test_a_level_costs_the_same_queries_however_wide_it_is(domain: Domain) -> None:
    crowd = make_crowd(domain, 60)
    counted = []
    for number, size in enumerate((3, 60)):
        group = groups.create_group(
            SYSTEM, domain, email=f"g{number}", members=[f"x{n}@e{n}.example" for n in range(size)]
        )
        put_into(group, crowd[:size])
        with CaptureQueriesContext(connection) as queries:
            assert len(expand(f"g{number}@example.com").deliveries) == 2 * size
        counted.append(len(queries))
    assert counted[0] == counted[1] <= 6


def test_a_disabled_crowd_costs_one_query_more(domain: Domain) -> None:
    crowd = make_crowd(domain, 20)
    group = groups.create_group(SYSTEM, domain, email="all")
    put_into(group, crowd)
    Address.objects.filter(kind="mailbox").update(is_enabled=False)
    with CaptureQueriesContext(connection) as queries:
        found = expand("all@example.com")
    assert found.counts() == {"expanded": 1, "disabled": 20} and len(queries) <= 5
