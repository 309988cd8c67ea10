"""A renamed domain brings everything along: names, addresses, people, and whatever elsewhere names them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from accounts.actors import Actor
from accounts.errors import Forbidden
from accounts.models import AuditEvent, Grant, User
from accounts.permissions import Right
from config.kit.versions import ChangedMeanwhile
from domains.errors import Invalid, Taken, WrongState
from domains.models import Address, AllowedSender, Domain, DomainName, Mailbox, Recipient, SenderRule
from domains.services import claims, domain_states, renaming
from domains.services.domain_names import add_names
from domains.services.renaming import RenameBlocked, plan, rename_domain
from tests.domains.factories import make_customer, make_delegate, make_domain, make_mailbox_in
from tests.factories import PASSWORD, make_user

CONSOLE = Actor.console()


def person(mailbox: Mailbox) -> User:
    assert mailbox.user is not None
    return mailbox.user


def names_of(domain: Domain) -> dict[str, bool]:
    return dict(domain.names.values_list("name", "is_alias"))


def test_names_addresses_and_people_have_the_new_name(db: None) -> None:
    domain = make_domain("old.example")
    mailbox = make_mailbox_in(domain, "ada")
    claims.claim(CONSOLE, domain, "all", Address.Kind.GROUP)
    pk = person(mailbox).pk
    done = rename_domain(CONSOLE, domain, "New.Example")
    assert (done.mailboxes, done.addresses, done.people) == (1, 2, 1)
    assert names_of(domain) == {"new.example": False, "old.example": True}
    assert domain.name == "new.example"
    assert sorted(Address.objects.values_list("text", flat=True)) == ["ada@new.example", "all@new.example"]
    assert Mailbox.objects.get(pk=mailbox.pk).address == "ada@new.example"
    assert User.objects.get(pk=pk).email == "ada@new.example"
    found = claims.find("ada@old.example")
    assert found == mailbox.claim == claims.find("ada@new.example")
    event = AuditEvent.objects.get(action="domain.rename")
    assert event.changes["name"] == ["old.example", "new.example"] and event.details["mailboxes"] == 1


def test_the_old_name_is_free_where_it_is_not_kept(db: None) -> None:
    domain = make_domain("old.example")
    rename_domain(CONSOLE, domain, "new.example", keep_old=False)
    assert names_of(domain) == {"new.example": False}
    make_domain("old.example")


def test_an_alias_becomes_the_main_name_by_who_may_change_the_domain(db: None) -> None:
    domain = make_domain("old.example")
    add_names(CONSOLE, domain, ["alias.example"])
    make_mailbox_in(domain, "ada")
    actor = Actor.for_user(make_delegate(domain))
    rename_domain(actor, domain, "alias.example")
    assert names_of(domain) == {"alias.example": False, "old.example": True}
    with pytest.raises(Forbidden):
        rename_domain(actor, domain, "unclaimed.example")
    assert Mailbox.objects.get().address == "ada@alias.example"


def test_what_names_its_addresses_elsewhere_follows(db: None) -> None:
    domain, other = make_domain("old.example"), make_domain("other.example")
    mailbox = make_mailbox_in(domain, "ada")
    group = claims.claim(CONSOLE, other, "all", Address.Kind.GROUP)
    Recipient.objects.create(address=group, email="ada@old.example", target=mailbox.claim)
    Recipient.objects.create(address=group, email="ada@new.example")  # known before the name was ours
    Recipient.objects.create(address=group, email="bob@not-old.example")
    Address.objects.filter(pk=group.pk).update(recipient_count=3)
    for value in ("@old.example", "@new.example", "ada@old.example", "@not-old.example"):
        AllowedSender.objects.create(address=group, value=value)
    Domain.objects.filter(pk=other.pk).update(catch_all="ada@old.example")
    Domain.objects.filter(pk=domain.pk).update(catch_all="ada@old.example")
    for value in ("old.example", "ada@old.example", "bob@elsewhere.example"):
        SenderRule.objects.create(domain=domain, value=value, type="protected")
    SenderRule.objects.create(domain=other, value="old.example", type="block")
    grant = Grant.objects.create(
        user=make_user(), rights=[Right.VIEW_USERS], level="domain", object_id=domain.pk, object_label="old.example"
    )
    on_ada = Grant.objects.create(
        user=make_user(), rights=[Right.VIEW_USERS], level="user", object_id=person(mailbox).pk,
        object_label="ada@old.example",
    )  # fmt: skip
    rename_domain(CONSOLE, domain, "new.example")
    assert [(each.email, each.target_id) for each in group.recipients.all()] == [
        ("ada@new.example", mailbox.claim_id),
        ("bob@not-old.example", None),
    ]
    group.refresh_from_db()
    assert group.recipient_count == 2
    senders = [each.value for each in group.allowed_senders.all()]
    assert senders == ["@new.example", "@not-old.example", "ada@new.example"]
    assert set(Domain.objects.values_list("catch_all", flat=True)) == {"ada@new.example"}
    own = SenderRule.objects.filter(domain=domain).values_list("value", flat=True)
    assert sorted(own) == ["ada@new.example", "bob@elsewhere.example", "new.example"]
    assert SenderRule.objects.get(domain=other).value == "old.example"  # what the world sends, not whom we serve
    grant.refresh_from_db()
    on_ada.refresh_from_db()
    assert (grant.object_label, on_ada.object_label) == ("new.example", "ada@new.example")


def test_open_sessions_stay_and_the_new_address_signs_in(client_for: Callable[[User], Client]) -> None:
    domain = make_domain("old.example")
    user = person(make_mailbox_in(domain, "ada", password=PASSWORD))
    client = client_for(user)
    assert client.get("/account/").status_code == 200
    rename_domain(CONSOLE, domain, "new.example")
    assert b"ada@new.example" in client.get("/account/").content
    fresh = Client()
    assert fresh.post("/sign-in/", {"email": "ada@new.example", "password": PASSWORD}).status_code == 303


def test_a_taken_sign_in_address_is_refused_by_name(db: None) -> None:
    domain = make_domain("old.example")
    make_mailbox_in(domain, "ada")
    make_user("ada@new.example")
    assert plan(CONSOLE, domain, "new.example").signed_in_elsewhere == ["ada@new.example"]
    with pytest.raises(RenameBlocked, match=r"ada@new\.example"):
        rename_domain(CONSOLE, domain, "new.example")
    assert Mailbox.objects.get().address == "ada@old.example"


def test_a_name_of_another_domain_is_refused(db: None) -> None:
    make_domain("taken.example")
    domain = make_domain("old.example")
    assert plan(CONSOLE, domain, "taken.example").taken
    with pytest.raises(Taken):
        rename_domain(CONSOLE, domain, "taken.example")
    with pytest.raises(Invalid):
        rename_domain(CONSOLE, domain, "OLD.example")


def test_addresses_that_would_be_too_long_are_named(db: None) -> None:
    domain = make_domain("old.example")
    make_mailbox_in(domain, "x" * 60)
    long_name = ".".join(["y" * 63] * 3) + ".example"
    with pytest.raises(RenameBlocked, match="x" * 60):
        rename_domain(CONSOLE, domain, long_name)


def test_nobody_changes_how_somebody_with_more_rights_signs_in(db: None) -> None:
    customer = make_customer()
    domain = make_domain("old.example", customer=customer)
    chief = person(make_mailbox_in(domain, "chief"))
    User.objects.filter(pk=chief.pk).update(is_administrator=True)
    actor = Actor.for_user(make_delegate(customer))
    assert plan(actor, domain, "new.example").beyond == ["chief@old.example"]
    with pytest.raises(Forbidden, match="chief"):
        rename_domain(actor, domain, "new.example")
    rename_domain(CONSOLE, domain, "new.example")


def test_somebody_who_only_signs_in_with_such_an_address_keeps_it(db: None) -> None:
    domain = make_domain("old.example")
    outsider = make_user("outsider@old.example")
    rename_domain(CONSOLE, domain, "new.example")
    outsider.refresh_from_db()
    assert outsider.email == "outsider@old.example"


def test_the_second_of_two_who_rename_is_told(db: None) -> None:
    domain = make_domain("old.example")
    seen = Domain.objects.get(pk=domain.pk)
    rename_domain(CONSOLE, domain, "new.example")
    with pytest.raises(ChangedMeanwhile):
        rename_domain(CONSOLE, seen, "newer.example")
    assert DomainName.objects.filter(name="newer.example").count() == 0


def test_a_deleted_domain_is_not_renamed(db: None) -> None:
    domain = make_domain("old.example")
    domain_states.delete_domain(CONSOLE, domain)
    with pytest.raises(WrongState):
        rename_domain(CONSOLE, domain, "new.example")


def test_a_module_that_keeps_addresses_as_text_is_told(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[int, str, str]] = []
    monkeypatch.setattr(renaming, "_followers", [])
    renaming.register_follower(lambda domain, old, new: told.append((domain.pk, old, new)))
    domain = make_domain("old.example")
    rename_domain(CONSOLE, domain, "new.example")
    assert told == [(domain.pk, "old.example", "new.example")]


def test_names_in_other_scripts_and_cases_are_one_name(db: None) -> None:
    domain = make_domain("old.example")
    make_mailbox_in(domain, "ada")
    rename_domain(CONSOLE, domain, "BÜCHER.example")
    assert (domain.name, domain.display_name) == ("xn--bcher-kva.example", "bücher.example")
    assert claims.find("Ada@bücher.example") is not None
