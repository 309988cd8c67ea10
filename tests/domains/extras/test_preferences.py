"""Preferences of programs: the account's own before those of its domain, customer and server, name by name."""

from __future__ import annotations

from collections.abc import Callable

from django.test import Client
from django.urls import reverse

from accounts.actors import Actor
from accounts.models import User
from accounts.permissions import Level
from accounts.scopes import SERVER
from accounts.services.options import set_option
from domains.services import profiles
from tests.domains.factories import make_customer, make_delegate, make_domain, make_mailbox_in

SYSTEM = Actor.system()
NAME = profiles.DEFAULT_PREFERENCES


def test_each_name_is_said_by_the_nearest_level(db: None) -> None:
    domain = make_domain(customer=make_customer())
    mailbox, beside = make_mailbox_in(domain), make_mailbox_in(make_domain())
    set_option(SYSTEM, SERVER, NAME, "rows: 25\nzone: UTC\nskin: plain\nlayout: wide")
    set_option(SYSTEM, domain.customer, NAME, "zone: Europe/Oslo\nskin: ours")
    set_option(SYSTEM, domain, NAME, "skin: domain")
    profiles.set_preferences(SYSTEM, mailbox, {"rows": 50})
    assert profiles.effective_preferences(mailbox) == [
        ("layout", "wide", Level.SERVER),
        ("rows", 50, Level.USER),
        ("skin", "domain", Level.DOMAIN),
        ("zone", "Europe/Oslo", Level.CUSTOMER),
    ]
    assert {level for _name, _value, level in profiles.effective_preferences(beside)} == {Level.SERVER}


def test_the_page_shows_where_each_comes_from_and_edits_the_own_ones(
    client_for: Callable[[User | None], Client],
) -> None:
    mailbox = make_mailbox_in(make_domain())
    set_option(SYSTEM, mailbox.domain, NAME, "skin: domain")
    profiles.set_preferences(SYSTEM, mailbox, {"rows": 50, "gone": True})
    client = client_for(make_delegate(mailbox.domain))
    edit = reverse("domains:user-preferences", args=[mailbox.pk])
    assert "rows: 50" in client.get(edit).content.decode()
    assert client.post(edit, {"preferences": "rows: 50\nskin: mine"}).status_code == 303
    assert profiles.profile_of(mailbox).preferences == {"rows": 50, "skin": "mine"}  # a number stays one
    assert client.post(edit, {"preferences": "no good: x"}).status_code == 422
    assert client.post(edit, {"preferences": ""}).status_code == 303
    page = client.get(reverse("domains:user-profile", args=[mailbox.pk])).content.decode()
    assert "skin" in page and ">domain <" in page and "rows" not in page.partition("Preferences of programs")[2][:600]
