"""Groups and forwards from CSV files: as if made by hand, all or nothing, and back again from their export."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.actors import Actor
from accounts.errors import Forbidden
from accounts.models import AuditEvent
from domains.models import Address, AllowedSender, Domain, DomainName, Recipient
from domains.services import forwards, groups, objects
from tests.domains.factories import make_customer, make_delegate, make_domain, make_mailbox_in
from tests.domains.importing.helping import SYSTEM, cells_of, exported, refused, run
from tests.factories import make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def domain() -> Domain:
    return make_domain("example.org")


def members(email: str) -> set[str]:
    return set(Recipient.objects.filter(address__text=email).values_list("email", flat=True))


def shape(address: Address) -> dict[str, Any]:
    """All of it but what two of them can't share."""
    own = {"id", "local", "text", "created_at"}
    fields = [field.attname for field in address._meta.concrete_fields if field.attname not in own]
    recipients = address.recipients.order_by("email").values_list("email", "target_id")
    senders = address.allowed_senders.values_list("value", flat=True)
    return {name: getattr(address, name) for name in fields} | {"recipients": [*recipients], "senders": [*senders]}


def events(address: Address) -> list[tuple[Any, ...]]:
    rows = AuditEvent.objects.filter(object_type="domains.address", object_id=str(address.pk)).order_by("pk")
    return list(rows.values_list("action", "details", "changes", "domain_id", "customer_id"))


def test_an_imported_group_is_as_if_made_by_hand(domain: Domain, file: Path) -> None:
    ada = make_mailbox_in(domain, "ada")
    by_hand = groups.create_group(
        SYSTEM, domain, email="hand", name="Team", description="All of us", senders="listed",
        allowed_senders=["@partner.example", "boss@example.org"], members=["ada@example.org", "x@elsewhere.example"],
        enabled=False,
    )  # fmt: skip
    result = run(
        file,
        "groups",
        "email,name,description,status,senders,allowed_senders,members\n"
        "File@Example.ORG,Team,All of us,disabled,Listed,@Partner.example boss@example.org,"
        '"ADA@example.org, x@elsewhere.example"\n',
    )
    imported = Address.objects.get(text="file@example.org")
    by_hand.refresh_from_db()
    kept, other = shape(by_hand), shape(imported)
    assert kept.pop("version") and other.pop("version") and kept == other
    assert (result.created, result.recipients, result.changed) == (1, 2, 0)
    assert imported.recipients.get(email="ada@example.org").target == ada.claim
    domain.refresh_from_db()
    assert domain.group_count == 2
    assert events(imported) == events(by_hand)


def test_an_imported_forward_is_as_if_made_by_hand(domain: Domain, file: Path) -> None:
    by_hand = forwards.create_forward(SYSTEM, domain, email="hand", targets=["x@elsewhere.example"], name="Old")
    run(file, "forwards", "email;name;targets\nfile@example.org;Old;x@elsewhere.example\n")
    imported = Address.objects.get(text="file@example.org")
    by_hand.refresh_from_db()
    kept, other = shape(by_hand), shape(imported)
    assert kept.pop("version") and other.pop("version") and kept == other
    assert events(imported) == events(by_hand)
    domain.refresh_from_db()
    assert domain.forward_count == 2


def test_groups_of_one_file_lead_to_each_other_in_any_order_and_in_a_circle(domain: Domain, file: Path) -> None:
    outside = groups.create_group(SYSTEM, domain, email="outside", members=["late@example.org"])
    DomainName.objects.create(name="example.net", domain=domain)
    run(file, "groups", "email,members\na@example.org,b@example.net late@example.net\nb@example.org,a@example.org\n"
                        "late@example.net,\n")  # fmt: skip
    for source, target in (("a", "b"), ("b", "a"), ("outside", "late")):
        found = Recipient.objects.get(address__text=f"{source}@example.org", target__text=f"{target}@example.org")
        assert found.email == f"{target}@example.org"
    outside.refresh_from_db()
    assert outside.recipient_count == 1


def test_every_wrong_row_of_groups_is_named_and_nothing_is_made(domain: Domain, file: Path) -> None:
    make_mailbox_in(domain, "taken")
    make_user("somebody@example.org")
    actor = Actor.for_user(make_delegate(domain))
    chief = make_user("chief@example.org")
    chief.is_administrator = True
    chief.save()
    rows = [
        "email,name,status,senders,allowed_senders,members",
        "fine@example.org,,,,,x@elsewhere.example",
        "nonsense,,,,,",
        "taken@example.org,,,,,",
        "a@elsewhere.example,,,,,",
        "b@example.org,,pending,,,",
        "c@example.org,,,friends,,",
        "d@example.org,,,,nonsense,",
        "e@example.org,,,,,nonsense",
        "f@example.org,,,,,F@example.org",
        "fine@example.org,,,,,",
        "chief@example.org,,,,,",
        f"g@example.org,{'x' * 201},,,,",
        "h@example.org,One,,,,x@elsewhere.example",
        "h@example.org,Two,,,,y@elsewhere.example",
        "somebody@example.org,,,,,",
    ]
    assert refused(file, "groups", "\n".join(rows), actor) == [
        (3, "email"), (4, "email"), (5, "email"), (6, "status"), (7, "senders"), (8, "allowed_senders"),
        (9, "members"), (10, "members"), (11, "members"), (12, "email"), (13, "name"), (15, "name"),
    ]  # fmt: skip


def test_what_is_there_is_left_or_changed_as_asked(domain: Domain, file: Path) -> None:
    group = groups.create_group(
        SYSTEM, domain, email="team", name="Team", members=["a@elsewhere.example", "b@elsewhere.example"],
        allowed_senders=["@old.example"],
    )  # fmt: skip
    same = "email,members\nteam@example.org,b@elsewhere.example a@elsewhere.example\n"
    result = run(file, "groups", same)
    assert (result.created, result.changed, result.same) == (0, 0, 1)
    text = "email,name,members,allowed_senders\n"
    text += "team@example.org,Crew,b@elsewhere.example c@elsewhere.example,@new.example\n"
    assert refused(file, "groups", text) == [(2, "name")]
    version = Address.objects.get(pk=group.pk).version
    result = run(file, "groups", text, change=True)
    assert (result.created, result.changed, result.recipients, result.removed) == (0, 1, 1, 1)
    group.refresh_from_db()
    assert (group.name, group.recipient_count, group.version) == ("Crew", 2, version + 1)
    assert members("team@example.org") == {"b@elsewhere.example", "c@elsewhere.example"}
    assert list(AllowedSender.objects.values_list("value", flat=True)) == ["@new.example"]
    assert {action: (details, changes) for action, details, changes, *_scopes in events(group)[-4:]} == {
        "group.edit": ({}, {"name": ["Team", "Crew"]}),
        "group.set_senders": ({}, {"allowed_senders": [["@old.example"], ["@new.example"]]}),
        "group.add_members": ({"count": 1, "emails": ["c@elsewhere.example"]}, {}),
        "group.remove_members": ({"count": 1, "emails": ["a@elsewhere.example"]}, {}),
    }
    domain.refresh_from_db()
    assert domain.group_count == 1
    # a column that isn't there says nothing
    result = run(file, "groups", "email,status\nteam@example.org,disabled\n", change=True)
    group.refresh_from_db()
    assert (group.name, group.is_enabled, group.recipient_count) == ("Crew", False, 2)


def test_a_forward_needs_somewhere_to_go(domain: Domain, file: Path) -> None:
    forwards.create_forward(SYSTEM, domain, email="old", targets=["x@elsewhere.example"])
    assert refused(file, "forwards", "email,targets\nnew@example.org,\n") == [(2, "targets")]
    assert refused(file, "forwards", "email\nnew@example.org\n") == [(2, "targets")]
    assert refused(file, "forwards", "email,targets\nold@example.org,\n", change=True) == [(2, "targets")]
    assert run(file, "forwards", "email,name\nold@example.org,Old\n", change=True).changed == 1


def test_limits_hold_for_groups_of_files_too(file: Path) -> None:
    customer = make_customer(max_groups=3)
    first = make_domain("first.example", customer=customer, max_groups=1)
    make_domain("second.example", customer=customer)
    groups.create_group(SYSTEM, first, email="there")
    assert refused(file, "groups", "email\nthere@first.example\nb@first.example\n") == [(3, "email")]
    text = "email\n" + "".join(f"g{number}@second.example\n" for number in range(4))
    assert refused(file, "groups", text) == [(4, "email"), (5, "email")]
    run(file, "groups", "email\nthere@first.example\na@second.example\nb@second.example\n")


@pytest.mark.parametrize("kind", ["groups", "forwards"])
def test_a_delegate_makes_nothing_in_a_foreign_domain_and_learns_nothing_of_it(file: Path, kind: str) -> None:
    own, other = make_domain("own.example"), make_domain("other.example")
    groups.create_group(SYSTEM, other, email="there", members=["secret@other.example"])
    actor = Actor.for_user(make_delegate(own))
    column = "members" if kind == "groups" else "targets"
    text = f"email,{column}\na@own.example,x@example.net\nthere@other.example,y@example.net\n"
    text += "not-there@other.example,y@example.net\nx@nowhere.example,y@example.net\n"
    for change in (False, True):
        assert refused(file, kind, text, actor, change=change) == [(3, "email"), (4, "email"), (5, "email")]
    reasons = {p.reason.replace("nowhere", "other") for p in run(file, kind, text, actor, dry_run=True).problems}
    assert len(reasons) == 1  # no word tells a served domain from one that nobody serves
    assert cells_of(exported(kind, actor)) == []
    for person in (make_delegate(own, role="auditor"), make_user()):
        with pytest.raises(Forbidden):
            run(file, kind, f"email,{column}\nc@own.example,x@example.net\n", Actor.for_user(person))


def test_a_deleted_domain_takes_no_addresses(domain: Domain, file: Path) -> None:
    Domain.objects.filter(pk=domain.pk).update(status="deleted")
    assert refused(file, "groups", "email\na@example.org\n") == [(2, "email")]


def test_the_export_of_groups_imports_again_unchanged(domain: Domain, file: Path) -> None:
    make_mailbox_in(domain, "ada")
    groups.create_group(
        SYSTEM, domain, email="team", name="=1+1", description="-x, \"quoted\"\t'", senders="listed", enabled=False,
        allowed_senders=["@partner.example", "a@b.example"], members=["ada@example.org", "+tag@elsewhere.example"],
    )  # fmt: skip
    groups.create_group(SYSTEM, domain, email="-odd", members=["team@example.org"])
    big = [f"member.number{number}@elsewhere.example" for number in range(3_000)]
    groups.create_group(SYSTEM, domain, email="big", members=big)
    before = {address.text: shape(address) for address in Address.objects.filter(kind="group")}
    text = exported("groups")
    assert all(cell[:1] not in set("=+-@\t\r") for row in cells_of(text) for cell in row.values())
    assert max(len(cell) for row in cells_of(text) for cell in row.values()) <= 32_767
    result = run(file, "groups", text)
    assert (result.created, result.changed, result.same) == (0, 0, 3)  # as it is, it changes nothing
    for address in Address.objects.filter(kind="group"):
        objects.delete_address(SYSTEM, address)
    assert run(file, "groups", text).created == 3
    after = {address.text: shape(address) for address in Address.objects.filter(kind="group")}
    for kept in (*before.values(), *after.values()):
        kept.pop("version")
        kept["recipients"] = [email for email, _target in kept["recipients"]]
    assert after == before
    domain.refresh_from_db()
    assert domain.group_count == 3
    assert exported("groups") == text


def test_the_export_of_forwards_imports_again_unchanged(domain: Domain, file: Path) -> None:
    forwards.create_forward(SYSTEM, domain, email="old", targets=["x@elsewhere.example", "y@elsewhere.example"])
    text = exported("forwards")
    assert run(file, "forwards", text).same == 1
    objects.delete_address(SYSTEM, Address.objects.get(text="old@example.org"))
    run(file, "forwards", text)
    assert exported("forwards") == text and members("old@example.org") == {"x@elsewhere.example", "y@elsewhere.example"}


def test_the_number_of_questions_does_not_grow_with_the_file(file: Path) -> None:
    domains = [make_domain(f"d{number}.example") for number in range(20)]

    def questions(start: int, count: int, places: int) -> int:
        rows = [
            f"g{number}@{domains[number % places].name},m{number}@elsewhere.example g{number + 1}@d0.example\n"
            for number in range(start, start + count)
        ]
        with CaptureQueriesContext(connection) as caught:
            run(file, "groups", "email,members\n" + "".join(rows))
        return len(caught)

    assert questions(0, 5, 1) == questions(100, 2_000, 20)
