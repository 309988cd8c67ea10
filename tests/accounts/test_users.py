"""The pages about people, and one's own."""

from __future__ import annotations

import re
from collections.abc import Callable

from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from tests import factories
from tests.factories import PASSWORD

ClientFor = Callable[[User | None], Client]


def test_an_administrator_invites_somebody_who_then_gets_in(client_for: ClientFor, administrator: User) -> None:
    client = client_for(administrator)
    values = {"email": "Ada@example.org", "name": "Ada"}
    response = client.post(reverse("accounts:user-create"), values)
    assert response.status_code == 200
    assert "no-store" in response["Cache-Control"]
    found = re.search(r"http://[^\"<\s]+(/link/[^\"<\s]+)", response.content.decode())
    assert found
    ada = Client()
    assert ada.post(found[1], {"password": PASSWORD}).status_code == 303
    assert ada.get(reverse("accounts:account")).status_code == 200
    assert (
        found[1]
        not in client.get(reverse("accounts:user-detail", args=[User.objects.get(name="Ada").pk])).content.decode()
    )


def test_a_taken_or_bad_address_is_said_at_the_field(client_for: ClientFor, administrator: User, user: User) -> None:
    client = client_for(administrator)
    for email, says in ((user.email, "already"), ("nonsense", "name@example.org")):
        response = client.post(reverse("accounts:user-create"), {"email": email})
        assert response.status_code == 422
        assert says in response.content.decode()


def test_a_person_is_shut_out_and_let_in_again(client_for: ClientFor, administrator: User, user: User) -> None:
    client = client_for(administrator)
    assert client.post(reverse("accounts:user-disable", args=[user.pk])).status_code == 303
    assert not User.objects.get(pk=user.pk).is_active
    response = client.post(reverse("accounts:user-link", args=[user.pk]), follow=True)
    assert "may not sign in" in response.content.decode()
    assert client.post(reverse("accounts:user-enable", args=[user.pk])).status_code == 303
    assert User.objects.get(pk=user.pk).is_active


def test_the_last_administrator_stays(client_for: ClientFor, administrator: User) -> None:
    response = client_for(administrator).post(reverse("accounts:user-disable", args=[administrator.pk]), follow=True)
    assert "last administrator" in response.content.decode()
    assert User.objects.get(pk=administrator.pk).is_active


def test_the_list_is_searched_by_name_and_address(client_for: ClientFor, administrator: User) -> None:
    factories.make_user("ada@example.org", name="Countess")
    factories.make_user("bob@example.org")
    client = client_for(administrator)
    for word in ("ada", "countess", "ada example"):
        page = client.get(reverse("accounts:user-list"), {"q": word}).content.decode()
        assert "ada@example.org" in page and "bob@example.org" not in page
    for nobody in ("zzz", "zz\0z"):
        assert "Nobody has this" in client.get(reverse("accounts:user-list"), {"q": nobody}).content.decode()


def test_htmx_gets_only_the_list(client_for: ClientFor, administrator: User) -> None:
    headers = {"HX-Request": "true", "HX-Target": "list"}
    response = client_for(administrator).get(reverse("accounts:user-list"), headers=headers)
    assert b"<html" not in response.content and administrator.email in response.content.decode()
    assert "HX-Request" in response["Vary"]


def test_the_list_is_narrowed_to_administrators_and_to_who_is_shut_out(
    client_for: ClientFor, administrator: User
) -> None:
    out, _in = factories.make_user("out@example.org"), factories.make_user("in@example.org")
    User.objects.filter(pk=out.pk).update(is_active=False)
    client = client_for(administrator)
    for query, there, gone in (
        ({"active": "no"}, [out.email], [administrator.email, "in@example.org"]),
        ({"administrator": "yes"}, [administrator.email], [out.email]),
        ({"q": "active:no"}, [out.email], ["in@example.org"]),
    ):
        page = client.get(reverse("accounts:user-list"), {"format": "csv", **query}).getvalue().decode()
        assert all(email in page for email in there) and not any(email in page for email in gone)


def test_the_list_asks_the_same_number_of_questions_at_every_size(
    client_for: ClientFor, administrator: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    client = client_for(administrator)
    url = reverse("accounts:user-list")
    client.get(url)
    with django_assert_num_queries(9):
        client.get(url)
    for _ in range(60):
        factories.make_user(password=None)
    with django_assert_num_queries(9):
        client.get(url)


def test_a_person_chooses_name_language_and_theme(client_for: ClientFor, user: User) -> None:
    client = client_for(user)
    url = reverse("accounts:account")
    assert client.post(url, {"name": "Ann", "language": "de", "theme": "dark"}).status_code == 303
    user.refresh_from_db()
    assert (user.name, user.language, user.theme) == ("Ann", "de", "dark")
    page = client.get(url).content.decode()
    assert '<html lang="de" data-theme="dark"' in page
    assert client.post(url, {"name": "Ann", "language": "xx", "theme": "pink"}).status_code == 422


def test_nobody_can_make_themselves_administrator_through_their_page(client_for: ClientFor, user: User) -> None:
    client_for(user).post(
        reverse("accounts:account"),
        {"name": "x", "language": "", "theme": "light", "is_administrator": "on", "administrator": "on"},
    )
    user.refresh_from_db()
    assert not user.is_administrator
