"""Where branding is seen and set: the pages, the sign-in page of a host, a person's console, our mails."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.core import mail
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.actors import Actor
from accounts.mails import send_link
from accounts.models import OneTimeLink, User
from accounts.scopes import SERVER
from config.middleware import ServedHostsMiddleware
from domains import brand_colours, brands
from domains.models import Domain
from domains.services.branding import set_branding, set_logo
from domains.services.domain_states import delete_domain
from tests import factories
from tests.domains.branding.pictures import HTML, SVG, bomb, jpeg, png
from tests.domains.factories import make_customer, make_domain, make_mailbox_in
from tests.stage import Cast

CONSOLE = Actor.console()
ClientFor = Callable[[User | None], Client]
SAID: dict[str, Any] = {
    "name": "Harbour mail",
    "colour": "#7a1f5c",
    "greeting": {"": "Welcome, keeper", "de": "Willkommen, Wärter"},
    "support": {"address": "help@harbour.example", "text": {"": "Harbour office"}},
}


@pytest.fixture
def harbour(db: None) -> Domain:
    domain = make_domain("harbour.example")
    set_branding(CONSOLE, domain, SAID | {"hosts": ["mail.harbour.example"]})
    set_logo(CONSOLE, domain, png(40, 12))
    return domain


def sign_in_page(host: str, **headers: str) -> Any:
    return Client().get(reverse("accounts:sign-in"), headers={"Host": host, **headers})


# --- the sign-in page ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "host", ["harbour.example", "mail.harbour.example", "HARBOUR.example:8443", "harbour.example."]
)
def test_the_sign_in_page_looks_like_the_domain_whose_host_it_is(harbour: Domain, host: str) -> None:
    page = sign_in_page(host).content.decode()
    logo = brands.looks_of(harbour)["logo"]
    assert f'src="/brand/logo/{logo.sha256}.png" width="40" height="12" alt="Harbour mail"' in page
    assert 'data-brand="7a1f5c"' in page and brand_colours.file_name("#7a1f5c") in page
    assert "Welcome, keeper" in page and 'href="mailto:help@harbour.example"' in page and "Harbour office" in page
    assert "<title>Sign in · Harbour mail</title>" in page and "style=" not in page


def test_the_greeting_is_in_the_reader_s_language(harbour: Domain) -> None:
    assert "Willkommen, Wärter" in sign_in_page("harbour.example", **{"Accept-Language": "de"}).content.decode()
    assert "Welcome, keeper" in sign_in_page("harbour.example", **{"Accept-Language": "fr"}).content.decode()


def test_other_hosts_look_like_the_server(harbour: Domain) -> None:
    assert "Postkeep" in sign_in_page("testserver").content.decode()
    assert "Harbour" not in sign_in_page("localhost").content.decode()
    set_branding(CONSOLE, SERVER, {"name": "The provider"})
    assert "The provider" in sign_in_page("testserver").content.decode()


def test_typing_an_address_changes_nothing_of_how_the_page_looks(harbour: Domain) -> None:
    """What is typed tells nobody which domains are here."""

    def answer(email: str) -> tuple[int, str]:
        response = Client().post(reverse("accounts:sign-in"), {"email": email, "password": "x"})
        text = response.content.decode().replace(email, "")
        return response.status_code, re.sub(r'value="\w{64}"|X-CSRFToken": "\w+', "", text)

    assert answer("ada@harbour.example") == answer("ada@nowhere.example")


def test_asking_for_a_host_doesn_t_tell_which_domains_are_here(harbour: Domain) -> None:
    """A domain that shows no branding is answered like a name that nobody knows."""
    make_domain("quiet.example", make_customer())
    deleted = make_domain("deleted.example")
    set_branding(CONSOLE, deleted, {"name": "Gone"})
    delete_domain(CONSOLE, deleted)
    set_branding(CONSOLE, SERVER, {"name": "The provider"})

    def answer(host: str) -> tuple[int, str]:
        response = sign_in_page(host)
        return response.status_code, re.sub(r"\b[0-9a-f]{12}\b|\w{64}", "", response.content.decode())

    assert answer("quiet.example") == answer("unknown.example") == answer("deleted.example")
    assert answer("quiet.example")[0] == 400


def test_a_customer_s_branding_is_shown_under_the_names_of_its_domains(db: None) -> None:
    customer = make_customer()
    make_domain("one.example", customer)
    set_branding(CONSOLE, customer, {"name": "All of ours"})
    assert "All of ours" in sign_in_page("one.example").content.decode()


@pytest.mark.parametrize(
    "host",
    [
        "harbour.example@evil.example",
        "evil.example/harbour.example",
        "harbour.example\t",
        "[::1",
        "a" * 5_000,
        "\xff",
        "",
    ],
)
def test_garbage_for_a_host_is_refused_or_looks_like_nobody(harbour: Domain, host: str) -> None:
    response = sign_in_page(host)
    assert response.status_code in (200, 400) and "Harbour" not in response.content.decode()


def test_signing_in_works_under_a_domain_s_host(harbour: Domain) -> None:
    person = make_mailbox_in(harbour, "ada").user
    assert person is not None
    person.set_password(factories.PASSWORD)
    person.save()
    client = Client(enforce_csrf_checks=True, headers={"Host": "mail.harbour.example"})
    page = client.get(reverse("accounts:sign-in")).content.decode()
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
    assert token is not None
    fields = {"email": person.email, "password": factories.PASSWORD, "csrfmiddlewaretoken": token[1]}
    origin = {"Origin": "http://mail.harbour.example"}
    response = client.post(reverse("accounts:sign-in"), fields, headers=origin)
    assert (response.status_code, response["Location"]) == (303, "/")
    foreign = client.post(reverse("accounts:sign-in"), fields, headers={"Origin": "https://evil.example"})
    assert foreign.status_code == 403


def test_only_hosts_that_are_served_are_remembered(harbour: Domain, django_assert_num_queries: Any) -> None:
    middleware = ServedHostsMiddleware(lambda request: None)  # type: ignore[arg-type, return-value]
    assert middleware._is_served("harbour.example")
    with django_assert_num_queries(0):
        assert middleware._is_served("harbour.example")
    for number in range(5):
        assert not middleware._is_served(f"unknown{number}.example")
    assert list(middleware._served) == ["harbour.example"]


# --- the console, and mails ---------------------------------------------------------------------------------------


def test_a_person_s_console_looks_like_their_domain(harbour: Domain, client_for: ClientFor) -> None:
    ada = make_mailbox_in(harbour, "ada").user
    page = client_for(ada).get(reverse("accounts:account")).content.decode()
    assert 'alt="Harbour mail"' in page and 'data-brand="7a1f5c"' in page and "Harbour office" in page
    stranger = make_mailbox_in(make_domain("elsewhere.example"), "bela").user
    page = client_for(stranger).get(reverse("accounts:account")).content.decode()
    assert "Harbour" not in page and "data-brand" not in page


def test_our_mails_to_people_of_a_domain_come_in_its_name(harbour: Domain, settings: Any) -> None:
    settings.EMAIL_HOST = "127.0.0.1"
    settings.DEFAULT_FROM_EMAIL = "Postkeep <postkeep@server.example>"
    ada = make_mailbox_in(harbour, "ada").user
    assert ada is not None
    assert send_link(ada, OneTimeLink.Kind.RESET, "https://x.example/link/a/", until=timezone.now())
    (sent,) = mail.outbox
    assert sent.from_email == "Harbour mail <postkeep@server.example>"
    assert sent.body.endswith("Harbour office: help@harbour.example\n\n-- \nHarbour mail\n")


# --- the files ----------------------------------------------------------------------------------------------------


def test_a_logo_is_answered_as_a_picture_that_may_be_kept_for_ever(harbour: Domain) -> None:
    logo = brands.looks_of(harbour)["logo"]
    response = Client().get(brands.logo_url(logo))
    assert response.content.startswith(b"\x89PNG") and response["Content-Type"] == "image/png"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert "immutable" in response["Cache-Control"] and "max-age=31536000" in response["Cache-Control"]
    assert "default-src 'none'" in response["Content-Security-Policy"]
    for wrong in (logo.sha256[:-1] + "x.png", f"{logo.sha256}.jpg", f"{logo.sha256}.svg", "0" * 64 + ".png", "..%2f"):
        assert Client().get(f"/brand/logo/{wrong}").status_code == 404


def test_a_stylesheet_is_answered_for_a_colour_and_for_nothing_else(db: None) -> None:
    name = brand_colours.file_name("#7a1f5c")
    response = Client().get(f"/brand/{name}")
    assert response["Content-Type"] == "text/css; charset=utf-8" and "immutable" in response["Cache-Control"]
    assert response.content.decode().startswith('@layer tokens {\n  [data-brand="7a1f5c"] {')
    for wrong in ("7a1f5d-" + name[7:], "7A1F5C" + name[6:], "red;}body{-" + name[7:], name[:-4], "x.css"):
        assert Client().get(f"/brand/{wrong}").status_code == 404, wrong


# --- the pages ----------------------------------------------------------------------------------------------------


def test_the_page_says_what_counts_and_from_where(cast: Cast, client_for: ClientFor) -> None:
    set_branding(CONSOLE, cast.customer, {"name": "Of the customer", "colour": "#7a1f5c"})
    set_branding(CONSOLE, cast.domain, {"colour": "#1d4ed8"})
    client = client_for(cast.domain_administrator)
    page = client.get(reverse("domains:domain-branding", args=[cast.domain.pk])).content.decode()
    assert "Of the customer" in page and "from Ours" in page and "Words on it are white" in page
    assert reverse("domains:domain-branding-reset", args=[cast.domain.pk, "colour"]) in page
    assert reverse("domains:domain-branding-reset", args=[cast.domain.pk, "name"]) not in page
    page = client_for(cast.auditor).get(reverse("domains:domain-branding", args=[cast.domain.pk])).content.decode()
    assert "/reset/" not in page and "branding/edit/" not in page and "branding/logo/" not in page


def test_the_form_saves_tells_the_second_and_says_what_is_wrong(cast: Cast, client_for: ClientFor) -> None:
    client = client_for(cast.domain_administrator)
    url = reverse("domains:domain-branding-edit", args=[cast.domain.pk])
    fields = {
        "name": "Harbour",
        "colour": "#7a1f5c",
        "greeting": "Hello",
        "greeting_de": "Hallo",
        "support_text": "Desk",
        "support_address": "https://help.example.org/",
        "hosts": "mail.example.org\nwebmail.example.org",
        "version": "0",
    }
    assert client.post(url, fields).status_code == 303
    looks = brands.looks_of(cast.domain)
    assert looks["greeting"] == {"": "Hello", "de": "Hallo"} and len(looks.hosts) == 2
    page = client.get(url).content.decode()
    assert ">\nHallo</textarea>" in page and "webmail.example.org" in page
    answer = client.post(url, fields | {"name": "Late"})
    assert answer.status_code == 422 and "Somebody changed this meanwhile" in answer.content.decode()
    for wrong, said in (
        ({"colour": "red;}body{display:none}"}, "six hexadecimal digits"),
        ({"greeting": "line\n" * 10_000}, "500 characters at most"),
        ({"greeting_de": "x" * 501}, "500 characters at most"),
        ({"support_address": "javascript:alert(1)"}, "https://"),
        ({"hosts": "mail.example.net"}, "lies below none"),
        ({"name": "a\0b"}, "Null characters"),
    ):
        answer = client.post(url, fields | {"version": str(looks.version)} | wrong)
        page = answer.content.decode()
        assert answer.status_code == 422 and said in page and "field__error" in page, wrong
    assert brands.looks_of(cast.domain).version == looks.version


def test_the_preview_shows_what_is_typed_and_writes_nothing(cast: Cast, client_for: ClientFor) -> None:
    set_branding(CONSOLE, cast.customer, {"name": "Of the customer"})
    client = client_for(cast.domain_administrator)
    url = reverse("domains:domain-branding-preview", args=[cast.domain.pk])
    page = client.post(url, {"colour": "#ffd400", "greeting": "<b>Hello</b>"}).content.decode()
    assert page.count('data-brand="ffd400"') == 2 and "&lt;b&gt;Hello" in page and "Words on it are black" in page
    assert "Of the customer" in page and "<html" not in page
    page = client.post(url, {"colour": "red;}body{display:none}", "name": "x" * 99}).content.decode()
    assert "data-brand" not in page and "body{" not in page and "characters at most" in page
    assert brands.looks_of(cast.domain).version == 0


@pytest.mark.parametrize(
    ("content", "name", "said"),
    [
        (png(), "logo.png", "The logo is saved."),
        (jpeg(), "logo.png", "The logo is saved."),  # its name is wrong, what it is counts
        (SVG, "logo.svg", "SVG"),
        (SVG, "logo.png", "SVG"),
        (HTML, "logo.jpg", "SVG"),
        (b"GIF89a<script>", "logo.png", "no PNG, JPEG or WebP"),
        (bomb(), "logo.png", "damaged"),
        (bytes(600_000), "logo.png", "512 KiB"),
        (png(3_000, 1), "logo.png", "2048 pixels"),
    ],
)
def test_a_logo_is_uploaded_or_refused_in_words(
    cast: Cast, client_for: ClientFor, content: bytes, name: str, said: str
) -> None:
    client = client_for(cast.domain_administrator)
    url = reverse("domains:domain-branding-logo", args=[cast.domain.pk])
    page = client.post(url, {"logo": SimpleUploadedFile(name, content), "version": "0"}, follow=True)
    assert said in page.content.decode()
    saved = brands.looks_of(cast.domain)["logo"]
    assert (saved is not None) == ("saved" in said)


def test_a_value_is_reset_by_its_button(cast: Cast, client_for: ClientFor) -> None:
    set_branding(CONSOLE, cast.domain, {"name": "Mine"})
    set_logo(CONSOLE, cast.domain, png())
    client = client_for(cast.domain_administrator)
    for name in ("name", "logo"):
        client.post(reverse("domains:domain-branding-reset", args=[cast.domain.pk, name]))
    assert [said.own for said in brands.looks_of(cast.domain).values.values()] == [None] * 5
    assert client.post(reverse("domains:domain-branding-reset", args=[cast.domain.pk, "pk"])).status_code == 404


def test_a_deleted_domain_s_branding_is_only_looked_at(cast: Cast, client_for: ClientFor) -> None:
    delete_domain(CONSOLE, cast.sibling)
    client = client_for(cast.administrator)
    page = client.get(reverse("domains:domain-branding", args=[cast.sibling.pk]))
    assert page.status_code == 200 and "branding/edit/" not in page.content.decode()
    url = reverse("domains:domain-branding-edit", args=[cast.sibling.pk])
    assert client.post(url, {"name": "x"}).status_code == 422
