"""The palette finds users, addresses of every kind and administrators: what the person may see, at one price."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.actors import Actor
from accounts.models import User
from domains.models import Domain, Mailbox
from domains.services.aliases import add_alias
from domains.services.forwards import create_forward
from domains.services.groups import create_group
from domains.services.lists.settings import create_list
from domains.services.mailbox_states import delete_mailbox
from domains.services.purging import purge_mailbox
from tests.domains.addresses.crowds import make_crowd
from tests.domains.factories import make_customer, make_delegate, make_domain, make_mailbox_in
from tests.factories import make_administrator, make_user

ClientFor = Callable[[User | None], Client]
SYSTEM = Actor.system()


def found(client: Client, text: str) -> list[str]:
    """As "kind address", in order."""
    page = client.get("/palette/objects", {"q": text}).content.decode()
    rows = re.findall(r'palette__label">(.*?)</span><span class="palette__where">(.*?)<', page)
    return [f"{kind} {re.sub('<.*', '', label).strip()}" for label, kind in rows]


@pytest.fixture
def domain(db: None) -> Domain:
    return make_domain("lovelace.example", make_customer("Analytical"))


def fill(domain: Domain) -> Mailbox:
    ada = make_mailbox_in(domain, "ada", name="Ada King")
    make_mailbox_in(domain, "charles", name="Charles Babbage")
    add_alias(SYSTEM, ada, email="countess")
    create_group(SYSTEM, domain, email="engine", name="Difference engine", members=[ada.address])
    create_forward(SYSTEM, domain, email="press", name="The press office", targets=["press@elsewhere.example"])
    create_list(SYSTEM, domain, email="notes", owner=ada)
    return ada


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ada", ["User ada@lovelace.example"]),
        ("AD", ["User ada@lovelace.example"]),
        ("babb", ["User charles@lovelace.example"]),
        ("king ada", ["User ada@lovelace.example"]),
        ("king charles", []),
        ("harles@love", ["User charles@lovelace.example"]),
        ("difference", ["Group engine@lovelace.example"]),
        ("notes", ["Mailing list notes@lovelace.example"]),
        ("press office", ["Forward press@lovelace.example"]),
        ("countess", ["Alias countess@lovelace.example"]),
        ("da", []),  # two letters: only beginnings
        ("100%", []),
        ("a_a", []),
        ("\ud7ff\ud7ff", []),
    ],
)
def test_objects_are_found_by_beginnings_parts_and_names(
    client_for: ClientFor, domain: Domain, text: str, expected: list[str]
) -> None:
    fill(domain)
    for who in (make_administrator("root@elsewhere.example"), make_delegate(domain, email="d@elsewhere.example")):
        assert found(client_for(who), text) == expected


def test_beginnings_stand_before_parts(client_for: ClientFor, domain: Domain) -> None:
    for local in ("zadar", "adar", "nadar"):
        make_mailbox_in(domain, local)
    shown = found(client_for(make_administrator()), "adar")
    assert shown == [f"User {local}@lovelace.example" for local in ("adar", "nadar", "zadar")]


def test_every_hit_leads_to_a_page_that_opens(client_for: ClientFor, domain: Domain) -> None:
    fill(domain)
    for who in (make_administrator(), make_delegate(domain, email="delegate@lovelace.test")):
        client = client_for(who)
        page = client.get("/palette/objects", {"q": "lovelace"}).content.decode()
        urls = re.findall(r'data-href="([^"]+)"', page)
        assert len(urls) >= 7 and {client.get(url).status_code for url in urls} == {200}


def test_nobody_finds_what_is_not_theirs(client_for: ClientFor, domain: Domain, user: User) -> None:
    ada = fill(domain)
    assert ada.user is not None
    other = make_domain("other.example")
    for text in ("lovelace", "ada", "engine", "notes", "press", "countess"):
        assert found(client_for(make_delegate(other)), text) == []
        assert found(client_for(user), text) == []
    # whose list it is finds it, and nothing else of the domain
    assert found(client_for(ada.user), "notes") == ["Mailing list notes@lovelace.example"]
    assert found(client_for(ada.user), "lovelace") == ["Mailing list notes@lovelace.example"]


def test_an_alias_shows_only_where_its_mailbox_is_seen(client_for: ClientFor, domain: Domain) -> None:
    beside = make_domain("beside.example", domain.customer)
    add_alias(SYSTEM, make_mailbox_in(domain, "ada"), email="ada@beside.example")
    assert found(client_for(make_delegate(beside)), "ada") == []
    assert found(client_for(make_delegate(domain)), "ada@b") == []
    everywhere = found(client_for(make_administrator()), "ada@b")
    assert everywhere == ["Alias ada@beside.example"]


def test_what_is_gone_for_good_is_not_found(client_for: ClientFor, domain: Domain) -> None:
    mailbox = make_mailbox_in(domain, "ada")
    delete_mailbox(SYSTEM, mailbox)
    assert found(client_for(make_administrator()), "ada") == ["User ada@lovelace.example"]  # to be restored
    purge_mailbox(SYSTEM, mailbox)
    assert found(client_for(make_administrator()), "ada") == []


def test_administrators_are_found_by_who_sees_their_rights(client_for: ClientFor, domain: Domain) -> None:
    delegate = make_delegate(domain, email="delegate@elsewhere.example")
    User.objects.filter(pk=delegate.pk).update(name="Grace Hopper")
    make_user("delegata@elsewhere.example")  # administers nothing
    root = make_administrator("root@elsewhere.example")
    assert found(client_for(root), "grace") == ["Administrator delegate@elsewhere.example"]
    assert found(client_for(root), "ROOT@") == ["Administrator root@elsewhere.example"]
    assert found(client_for(delegate), "elsewhere") == ["Administrator delegate@elsewhere.example"]
    assert found(client_for(make_delegate(make_domain(), email="x@other.example")), "grace") == []


def test_names_of_domains_are_found_in_their_own_script(client_for: ClientFor) -> None:
    make_mailbox_in(make_domain("bücher.example"), "ada")
    assert found(client_for(make_administrator()), "ada@bücher.example")[0] == "User ada@xn--bcher-kva.example"


@pytest.mark.parametrize("text", ["lo", "lovelace", "p1", "p17@love"])
def test_many_more_rows_take_no_more_queries(client_for: ClientFor, domain: Domain, text: str) -> None:
    fill(domain)
    client = client_for(make_delegate(domain, email="d@elsewhere.example"))
    counts = []
    for number, size in enumerate((10, 400)):
        make_crowd(domain, size, prefix="p" if number else "q")
        twice = []
        for _ in range(2):  # what is read every few seconds may come into one of them
            with CaptureQueriesContext(connection) as queries:
                client.get("/palette/objects", {"q": text})
            twice.append(len(queries))
        counts.append(min(twice))
    assert counts[0] == counts[1] <= 16
