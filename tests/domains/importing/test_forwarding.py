"""Users' forwarding from CSV files: as by hand, all or nothing, within one's rights, and back again from its export."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from accounts.actors import Actor
from accounts.models import AuditEvent
from accounts.permissions import EndUserRight
from domains.models import Address, Domain, DomainName, Mailbox
from domains.services.forwards import set_forwarding
from domains.services.mailbox_states import delete_mailbox
from tests.domains.factories import make_delegate, make_domain, make_mailbox_in
from tests.domains.importing.helping import SYSTEM, cells_of, exported, refused, run
from tests.factories import make_administrator

pytestmark = pytest.mark.django_db


@pytest.fixture
def domain() -> Domain:
    return make_domain("example.org")


def forwarding(mailbox: Mailbox) -> tuple[list[str], bool]:
    claim = Address.objects.get(mailbox=mailbox)
    assert claim.recipient_count == claim.recipients.count()
    return list(claim.recipients.values_list("email", flat=True)), claim.keep_copy


def events(mailbox: Mailbox) -> list[tuple[Any, ...]]:
    rows = AuditEvent.objects.filter(object_type="domains.mailbox", object_id=str(mailbox.pk)).order_by("pk")
    return list(rows.values_list("action", "details", "changes", "domain_id", "customer_id"))


def test_imported_forwarding_is_as_if_set_by_hand(domain: Domain, file: Path) -> None:
    hand, imported, other = (make_mailbox_in(domain, name) for name in ("hand", "ada", "bob"))
    DomainName.objects.create(name="alias.example", domain=domain)
    set_forwarding(SYSTEM, hand, ["bob@alias.example", "x@elsewhere.example"], keep_copy=False)
    text = "email,forward_to,keep_copy\nAda@alias.example,X@elsewhere.example,no\nada@example.org,bob@alias.example,\n"
    result = run(file, "forwarding", text)
    assert (result.created, result.changed, result.recipients, result.per_domain) == (1, 0, 2, {"example.org": 1})
    assert forwarding(imported) == forwarding(hand) == (["bob@example.org", "x@elsewhere.example"], False)
    assert events(imported)[1:] == events(hand)[1:]
    claim = Address.objects.get(mailbox=imported)
    assert claim.recipients.get(email="bob@example.org").target_id == other.claim_id
    assert claim.version == Address.objects.get(mailbox=hand).version
    assert AuditEvent.objects.get(action="forwarding.import").details["created"] == 1


def test_what_is_there_is_left_changed_or_ended_as_asked(domain: Domain, file: Path) -> None:
    ada, bob, eve = (make_mailbox_in(domain, name) for name in ("ada", "bob", "eve"))
    for mailbox in (ada, bob):
        set_forwarding(SYSTEM, mailbox, ["x@elsewhere.example"], keep_copy=False)
    same = "email,forward_to\nada@example.org,x@elsewhere.example\neve@example.org,\n"
    assert run(file, "forwarding", same).same == 2
    text = (
        "email,forward_to,keep_copy\nada@example.org,y@elsewhere.example,\nbob@example.org,,no\n"
        "eve@example.org,eve@example.org x@elsewhere.example,no\n"
    )
    assert refused(file, "forwarding", text) == [(2, "forward_to"), (3, "forward_to")]
    result = run(file, "forwarding", text, change=True)
    assert (result.created, result.changed, result.recipients, result.removed) == (1, 2, 2, 2)
    assert forwarding(ada) == (["y@elsewhere.example"], False)
    assert forwarding(bob) == ([], True), "who forwards nowhere keeps what comes"
    assert forwarding(eve) == (["x@elsewhere.example"], True), "themselves among their own addresses means a copy"
    assert events(ada)[-1][2] == {"forwarding": [["x@elsewhere.example"], ["y@elsewhere.example"]]}
    again = run(file, "forwarding", text, change=True)
    assert (again.created, again.changed, again.same) == (0, 0, 3)


def test_the_export_imports_again_unchanged(domain: Domain, file: Path) -> None:
    ada, bob, gone = (make_mailbox_in(domain, name) for name in ("ada", "bob", "gone"))
    make_mailbox_in(domain, "eve")
    set_forwarding(SYSTEM, ada, ["y@elsewhere.example", "bob@example.org"], keep_copy=False)
    set_forwarding(SYSTEM, bob, [f"long{number}@{'x' * 50}.example" for number in range(1_000)])
    set_forwarding(SYSTEM, gone, ["y@elsewhere.example"])
    delete_mailbox(SYSTEM, gone)
    text = exported("forwarding")
    rows = cells_of(text)
    wanted = {"email": "ada@example.org", "forward_to": "bob@example.org y@elsewhere.example", "keep_copy": "no"}
    assert rows[0] == wanted and len(rows) == 4 and {row["email"] for row in rows[1:]} == {"bob@example.org"}
    again = run(file, "forwarding", text)
    assert (again.created, again.changed, again.same) == (0, 0, 2)
    for mailbox in (ada, bob):
        set_forwarding(SYSTEM, mailbox, [])
    assert run(file, "forwarding", text).created == 2
    assert exported("forwarding") == text


def test_every_wrong_row_is_named(domain: Domain, file: Path) -> None:
    make_mailbox_in(domain, "ada")
    make_mailbox_in(domain, "bob")
    text = (
        "email,forward_to,keep_copy\nada@example.org,x@elsewhere.example,\nnobody@example.org,x@elsewhere.example,\n"
        "no address,x@elsewhere.example,\nbob@example.org,nonsense,\nbob@example.org,x@elsewhere.example,perhaps\n"
        "ada@example.org,,\nada@example.org,y@elsewhere.example,no\n"
    )
    assert refused(file, "forwarding", text) == [
        (3, "email"), (4, "email"), (5, "forward_to"), (6, "keep_copy"), (7, "forward_to"), (8, "keep_copy"),
    ]  # fmt: skip


def test_nobody_forwards_the_mail_of_who_holds_more_nor_of_a_foreign_domain(domain: Domain, file: Path) -> None:
    make_mailbox_in(domain, "ada")
    chief = make_mailbox_in(domain, "chief")
    make_mailbox_in(make_domain("foreign.example"), "eve")
    assert chief.user is not None
    make_administrator_of(chief)
    delegate = Actor.for_user(make_delegate(domain))
    rows = ["email,forward_to", *(f"{who},x@elsewhere.example" for who in
            ("ada@example.org", "chief@example.org", "eve@foreign.example"))]  # fmt: skip
    assert refused(file, "forwarding", "\n".join(rows) + "\n", delegate) == [(3, "email"), (4, "email")]
    assert run(file, "forwarding", "\n".join(rows[:2]) + "\n", delegate).created == 1


def test_one_s_own_goes_as_far_as_the_domain_lets_people(domain: Domain, file: Path) -> None:
    own = make_mailbox_in(domain, "own")
    assert own.user is not None
    delegate = make_delegate(domain, email="x@delegates.example")
    delegate.grants.update(user=own.user)
    text = "email,forward_to\nown@example.org,x@elsewhere.example\n"
    rights = [str(right) for right in EndUserRight if right != EndUserRight.MANAGE_FORWARDING]
    Domain.objects.filter(pk=domain.pk).update(end_user_rights=rights)
    assert refused(file, "forwarding", text, Actor.for_user(own.user)) == [(2, "email")]
    Domain.objects.filter(pk=domain.pk).update(end_user_rights=None)
    assert run(file, "forwarding", text, Actor.for_user(own.user)).created == 1


def make_administrator_of(mailbox: Mailbox) -> None:
    """The person of this mailbox runs the server."""
    assert mailbox.user is not None
    make_administrator("root@server.example")
    type(mailbox.user).objects.filter(pk=mailbox.user.pk).update(is_administrator=True)
