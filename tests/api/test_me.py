"""A program asks who it is."""

from __future__ import annotations

import datetime as dt

import pytest
from django.utils import timezone

from accounts.models import ApiToken, User
from accounts.permissions import Level, Right
from tests.api.callers import caller_for, is_problem
from tests.domains.factories import make_delegate, make_domain

pytestmark = pytest.mark.django_db


def test_an_administrator_s_token_may_all_but_what_is_personal(administrator: User) -> None:
    found = caller_for(administrator).get("/me").json()
    assert (found["id"], found["email"], found["sysAdmin"]) == (administrator.pk, administrator.email, True)
    assert set(found["rights"]) == set(Right) - {Right.ACT_AS, Right.READ_OTHERS_MAIL}
    assert found["token"]["rights"] is None and found["token"]["expiration"] is None
    assert not found["token"]["readOnly"]


def test_a_delegate_sees_their_scopes() -> None:
    domain = make_domain()
    found = caller_for(make_delegate(domain)).get("/me").json()
    assert [(each["scope"], each["id"]) for each in found["holdings"]] == [(Level.DOMAIN, domain.pk)]
    assert "edit_domains" in found["rights"] and "create_domains" not in found["rights"]
    assert not found["sysAdmin"]


def test_a_user_holds_nothing(user: User) -> None:
    found = caller_for(user).get("/me").json()
    assert (found["rights"], found["holdings"]) == ([], [])


def test_a_token_narrows_and_says_when_it_ends(administrator: User) -> None:
    caller = caller_for(administrator)
    end = timezone.now() + dt.timedelta(hours=1)
    ApiToken.objects.update(rights=["view_domains"], read_only=True, expires_at=end)
    found = caller.get("/me").json()
    assert found["rights"] == ["view_domains"]
    assert found["token"]["readOnly"] is True
    assert dt.datetime.fromisoformat(found["token"]["expiration"]) == end
    ApiToken.objects.update(expires_at=timezone.now())
    is_problem(caller.get("/me"), 401)
