"""A list gets another address on its page: by who manages lists, not by its owner."""

from __future__ import annotations

from collections.abc import Callable

from django.test import Client
from django.urls import reverse

from accounts.actors import Actor
from accounts.models import User
from domains.models import Address
from domains.services.lists.settings import create_list
from tests.domains.factories import make_delegate, make_domain, make_mailbox_in

SYSTEM = Actor.system()
VALUES = {
    "owner": "ada", "subscribing": "confirmed", "posting": "subscribers", "first_moderated": "0", "reply_to": "sender",
    "bounces_allowed": "5", "confirm_hours": "72",
}  # fmt: skip


def test_a_list_is_renamed_where_lists_are_managed(client_for: Callable[[User | None], Client]) -> None:
    ada = make_mailbox_in(make_domain("example.com"), "ada")
    found = create_list(SYSTEM, ada.domain, email="news", owner=ada)
    page = reverse("domains:list-edit", args=[found.pk])
    chief, owner = client_for(make_delegate(ada.domain)), client_for(ada.user)
    assert chief.post(page, {**VALUES, "email": "ada"}).status_code == 422  # taken
    assert chief.post(page, {**VALUES, "email": "News@Example.com", "name": "Same"}).status_code == 303
    assert chief.post(page, {**VALUES, "email": "bulletin", "name": "Ours"}).status_code == 303
    address = Address.objects.get(kind="list")
    assert (address.text, address.name) == ("bulletin@example.com", "Ours")
    assert owner.post(page, {**VALUES, "email": "mine", "name": "Theirs"}).status_code == 303
    address.refresh_from_db()
    assert (address.text, address.name) == ("bulletin@example.com", "Theirs")
