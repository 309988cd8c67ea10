"""Options count where they say: session length, time zone, rows of a list, the sign-in page, support."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.actors import Actor
from accounts.models import AuditEvent
from accounts.scopes import SERVER
from accounts.services.options import set_option
from tests import factories
from tests.domains.factories import make_delegate
from tests.stage import Cast

SYSTEM = Actor.system()


def test_times_are_shown_in_the_zone_of_the_domain_or_ones_own(cast: Cast, client_for: Any) -> None:
    set_option(SYSTEM, cast.domain, "TIME_ZONE", "Asia/Tokyo")
    page = client_for(cast.user).get(reverse("accounts:own-history")).content.decode()
    assert "JST" in page
    set_option(Actor.for_user(cast.user), cast.user, "TIME_ZONE", "America/New_York")
    page = client_for(cast.user).get(reverse("accounts:own-history")).content.decode()
    assert "JST" not in page and ("EST" in page or "EDT" in page)
    assert timezone.get_current_timezone_name() == "UTC"


def test_a_list_shows_as_many_rows_as_were_wanted(cast: Cast, client_for: Any) -> None:
    set_option(SYSTEM, SERVER, "PAGE_SIZE", 10)
    for _n in range(12):
        make_delegate(cast.domain)
    page = client_for(cast.administrator).get(reverse("accounts:administrator-list")).content.decode()
    assert page.count("<tr") == 11  # with the head


def test_the_session_ends_when_the_option_says(cast: Cast) -> None:
    set_option(SYSTEM, cast.domain, "SESSION_HOURS", 2)
    user = cast.user
    user.set_password(factories.PASSWORD)
    user.save()
    client = Client()
    client.post(reverse("accounts:sign-in"), {"email": user.email, "password": factories.PASSWORD})
    assert 7_100 < client.session.get_expiry_age() <= 7_200


@pytest.mark.django_db
def test_the_sign_in_page_says_what_the_server_wants(client: Client) -> None:
    set_option(SYSTEM, SERVER, "SIGN_IN_TEXT", "Example Ltd.\n<b>Only</b> for staff")
    set_option(SYSTEM, SERVER, "SUPPORT_EMAIL", "help@example.org")
    page = client.get(reverse("accounts:sign-in")).content.decode()
    assert "Example Ltd." in page and "&lt;b&gt;Only" in page and "mailto:help@example.org" in page


def test_the_support_address_is_on_the_account_page(cast: Cast, client_for: Any) -> None:
    set_option(SYSTEM, cast.customer, "SUPPORT_EMAIL", "desk@example.org")
    assert "desk@example.org" in client_for(cast.user).get(reverse("accounts:account")).content.decode()
    assert "desk@example.org" not in client_for(cast.stranger).get(reverse("accounts:account")).content.decode()


def test_options_are_set_and_inherited_again_on_their_page(cast: Cast, client_for: Any) -> None:
    client = client_for(cast.domain_administrator)
    page = reverse("accounts:scope-options", args=["domain", cast.domain.pk])
    assert "the default" in client.get(page).content.decode()
    edit = reverse("accounts:option-edit", args=["domain", cast.domain.pk, "TIME_ZONE"])
    assert client.get(edit).status_code == 200
    assert client.post(edit, {"value": "Europe/Oslo"}).status_code == 303
    shown = client.get(page).content.decode()
    assert "Europe/Oslo" in shown and "option" in shown
    assert client.post(edit, {"value": "Nowhere/Land"}).status_code == 422
    wrong = reverse("accounts:option-edit", args=["domain", cast.domain.pk, "NO_SUCH"])
    assert client.get(wrong).status_code == 404
    of_server = reverse("accounts:option-edit", args=["domain", cast.domain.pk, "SIGN_IN_TEXT"])
    assert client.get(of_server).status_code == 404
    assert (
        client.post(reverse("accounts:option-reset", args=["domain", cast.domain.pk, "TIME_ZONE"])).status_code == 303
    )
    assert AuditEvent.objects.filter(action="option.reset", domain_id=cast.domain.pk).exists()
    assert client.get(reverse("accounts:scope-options", args=["domain", cast.elsewhere.pk])).status_code == 404
    assert client.get(reverse("accounts:scope-options", args=["server", 0])).status_code == 403
    assert client.get(reverse("accounts:scope-options", args=["planet", 7])).status_code == 404
