"""What somebody chose about pages follows them to another browser, and stays theirs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts import remembering
from accounts.models import Preference, User
from accounts.permissions import Level
from accounts.scopes import ScopeRef
from accounts.services import leaving
from tests.factories import make_user

ClientFor = Callable[[User | None], Client]
LIST = "jobs.tasks"


def remember(client: Client, do: str, **fields: Any) -> None:
    answer = client.post(reverse("config:list-memory"), {"list": LIST, "next": "/tasks/", "do": do, **fields})
    assert answer.status_code == 303


def shown(client: Client) -> tuple[list[str], int, list[str]]:
    """Columns, rows, own views."""
    found = client.get("/tasks/").context["list"]
    return (
        [str(head.label) for head in found.table.heads],
        found.asked.size,
        [str(tab.label) for tab in found.own_views],
    )


def test_columns_rows_and_views_are_there_in_another_browser(client_for: ClientFor, user: User, stranger: User) -> None:
    first, second, other = client_for(user), client_for(user), client_for(stranger)
    usual = shown(other)
    remember(first, "show", column=["state"], size="25")
    remember(first, "save", name="Bad ones", query="state=failed")
    assert shown(second) == (["Task", "State"], 25, ["Bad ones"])
    assert shown(other) == usual
    assert not any(name.startswith("prefer.") for name in first.cookies)  # nothing for who sits there next
    remember(second, "remove", name="Bad ones")
    remember(second, "reset")
    assert shown(first) == usual and not Preference.objects.exists()


def test_looks_are_there_in_another_browser(client_for: ClientFor, user: User) -> None:
    client_for(user).post(reverse("config:preferences"), {"theme": "dark", "rows": "compact", "language": "de"})
    page = client_for(user).get("/account/").content.decode()
    assert '<html lang="de" data-theme="dark" data-rows="compact">' in page


def test_how_pages_look_is_everybodys_to_say_and_their_name_is_not(client_for: ClientFor, user: User) -> None:
    User.objects.filter(pk=user.pk).update(denied_rights=["edit_profile"])
    client = client_for(user)
    assert client.post(reverse("config:preferences"), {"theme": "dark", "rows": "compact"}).status_code == 303
    assert client.post(reverse("config:preferences"), {"language": "de"}).status_code == 403
    user.refresh_from_db()
    assert (user.theme, user.rows, user.language) == ("dark", "compact", "")


def test_who_acts_as_somebody_leaves_their_lists_alone(client_for: ClientFor, user: User, administrator: User) -> None:
    remember(client_for(user), "save", name="Mine", query="state=failed")
    acting = client_for(administrator)
    assert acting.post(reverse("accounts:act-as", args=[user.pk]), {"reason": "asked to"}).status_code == 303
    remember(acting, "save", name="Meanwhile", query="state=done")
    assert shown(acting)[2] == ["Meanwhile"]
    assert shown(client_for(user))[2] == ["Mine"]


@pytest.mark.parametrize("much", ["keys", "bytes"])
def test_nobody_keeps_without_end(
    client_for: ClientFor, user: User, monkeypatch: pytest.MonkeyPatch, much: str
) -> None:
    client = client_for(user)
    remember(client, "save", name="First", query="q=a")
    monkeypatch.setattr(remembering, f"MOST_{much.upper()}", 1)
    answer = client.post(
        reverse("config:list-memory"), {"list": "accounts.users", "do": "save", "name": "x", "query": "q=b"}
    )
    assert answer.status_code == 303 and Preference.objects.count() == 1


def test_a_name_with_a_zero_byte_is_kept_without_it(client_for: ClientFor, user: User) -> None:
    client = client_for(user)
    remember(client, "save", name="a\0b", query="q=a")
    assert shown(client)[2] == ["ab"]


def test_they_go_with_the_person(client_for: ClientFor) -> None:
    person = make_user()
    remember(client_for(person), "save", name="Mine", query="q=a")
    leaving.leave_many(User.objects.filter(pk=person.pk), ScopeRef(Level.USER, person.pk))
    assert not Preference.objects.exists()
