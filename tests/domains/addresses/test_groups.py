"""Aliases, groups and forwards: what is kept, what is refused, and large pastes."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.actors import Actor
from accounts.errors import Forbidden
from accounts.models import AuditEvent
from domains.errors import BadAddress, BadLines, Invalid, LimitReached, Taken
from domains.models import Address, Domain, DomainName, Recipient
from domains.services import forwards, groups, objects
from domains.services.aliases import add_alias, aliases_of, remove_alias, set_aliases
from domains.services.recipients import split_paste
from tests.domains.addresses.cast import actor_of, chief_in
from tests.domains.factories import make_customer, make_delegate, make_domain, make_mailbox_in

SYSTEM = Actor.system()


def emails_of(address: Address) -> list[str]:
    return list(Recipient.objects.filter(address=address).values_list("email", flat=True))


def test_an_alias_is_a_claim_like_any_other(db: None) -> None:
    domain = make_domain("example.com", max_aliases=1)
    mailbox, other = make_mailbox_in(domain, "ada"), make_mailbox_in(domain, "bob")
    add_alias(SYSTEM, mailbox, email="Countess@EXAMPLE.com")
    with pytest.raises(LimitReached):
        add_alias(SYSTEM, mailbox, email="second")
    with pytest.raises(LimitReached):
        add_alias(SYSTEM, other, email="countess")
    domain.max_aliases = None
    domain.save()
    with pytest.raises(Taken):
        add_alias(SYSTEM, other, email="countess")
    with pytest.raises(Taken):
        add_alias(SYSTEM, other, email="ada")


def test_a_set_of_aliases_is_replaced_as_a_whole_or_not_at_all(db: None) -> None:
    domain = make_domain("example.com")
    mailbox = make_mailbox_in(domain, "ada")
    assert set_aliases(SYSTEM, mailbox, ["a", "b@example.com"]) == (["a@example.com", "b@example.com"], [])
    with pytest.raises(Taken):
        set_aliases(SYSTEM, mailbox, ["c", "ada"])
    assert [each.text for each in aliases_of(mailbox)] == ["a@example.com", "b@example.com"]
    assert set_aliases(SYSTEM, mailbox, ["b", "c"]) == (["c@example.com"], ["a@example.com"])
    domain.refresh_from_db()
    assert domain.alias_count == 2


def test_aliases_stay_within_the_customer_and_the_delegates_reach(db: None) -> None:
    customer = make_customer()
    mine, sister, foreign = make_domain("a.example", customer), make_domain("b.example", customer), make_domain()
    mailbox = make_mailbox_in(mine, "ada")
    delegate = actor_of(make_delegate(mine))
    with pytest.raises(BadAddress):
        add_alias(delegate, mailbox, email="ada@b.example")
    assert add_alias(actor_of(make_delegate(customer)), mailbox, email="ada@b.example").domain == sister
    with pytest.raises(Invalid):
        add_alias(SYSTEM, mailbox, email=f"ada@{foreign.name}")
    with pytest.raises(Forbidden):
        remove_alias(delegate, Address.objects.get(text="ada@b.example"))


def test_members_are_found_by_every_name_case_and_alphabet(db: None) -> None:
    domain = make_domain("bücher.example")
    DomainName.objects.create(name="books.example", domain=domain)
    mailbox = make_mailbox_in(domain, "ada")
    group = groups.create_group(
        SYSTEM, domain, email="all",
        members=["ADA@Books.Example", "ada@xn--bcher-kva.example", "Bob <bob@Elsewhere.example>"],
    )  # fmt: skip
    assert list(Recipient.objects.filter(address=group).values_list("email", "target")) == [
        ("ada@xn--bcher-kva.example", mailbox.claim_id),
        ("bob@elsewhere.example", None),
    ]
    assert group.recipient_count == 2


def test_a_group_is_no_member_of_itself_by_any_name(db: None) -> None:
    domain = make_domain("example.com")
    DomainName.objects.create(name="example.net", domain=domain)
    group = groups.create_group(SYSTEM, domain, email="all")
    for itself in ("all@example.com", "ALL@example.net"):
        with pytest.raises(Invalid, match="itself"):
            groups.add_members(SYSTEM, group, [itself])
    with pytest.raises(Invalid, match="itself"):
        groups.create_group(SYSTEM, domain, email="new", members=["new@example.com"])
    assert not Address.objects.filter(text="new@example.com").exists()


def test_a_paste_of_ten_thousand_lines_takes_a_few_queries(db: None) -> None:
    domain = make_domain("example.com")
    text = "\n".join(f"Person {n} <person{n}@elsewhere.example>" for n in range(10_000))
    group = groups.create_group(SYSTEM, domain, email="all")
    with CaptureQueriesContext(
        connection,
    ) as queries:
        added = groups.add_members(SYSTEM, group, split_paste(text))
    assert (len(added), group.recipient_count) == (10_000, 10_000)
    assert len(queries) < 20
    assert sum(event.details["count"] for event in AuditEvent.objects.filter(action="group.add_members")) == 10_000


def test_wrong_lines_are_all_named_and_nothing_is_kept(db: None) -> None:
    group = groups.create_group(SYSTEM, make_domain(), email="all")
    with pytest.raises(BadLines) as told:
        groups.add_members(SYSTEM, group, split_paste("ada@example.org\nnonsense; x@\nbob@example.org"))
    assert [(line, text) for line, text, _why in told.value.lines] == [(2, "nonsense"), (2, "x@")]
    assert emails_of(group) == []


def test_members_come_and_go(db: None) -> None:
    domain = make_domain("example.com")
    mailbox = make_mailbox_in(domain, "ada")
    group = groups.create_group(SYSTEM, domain, email="all", members=[mailbox.address, "x@elsewhere.example"])
    assert groups.remove_members(SYSTEM, group, ["ADA@example.com", "never@example.com"]) == ["ada@example.com"]
    changed = groups.set_members(SYSTEM, group, ["y@elsewhere.example", mailbox.address])
    assert (sorted(changed.added), changed.removed) == (
        ["ada@example.com", "y@elsewhere.example"],
        ["x@elsewhere.example"],
    )
    group.refresh_from_db()
    assert group.recipient_count == 2


def test_who_may_send_is_kept_canonical(db: None) -> None:
    group = groups.create_group(SYSTEM, make_domain(), email="all", senders="listed")
    groups.update_group(SYSTEM, group, {}, allowed_senders=["@BÜCHER.example", "Ada@Example.org", ""])
    assert [str(each) for each in group.allowed_senders.all()] == ["@xn--bcher-kva.example", "ada@example.org"]
    with pytest.raises(Invalid):
        groups.update_group(SYSTEM, group, {"senders": "everybody"})


def test_a_forward_needs_a_target(db: None) -> None:
    domain = make_domain("example.com")
    with pytest.raises(Invalid):
        forwards.create_forward(SYSTEM, domain, email="sales", targets=[])
    forward = forwards.create_forward(SYSTEM, domain, email="sales", targets=["x@elsewhere.example"])
    with pytest.raises(Invalid):
        forwards.update_forward(SYSTEM, forward, {}, targets=[])
    assert emails_of(forward) == ["x@elsewhere.example"]


def test_a_mailbox_among_its_own_targets_keeps_a_copy(db: None) -> None:
    mailbox = make_mailbox_in(make_domain("example.com"), "ada")
    forwards.set_forwarding(SYSTEM, mailbox, ["x@elsewhere.example"], keep_copy=False)
    assert not Address.objects.get().keep_copy
    forwards.set_forwarding(SYSTEM, mailbox, ["ada@example.com", "x@elsewhere.example"], keep_copy=False)
    assert Address.objects.get().keep_copy and mailbox.claim is not None
    assert emails_of(mailbox.claim) == ["x@elsewhere.example"]
    forwards.set_forwarding(SYSTEM, mailbox, [], keep_copy=False)
    assert Address.objects.get().keep_copy  # forwarding to nobody never loses mail


def test_people_forward_their_own_mail_where_their_domain_lets_them(db: None) -> None:
    domain = make_domain(end_user_rights=["sign_in"])
    mailbox, other = make_mailbox_in(domain), make_mailbox_in(domain)
    assert mailbox.user is not None
    with pytest.raises(Forbidden):
        forwards.set_forwarding(actor_of(mailbox.user), mailbox, ["x@elsewhere.example"])
    Domain.objects.update(end_user_rights=None)
    forwards.set_forwarding(actor_of(mailbox.user), mailbox, ["x@elsewhere.example"])
    with pytest.raises(Forbidden):
        forwards.set_forwarding(actor_of(mailbox.user), other, ["x@elsewhere.example"])


def test_the_chiefs_mail_is_not_forwarded_by_a_delegate(db: None) -> None:
    domain = make_domain()
    with pytest.raises(Forbidden):
        forwards.set_forwarding(actor_of(make_delegate(domain)), chief_in(domain), ["mallory@elsewhere.example"])
    assert not Recipient.objects.exists()


def test_a_deleted_group_leaves_what_named_it(db: None) -> None:
    domain = make_domain("example.com")
    inner = groups.create_group(SYSTEM, domain, email="inner")
    outer = groups.create_group(
        SYSTEM, domain, email="outer", members=["inner@example.com"], senders="listed", allowed_senders=[inner.text]
    )
    objects.delete_address(SYSTEM, inner)
    outer.refresh_from_db()
    domain.refresh_from_db()
    assert (outer.recipient_count, domain.group_count, outer.allowed_senders.count()) == (0, 1, 0)


def test_the_right_on_addresses_is_asked(db: None) -> None:
    domain = make_domain()
    group = groups.create_group(SYSTEM, domain, email="all")
    mailbox = make_mailbox_in(domain)
    help_desk = actor_of(make_delegate(domain, role="help_desk"))
    for refused in (
        lambda: groups.create_group(help_desk, domain, email="x"),
        lambda: groups.update_group(help_desk, group, {"name": "x"}),
        lambda: groups.add_members(help_desk, group, ["x@example.org"]),
        lambda: groups.set_members(help_desk, group, []),
        lambda: groups.remove_members(help_desk, group, ["x@example.org"]),
        lambda: forwards.create_forward(help_desk, domain, email="x", targets=["y@example.org"]),
        lambda: add_alias(help_desk, mailbox, email="x"),
        lambda: objects.delete_address(help_desk, group),
        lambda: objects.set_enabled(help_desk, group, enabled=False),
    ):
        with pytest.raises(Forbidden):
            refused()
