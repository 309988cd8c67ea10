"""What groups of a source give and whom it is bound to, by the API."""

from __future__ import annotations

import pytest

from accounts.models import Grant, GroupRole, Identity, Session
from tests.api import things, world

pytestmark = pytest.mark.django_db


def test_groups_give_roles_as_they_do_on_the_page_and_nobody_gives_more_than_they_hold() -> None:
    cast = world.build()
    ids = things.a_bound_person(cast.own)
    path = f"/sources/{ids['sourceId']}/groups"
    wanted = {"group": "helpers", "role": "help_desk", "scope": "domain", "objectId": cast.own.domain.pk}
    made = cast.administrator.post(path, wanted)
    assert made.status_code == 201, made.content
    assert cast.administrator.get(path).json() == [made.json()]
    assert cast.administrator.post(path, wanted).status_code == 409
    assert cast.administrator.post(path, {**wanted, "role": None}).status_code == 422
    elsewhere = {**wanted, "objectId": cast.foreign.domain.pk}
    assert cast.delegate.post(path, elsewhere).status_code in (404, 422)
    row = GroupRole.objects.get()
    person = cast.own.mailbox.user
    assert person is not None
    Grant.objects.create(
        user=person, source=row.source, role_key="help_desk", level="domain", object_id=cast.own.domain.pk
    )
    assert cast.administrator.delete(f"{path}/{row.pk}").status_code == 204
    assert not Grant.objects.filter(source=row.source).exists() and not GroupRole.objects.exists()


def test_who_is_released_is_out_and_bound_no_more() -> None:
    cast = world.build()
    ids = things.a_bound_person(cast.own)
    person = cast.own.mailbox.user
    Session.objects.create(user=person, how="oidc", key_hash="k", data="", expires_at="2100-01-01T00:00Z")
    path = f"/users/{ids['userId']}/identities/{ids['sourceId']}"
    assert cast.administrator.delete(path).status_code == 204
    assert not Identity.objects.filter(user=person).exists() and not Session.objects.filter(user=person).exists()
    assert cast.administrator.delete(path).status_code == 404


def test_who_somebody_is_at_sources_is_listed_for_who_resets_their_password() -> None:
    cast = world.build()
    ids = things.a_bound_person(cast.own)
    Identity.objects.filter(user=cast.own.mailbox.user).update(groups_lack="elsewhere")
    path = f"/users/{ids['userId']}/identities"
    (row,) = cast.administrator.get(path).json()
    assert (row["sourceId"], row["groupsUnknown"], row["lastUsed"]) == (ids["sourceId"], "elsewhere", None)
