"""Users' pages: what stands on them, what they do, and how many queries a list costs."""

from __future__ import annotations

import contextlib
import csv
import io
from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.actors import Actor
from accounts.errors import Forbidden
from accounts.models import AuditEvent, OneTimeLink, User
from config.kit import bulk
from config.kit.bulk import BulkOrder
from domains.models import Address, Domain, Mailbox, Policy, Status
from domains.services.groups import create_group
from tests.domains.addresses.cast import actor_of, chief_in
from tests.domains.addresses.crowds import make_crowd
from tests.domains.factories import make_customer, make_delegate, make_domain, make_mailbox_in

ClientFor = Callable[[User | None], Client]
LIST = "/directory/users/"
PASSWORD = "a few unrelated words"


@pytest.fixture
def domain(db: None) -> Domain:
    return make_domain("example.com", make_customer("Ours"))


@pytest.fixture
def browser(client_for: ClientFor, domain: Domain) -> Client:
    """A browser of the domain's administrator."""
    return client_for(make_delegate(domain))


def page(name: str, *args: object) -> str:
    return reverse(f"domains:{name}", args=args)


def body(response: object) -> str:
    pieces = getattr(response, "streaming_content", None)
    text = b"".join(pieces) if pieces is not None else response.content  # type: ignore[attr-defined]
    return str(text.decode("utf-8-sig"))


def test_a_delegate_sees_the_users_of_their_domain_and_no_others(browser: Client, domain: Domain) -> None:
    make_mailbox_in(domain, "ada", name="Ada Lovelace")
    make_mailbox_in(make_domain("other.example"), "eve")
    shown = body(browser.get(LIST))
    assert "ada@example.com" in shown and "Ada Lovelace" in shown and "eve@" not in shown
    for asked in ({"q": "eve"}, {"format": "csv"}):
        assert "eve@" not in body(browser.get(LIST, asked))
    assert "ada@example.com" in body(browser.get(LIST, {"format": "csv"}))
    assert AuditEvent.objects.filter(action="mailbox.export").count() == 2


def test_the_list_is_searched_by_words_and_fields(browser: Client, domain: Domain) -> None:
    for local, name in (("ada", "Ada King"), ("bob", "Bob Builder"), ("off", "")):
        make_mailbox_in(domain, local, name=name)
    Mailbox.objects.filter(address__startswith="bob").update(fill_permille=950)
    Mailbox.objects.filter(address__startswith="off").update(status="disabled")
    for asked, expected in (
        ("king", {"ada"}), ("BOB", {"bob"}), ("state:disabled", {"off"}), ("quota>90%", {"bob"}),
        ("domain:example.com", {"ada", "bob", "off"}), ("domain:other.example", set()),
        ("created>-1d", {"ada", "bob", "off"}),
    ):  # fmt: skip
        shown = body(browser.get(LIST, {"q": asked}))
        assert {local for local in ("ada", "bob", "off") if f"{local}@example.com" in shown} == expected, asked


@pytest.mark.parametrize("sort", ["address", "-address", "name", "-quota", "used", "-created"])
def test_every_sort_of_the_list_answers(browser: Client, domain: Domain, sort: str) -> None:
    make_crowd(domain, 60)
    response = browser.get(LIST, {"sort": sort})
    assert response.status_code == 200 and "@example.com" in body(response)


def test_the_list_costs_the_same_queries_at_any_size(browser: Client, domain: Domain) -> None:
    counted = []
    for more in (3, 57):
        make_crowd(domain, more, prefix=f"p{more}-")
        with CaptureQueriesContext(connection) as queries:
            assert browser.get(LIST, {"q": "state:enabled"}).status_code == 200
        counted.append(len(queries))
    assert counted[0] == counted[1] <= 12


def test_a_user_is_made_with_a_link_shown_once(browser: Client, domain: Domain) -> None:
    values = {
        "email": "Ada@example.com",
        "first_name": "Ada",
        "sign_in": "link",
        "status": "enabled",
        "aliases": "a, b",
    }
    shown = browser.post(page("user-create"), values)
    assert shown.status_code == 200 and "/link/" in body(shown) and "no-store" in shown["Cache-Control"]
    mailbox = Mailbox.objects.get(address="ada@example.com")
    assert mailbox.name == "Ada" and OneTimeLink.objects.get().user == mailbox.user
    assert Address.objects.filter(kind="alias").count() == 2


def test_what_a_service_refuses_stands_at_its_field_and_nothing_is_kept(browser: Client, domain: Domain) -> None:
    make_mailbox_in(domain, "ada")
    values = {"email": "ada@example.com", "sign_in": "later", "status": "enabled"}
    for changed, said in (
        ({}, "is taken"),
        ({"email": "eve@other.example"}, "not a domain in which you can make users"),
        ({"email": "new@example.com", "aliases": "ada"}, "is taken"),
        ({"email": "new@example.com", "sign_in": "password"}, "Type the password"),
        ({"email": "new@example.com", "sign_in": "password", "password": "short"}, "password"),
        ({"email": "new@example.com", "quota_bytes": "much"}, "Write a size"),
    ):
        response = browser.post(page("user-create"), values | changed)
        assert response.status_code == 422 and said in body(response), changed
    assert Mailbox.objects.count() == 1


def test_the_tabs_show_what_is_so(browser: Client, domain: Domain) -> None:
    mailbox = make_mailbox_in(domain, "ada", first_name="Ada", quota_bytes=2 << 30)
    create_group(Actor.system(), domain, email="all", members=[mailbox.address])
    assert "Ada" in body(browser.get(page("user-detail", mailbox.pk)))
    assert "all@example.com" in body(browser.get(page("user-groups", mailbox.pk)))
    assert "2.00 GiB" in body(browser.get(page("user-quota", mailbox.pk)))
    assert "Made" in body(browser.get(page("user-history", mailbox.pk)))


def test_edits_are_saved_and_the_second_of_two_is_told(browser: Client, domain: Domain) -> None:
    mailbox = make_mailbox_in(domain, "ada")
    values = {"first_name": "Ada", "last_name": "King", "sender_verify": "no", "version": mailbox.version}
    assert browser.post(page("user-edit", mailbox.pk), values).status_code == 303
    again = browser.post(page("user-edit", mailbox.pk), values | {"first_name": "Eve"})
    assert again.status_code == 422 and "Somebody changed this meanwhile" in body(again)
    mailbox.refresh_from_db()
    assert (mailbox.name, mailbox.sender_verify) == ("Ada King", False)


def test_aliases_and_forwarding_are_set_on_one_page(browser: Client, domain: Domain) -> None:
    mailbox = make_mailbox_in(domain, "ada")
    assert browser.post(page("user-alias-add", mailbox.pk), {"email": "a"}).status_code == 303
    taken = browser.post(page("user-alias-add", mailbox.pk), {"email": "a"})
    assert taken.status_code == 422 and "is taken" in body(taken)
    wrong = browser.post(page("user-forwarding", mailbox.pk), {"targets": "x@elsewhere.example\nnonsense"})
    assert wrong.status_code == 422 and "line 2" in body(wrong)
    sent = {"targets": "x@elsewhere.example, y@elsewhere.example", "version": mailbox.version}
    assert browser.post(page("user-forwarding", mailbox.pk), sent).status_code == 303
    shown = body(browser.get(page("user-addresses", mailbox.pk)))
    assert "a@example.com" in shown and "y@elsewhere.example" in shown
    claim = Address.objects.get(text="ada@example.com")
    assert (claim.recipient_count, claim.keep_copy) == (2, False)


def test_a_ten_thousand_line_paste_into_forwarding_is_taken_or_refused_in_words(
    browser: Client, domain: Domain
) -> None:
    mailbox = make_mailbox_in(domain, "ada")
    text = "\n".join(f"nonsense {n}" for n in range(10_000))
    response = browser.post(page("user-forwarding", mailbox.pk), {"targets": text})
    assert response.status_code == 422 and "10000 entries are no addresses" in body(response).replace(",", "")


def test_a_deleted_user_is_restored_or_purged(browser: Client, domain: Domain) -> None:
    mailbox = make_mailbox_in(domain, "ada")
    create_group(Actor.system(), domain, email="all", members=[mailbox.address])
    assert "all@example.com" in body(browser.get(page("user-delete", mailbox.pk)))
    browser.post(page("user-delete", mailbox.pk), {"after_days": "3"})
    mailbox.refresh_from_db()
    assert mailbox.status == Status.DELETED
    browser.post(page("user-restore", mailbox.pk))
    browser.post(page("user-delete", mailbox.pk), {"after_days": "3"})
    assert browser.post(page("user-purge", mailbox.pk)).status_code == 303
    assert browser.get(page("user-detail", mailbox.pk)).status_code == 404


def test_the_chief_is_seen_and_not_touched(browser: Client, domain: Domain) -> None:
    chief = chief_in(domain)
    shown = body(browser.get(page("user-detail", chief.pk)))
    assert "System administrator" in shown and page("user-delete", chief.pk) not in shown
    for name, data in (
        ("user-edit", {"first_name": "x"}), ("user-rename", {"email": "x"}), ("user-link", {}),
        ("user-password", {"password": PASSWORD}), ("user-state", {"status": "disabled"}),
        ("user-delete", {"after_days": "30"}), ("user-forwarding", {"targets": "x@example.org"}),
    ):  # fmt: skip
        assert browser.post(page(name, chief.pk), data).status_code == 403, name
    assert not AuditEvent.objects.filter(actor_label__contains="delegate").exists()


def order(action: str, *mailboxes: Mailbox, **values: object) -> BulkOrder:
    return BulkOrder("domains.users", action, tuple(str(mailbox.pk) for mailbox in mailboxes), values=values)


def test_many_are_disabled_with_a_preview_in_numbers(browser: Client, domain: Domain) -> None:
    chief, off = chief_in(domain), make_mailbox_in(domain, status="disabled")
    ada, bob, other = make_mailbox_in(domain), make_mailbox_in(domain), make_mailbox_in(make_domain())
    url = page("user-bulk") + "?do=disable" + "".join(f"&chosen={m.pk}" for m in (chief, off, ada, bob, other))
    shown = body(browser.get(url))
    assert "Disable 2 users" in shown and "hold rights that you don" in shown and "are disabled already" in shown
    assert browser.post(url, {"expected": "2", "typed": "2"}).status_code == 303
    assert set(Mailbox.objects.filter(status="disabled")) == {off, ada, bob}


@pytest.mark.parametrize("name", [action.name for name, action in bulk.registered() if name == "domains.users"])
def test_no_bulk_action_reaches_beyond_the_actors_domain_or_rights(domain: Domain, name: str) -> None:
    actor = actor_of(make_delegate(domain, role="auditor"))
    mailbox, other = make_mailbox_in(domain), make_mailbox_in(make_domain())
    given = {"domain": domain.pk, "language": "de", "quota_bytes": 7, "password": "x", "policy": "strict"}
    for each in Domain.objects.all():
        Policy.objects.create(domain=each, name="strict")
    for who, row in ((actor, mailbox), (actor_of(make_delegate(domain)), other)):
        before = everything()
        with contextlib.suppress(Forbidden):
            assert bulk.run_order(who, order(name, row, **given)).done == 0
        assert everything() == before


def everything() -> list[object]:
    return [
        *Mailbox.objects.order_by("pk").values(),
        *User.objects.order_by("pk").values("pk", "password", "language"),
    ]


def test_many_move_to_another_domain_where_their_address_is_free(browser: Client, domain: Domain) -> None:
    target = make_domain("target.example", domain.customer)
    ada, bob = make_mailbox_in(domain, "ada"), make_mailbox_in(domain, "bob")
    make_mailbox_in(target, "bob")
    actor = Actor.system()
    preview = bulk.get_action("domains.users", "move", actor).preview(
        actor, Mailbox.objects.filter(pk__in=[ada.pk, bob.pk]), {"domain": target.pk}
    )
    assert preview.will == 1 and [group.count for group in preview.refused] == [1]
    outcome = bulk.run_order(actor, order("move", ada, bob, domain=target.pk, keep_alias=True))
    assert outcome.done == 1 and list(outcome.refused.values()) == [1]
    ada.refresh_from_db()
    assert ada.address == "ada@target.example" and Address.objects.filter(text="ada@example.com", kind="alias").exists()


def test_many_get_the_policy_of_that_name_in_their_own_domain(domain: Domain) -> None:
    strict = Policy.objects.create(domain=domain, name="strict")
    ada, other = make_mailbox_in(domain), make_mailbox_in(make_domain())
    actor = Actor.system()
    rows = Mailbox.objects.filter(pk__in=[ada.pk, other.pk])
    preview = bulk.get_action("domains.users", "policy", actor).preview(actor, rows, {"policy": "strict"})
    assert preview.will == 1 and [group.count for group in preview.refused] == [1]
    outcome = bulk.run_order(actor, order("policy", ada, other, policy="strict"))
    assert outcome.done == 1 and list(outcome.refused.values()) == [1]
    ada.refresh_from_db()
    assert ada.policy == strict
    assert bulk.run_order(actor, order("policy", ada, policy="")).done == 1
    ada.refresh_from_db()
    assert ada.policy is None


def test_links_for_many_come_as_a_file_and_nowhere_else(browser: Client, domain: Domain) -> None:
    make_crowd(domain, 3)
    chief_in(domain)
    url = page("user-bulk") + "?do=links&all=1&filter=q%3Ddomain%3Aexample.com"
    assert "Make links for 3 users" in body(browser.get(url))
    sent = browser.post(url, {"expected": "3"})
    rows = list(csv.DictReader(io.StringIO(body(sent))))
    assert [row["email"] for row in rows] == ["p0@example.com", "p1@example.com", "p2@example.com"]
    token = rows[0]["link"].rstrip("/").rpartition("/")[2]
    assert Client().get(f"/link/{token}/").status_code == 200
    assert token not in str(list(AuditEvent.objects.values()))
    assert AuditEvent.objects.filter(action="user.invitation_link").count() == 3


def test_one_password_for_all_is_kept_sealed_until_it_is_set(browser: Client, domain: Domain) -> None:
    mailbox = make_mailbox_in(domain)
    action = bulk.get_action("domains.users", "password", Actor.system())
    form = action.form(Actor.system(), {"password": PASSWORD})
    assert form is not None and not form.is_valid()  # not without saying so
    form = action.form(Actor.system(), {"password": PASSWORD, "sure": "on"})
    assert form is not None and form.is_valid()
    stored = action.stored(form.cleaned_data)
    assert PASSWORD not in str(stored)
    assert bulk.run_order(Actor.system(), order("password", mailbox, **stored)).done == 1
    assert User.objects.get(mailbox=mailbox).check_password(PASSWORD)
