"""Aliases, catch-alls and subscribers from CSV files: as by hand, all or nothing, and back again from their export."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.actors import Actor
from accounts.errors import Forbidden
from accounts.models import AuditEvent, Grant
from accounts.permissions import Level
from domains.models import Address, Domain, DomainName, MailingList, Recipient, Subscriber
from domains.services import aliases, forwards, groups
from domains.services.domain_settings import update_domain
from domains.services.lists import settings, subscribing
from tests.domains.factories import make_customer, make_delegate, make_domain, make_mailbox_in
from tests.domains.importing.helping import SYSTEM, cells_of, exported, refused, run
from tests.factories import make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def domain() -> Domain:
    return make_domain("example.org")


def events(kind: str, pk: int) -> list[tuple[Any, ...]]:
    rows = AuditEvent.objects.filter(object_type=f"domains.{kind}", object_id=str(pk)).order_by("pk")
    return list(rows.values_list("action", "details", "changes", "domain_id", "customer_id", "about_user_id"))


def make_list(domain: Domain, local: str = "news", owner: str = "owner") -> MailingList:
    return settings.create_list(SYSTEM, domain, email=local, owner=make_mailbox_in(domain, owner))


# --- aliases --------------------------------------------------------------------------------------------------------


def test_an_imported_alias_is_as_if_made_by_hand(domain: Domain, file: Path) -> None:
    one, two = make_mailbox_in(domain, "one"), make_mailbox_in(domain, "two")
    group = groups.create_group(SYSTEM, domain, email="team", members=["file@example.org"])
    by_hand = aliases.add_alias(SYSTEM, one, email="hand")
    result = run(file, "aliases", "email,user\nFile@example.org,TWO@example.org\n")
    imported = Address.objects.get(text="file@example.org")
    own = {"id", "local", "text", "created_at"}
    fields = [field.attname for field in imported._meta.concrete_fields if field.attname not in own]
    assert {name: getattr(by_hand, name) for name in fields} == {name: getattr(imported, name) for name in fields}
    assert imported.recipients.get().target == two.claim and result.created == 1
    assert group.recipients.get().target == imported
    assert [action for action, *_rest in events("address", imported.pk)] == ["alias.create"]
    wanted: tuple[Any, ...] = ("mailbox.add_alias", {"alias": "file@example.org"}, {}, domain.pk, None, two.user_id)
    assert events("mailbox", two.pk)[-1] == wanted
    domain.refresh_from_db()
    assert domain.alias_count == 2


def test_every_wrong_alias_is_named(file: Path) -> None:
    customer = make_customer(max_aliases=3)
    domain, sibling = make_domain("example.org", customer), make_domain("sibling.example", customer, max_aliases=1)
    other = make_domain("other.example", make_customer())
    for each in (domain, sibling, other):
        make_mailbox_in(each, "ada")
    aliases.add_alias(SYSTEM, domain.mailboxes.get(), email="there")
    rows = [
        "email,user,status",
        "fine@example.org,ada@example.org,",
        "ada@example.org,ada@example.org,",
        "a@example.org,nobody@example.org,",
        "b@other.example,ada@example.org,",
        "fine@example.org,ada@example.org,",
        "c@sibling.example,ada@example.org,",
        "d@sibling.example,ada@example.org,",
        "e@example.org,ada@example.org,off",
        "f@example.org,,",
        "there@example.org,ada@sibling.example,",
        "g@example.org,ada@example.org,",
    ]
    assert refused(file, "aliases", "\n".join(rows)) == [
        (3, "email"), (4, "user"), (5, "user"), (6, "email"), (8, "email"), (9, "status"), (10, "user"), (11, "user"),
        (12, "email"),
    ]  # fmt: skip


def test_an_alias_is_led_elsewhere_where_that_is_asked(domain: Domain, file: Path) -> None:
    one, two = make_mailbox_in(domain, "one"), make_mailbox_in(domain, "two")
    alias = aliases.add_alias(SYSTEM, one, email="a")
    text = "email,user,status\na@example.org,two@example.org,disabled\n"
    assert refused(file, "aliases", text) == [(2, "user")]
    assert run(file, "aliases", "email,user\na@example.org,one@example.org\n").same == 1
    assert run(file, "aliases", text, change=True).changed == 1
    alias.refresh_from_db()
    assert not alias.is_enabled and alias.recipients.get().target == two.claim
    assert events("mailbox", one.pk)[-1][0] == "mailbox.remove_alias"
    assert events("mailbox", two.pk)[-1][0] == "mailbox.add_alias"
    changes = {"is_enabled": [True, False], "mailbox": ["one@example.org", "two@example.org"]}
    assert events("address", alias.pk)[-1][:3] == ("alias.edit", {}, changes)


def test_a_delegate_gives_no_aliases_to_users_of_a_foreign_domain(file: Path) -> None:
    customer = make_customer()
    own, sibling = make_domain("own.example", customer), make_domain("sibling.example", customer)
    make_mailbox_in(own, "ada")
    aliases.add_alias(SYSTEM, make_mailbox_in(sibling, "bob"), email="secret")
    actor = Actor.for_user(make_delegate(own))
    text = "email,user\na@own.example,ada@own.example\nb@own.example,bob@sibling.example\n"
    text += "c@sibling.example,ada@own.example\nd@own.example,nobody@sibling.example\n"
    text += "secret@sibling.example,ada@own.example\n"
    assert refused(file, "aliases", text, actor, change=True) == [(3, "user"), (4, "email"), (5, "user"), (6, "email")]
    reasons = {(p.column, p.reason) for p in run(file, "aliases", text, actor, dry_run=True).problems}
    assert len(reasons) == 2
    assert cells_of(exported("aliases", actor)) == []


def test_the_export_of_aliases_imports_again_unchanged(domain: Domain, file: Path) -> None:
    mailbox = make_mailbox_in(domain, "ada")
    for local in ("=cmd", "two"):
        aliases.add_alias(SYSTEM, mailbox, email=local)
    text = exported("aliases")
    assert "'=cmd@example.org" in text
    assert run(file, "aliases", text).same == 2
    aliases.set_aliases(SYSTEM, mailbox, [])
    assert run(file, "aliases", text).created == 2
    assert exported("aliases") == text


# --- catch-alls -----------------------------------------------------------------------------------------------------


def test_catch_alls_are_set_with_the_rules_of_the_form(domain: Domain, file: Path) -> None:
    other = make_domain("example.net")
    DomainName.objects.create(name="alias.example", domain=domain)
    make_mailbox_in(domain, "post")
    text = "domain,catch_all\nEXAMPLE.org,post@alias.example\nexample.net,x@elsewhere.example\n"
    result = run(file, "catch-alls", text)
    domain.refresh_from_db()
    assert (domain.catch_all, result.changed, result.created) == ("post@example.org", 0, 2)
    event = events("domain", domain.pk)[-1]
    assert event[:3] == ("domain.edit", {}, {"catch_all": ["", "post@example.org"]})
    version = domain.version
    assert run(file, "catch-alls", text).same == 2
    emptied = "domain,catch_all\nexample.net,\n"
    assert refused(file, "catch-alls", emptied) == [(2, "catch_all")]
    run(file, "catch-alls", emptied, change=True)
    other.refresh_from_db()
    domain.refresh_from_db()
    assert (other.catch_all, domain.version) == ("", version)


def test_mail_for_unknown_addresses_never_goes_round(domain: Domain, file: Path) -> None:
    a, b, c = (make_domain(f"{name}.example") for name in "abc")
    forwards.create_forward(SYSTEM, b, email="on", targets=["unknown@c.example", "x@elsewhere.example"])
    rows = "domain,catch_all\n{}"
    actor = Actor.for_user(make_delegate(a, rights=["edit_domains"]))
    update_domain(SYSTEM, c, {"catch_all": "x@elsewhere.example"})
    # nowhere in the own domain, and in others that one sees
    assert refused(file, "catch-alls", rows.format("a.example,unknown@a.example\n")) == [(2, "catch_all")]
    assert refused(file, "catch-alls", rows.format("a.example,unknown@b.example\n")) == [(2, "catch_all")]
    # a domain that one doesn't see is believed
    assert run(file, "catch-alls", rows.format("a.example,unknown@b.example\n"), actor).created == 1
    update_domain(SYSTEM, a, {"catch_all": ""})
    # through a forward to c, whose catch-all leads back: only both rows together go round
    Address.objects.filter(text="on@b.example").update(is_enabled=True)
    back = "a.example,on@b.example\n"
    assert run(file, "catch-alls", rows.format(back)).created == 1
    update_domain(SYSTEM, a, {"catch_all": ""})
    forwards.create_forward(SYSTEM, b, email="home", targets=["unknown@a.example"])
    both = rows.format(back + "c.example,home@b.example\n")
    assert refused(file, "catch-alls", both, change=True) == [(2, "catch_all"), (3, "catch_all")]


def test_every_wrong_catch_all_is_named_and_a_delegate_reaches_no_foreign_domain(domain: Domain, file: Path) -> None:
    other = make_domain("other.example")
    update_domain(SYSTEM, other, {"catch_all": "secret@elsewhere.example"})
    actor = Actor.for_user(make_delegate(domain))
    rows = [
        "domain,catch_all",
        "example.org,x@elsewhere.example",
        "not a domain,x@elsewhere.example",
        "example.org,y@elsewhere.example",
        "other.example,x@elsewhere.example",
        "nowhere.example,x@elsewhere.example",
        "example.org,nonsense",
    ]
    assert refused(file, "catch-alls", "\n".join(rows), actor, change=True) == [
        (3, "domain"), (4, "domain"), (5, "domain"), (6, "domain"), (7, "catch_all"),
    ]  # fmt: skip
    assert [row["domain"] for row in cells_of(exported("catch-alls", actor))] == ["example.org"]
    with pytest.raises(Forbidden):
        run(file, "catch-alls", rows[0], Actor.for_user(make_delegate(domain, role="help_desk")))


def test_the_export_of_catch_alls_imports_again_unchanged(domain: Domain, file: Path) -> None:
    make_domain("example.net")
    update_domain(SYSTEM, domain, {"catch_all": "-x@elsewhere.example"})
    text = exported("catch-alls")
    assert run(file, "catch-alls", text).same == 2
    update_domain(SYSTEM, domain, {"catch_all": ""})
    assert run(file, "catch-alls", text).created == 1
    assert exported("catch-alls") == text


# --- subscribers ----------------------------------------------------------------------------------------------------


def test_imported_subscribers_are_on_the_list(domain: Domain, file: Path) -> None:
    found, ada = make_list(domain), make_mailbox_in(domain, "ada")
    DomainName.objects.create(name="alias.example", domain=domain)
    subscribing.ask_to_subscribe(found, "asked@elsewhere.example")
    text = (
        "list,email,name,mode,posting,moderate_next,state\n"
        "news@alias.example,ADA@alias.example,Ada,digest,moderated,3,\n"
        ",asked@elsewhere.example,,,,,\n,later@elsewhere.example,,banned,,,waiting\n"
    )
    result = run(file, "subscribers", text, list_id=found.pk)
    row = Subscriber.objects.get(email="ada@example.org")
    assert (row.target, row.name, row.mode, row.posting, row.moderate_next) == (
        ada.claim,
        "Ada",
        "digest",
        "moderated",
        3,
    )
    asked = Subscriber.objects.get(email="asked@elsewhere.example")
    assert (asked.state, asked.confirm_hash, asked.confirm_until) == ("subscribed", "", None)
    found.refresh_from_db()
    found.address.refresh_from_db()
    assert (found.subscriber_count, found.address.recipient_count, result.created) == (2, 2, 3)
    event = events("address", found.address_id)[-1]
    assert event[0] == "list.subscribe" and event[1]["count"] == 3


def test_subscribers_that_are_there_are_left_or_changed_as_asked(domain: Domain, file: Path) -> None:
    found = make_list(domain)
    subscribing.add_subscribers(SYSTEM, found, ["a@elsewhere.example"], name="A")
    row = Subscriber.objects.get()
    for _time in range(5):
        subscribing.note_bounce(SYSTEM, row)
    same = "list,email\nnews@example.org,a@elsewhere.example\n"
    assert run(file, "subscribers", same).same == 1
    text = "list,email,mode,state\nnews@example.org,a@elsewhere.example,index,subscribed\n"
    assert refused(file, "subscribers", text) == [(2, "mode")]
    assert run(file, "subscribers", text, change=True).changed == 1
    row.refresh_from_db()
    assert (row.mode, row.state, row.bounces, row.name) == ("index", "subscribed", 0, "A")
    changes = {"mode": ["feed", "index"], "state": ["paused", "subscribed"]}
    wanted = ("list.edit_subscriber", {"subscriber": row.email}, changes)
    assert events("address", found.address_id)[-1][:3] == wanted


def test_every_wrong_subscriber_is_named(domain: Domain, file: Path) -> None:
    make_list(domain)
    rows = [
        "list,email,mode,posting,state,moderate_next",
        "news@example.org,fine@elsewhere.example,,,,",
        "news@example.org,nonsense,,,,",
        "owner@example.org,a@elsewhere.example,,,,",
        ",b@elsewhere.example,,,,",
        "news@example.org,FINE@elsewhere.example,,,,",
        "news@example.org,c@elsewhere.example,all,,,",
        "news@example.org,d@elsewhere.example,,loud,,",
        "news@example.org,e@elsewhere.example,,,unconfirmed,",
        "news@example.org,f@elsewhere.example,,,,-1",
    ]
    assert refused(file, "subscribers", "\n".join(rows)) == [
        (3, "email"), (4, "list"), (5, "list"), (6, "email"), (7, "mode"), (8, "posting"), (9, "state"),
        (10, "moderate_next"),
    ]  # fmt: skip


def test_owners_import_into_their_list_and_delegates_into_their_domain_only(domain: Domain, file: Path) -> None:
    own, other = make_list(domain), make_list(make_domain("other.example"))
    subscribing.add_subscribers(SYSTEM, other, ["secret@elsewhere.example"])
    text = "list,email\nnews@example.org,a@elsewhere.example\nnews@other.example,b@elsewhere.example\n"
    text += "none@example.org,c@elsewhere.example\n"
    for person in (own.owner.user, make_delegate(domain)):
        assert person is not None
        actor = Actor.for_user(person)
        assert refused(file, "subscribers", text, actor, change=True) == [(3, "list"), (4, "list")]
        assert refused(file, "subscribers", "email\nx@elsewhere.example\n", actor, list_id=other.pk) == [(2, "list")]
    delegate = Actor.for_user(make_delegate(domain))
    assert cells_of(exported("subscribers", delegate)) == []
    for person in (make_delegate(domain, role="auditor"), make_user(), make_mailbox_in(domain).user):
        assert person is not None
        with pytest.raises(Forbidden):
            run(file, "subscribers", "email\nx@elsewhere.example\n", Actor.for_user(person), list_id=own.pk)


def test_the_export_of_subscribers_imports_again_unchanged(domain: Domain, file: Path) -> None:
    found = make_list(domain)
    subscribing.add_subscribers(
        SYSTEM, found, ["+a@elsewhere.example", "b@elsewhere.example"], mode="digest", name="@x"
    )
    subscribing.ask_to_subscribe(found, "asked@elsewhere.example")
    text = exported("subscribers")
    assert [row["email"] for row in cells_of(text)] == ["'+a@elsewhere.example", "b@elsewhere.example"]
    assert run(file, "subscribers", text).same == 2
    subscribing.remove_subscribers(SYSTEM, found, ["+a@elsewhere.example", "b@elsewhere.example"])
    assert run(file, "subscribers", text).created == 2
    assert exported("subscribers") == text


# --- all of them ----------------------------------------------------------------------------------------------------


def test_the_export_of_users_imports_again_unchanged(domain: Domain, file: Path) -> None:
    make_mailbox_in(domain, "ada", name="=Ada", first_name="Ada", language="de", quota_bytes=1_000_000_001)
    mailbox = make_mailbox_in(domain, "bob", status="disabled", quota_bytes=-1)
    aliases.add_alias(SYSTEM, mailbox, email="b")
    text = exported("users")
    other = text.replace("example.org", "example.net")
    make_domain("example.net")
    run(file, "users", other)
    assert sorted(exported("users").splitlines()) == sorted([*text.splitlines(), *other.splitlines()[1:]])


def test_a_grant_on_one_person_gives_no_aliases_elsewhere(domain: Domain, file: Path) -> None:
    ada, bob = make_mailbox_in(domain, "ada"), make_mailbox_in(domain, "bob")
    person = make_user("helper@delegates.example")
    Grant.objects.create(
        user=person, rights=["manage_addresses"], level=Level.USER, object_id=ada.user_id or 0, object_label="ada"
    )
    actor = Actor.for_user(person)
    assert refused(file, "aliases", "email,user\nx@example.org,bob@example.org\n", actor) == [(2, "email")]
    assert bob.claim is not None and not Recipient.objects.filter(target=bob.claim).exists()


@pytest.mark.parametrize("kind", ["aliases", "catch-alls", "subscribers"])
def test_the_number_of_questions_does_not_grow_with_the_file(file: Path, kind: str) -> None:
    domains = [make_domain(f"d{number}.example") for number in range(12)]
    for each in domains:
        make_list(each)
    texts = {
        "aliases": ("email,user", "a{n}@{d},owner@{d}"),
        "catch-alls": ("domain,catch_all", "{d},x@elsewhere.example"),
        "subscribers": ("list,email", "news@{d},s{n}@elsewhere.example"),
    }

    def questions(count: int, places: list[Domain]) -> int:
        head, row = texts[kind]
        rows = [row.format(n=f"{len(places)}-{n}", d=places[n % len(places)].name) for n in range(count)]
        with CaptureQueriesContext(connection) as caught:
            run(file, kind, "\n".join([head, *rows]))
        return len(caught)

    many = 10 if kind == "catch-alls" else 2_000
    assert questions(1, domains[:1]) == questions(many, domains[2:])
