"""Second factors by the API: how it stands, initialised and switched off by others, never set up or by oneself."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import TrustedDevice, User
from accounts.services.trusted_devices import stamp_of
from tests.accounts.test_second_factors import with_app
from tests.api import world

pytestmark = pytest.mark.django_db


def test_they_are_seen_initialised_and_switched_off_by_who_resets_passwords() -> None:
    cast = world.build()
    person: User = cast.own.person
    path = f"/users/{person.pk}/mfa"
    assert cast.user.get("/me/mfa").json()["mfaType"] == "NONE"
    with_app(person)
    until = timezone.now() + timedelta(days=1)
    TrustedDevice.objects.create(user=person, token_hash="x", stamp=stamp_of(person), expires_at=until)
    seen = cast.delegate.get(path).json()
    assert (seen["mfaType"], seen["recoveryCodesLeft"], len(seen["trustedDevices"])) == ("TOTP", 10, 1)
    assert "seed" not in str(seen).lower()
    assert cast.user.delete("/me/mfa/devices").status_code == 204
    assert cast.delegate.get(path).json()["trustedDevices"] == []
    assert cast.user.post(path).status_code in (403, 404)
    made = cast.delegate.post(path).json()
    assert (made["mfaType"], made["toBeSetUp"]) == ("NONE", True)
    with_app(person)
    assert cast.delegate.delete(path).status_code == 204
    assert cast.delegate.get(path).json()["mfaType"] == "NONE"
    role = {"name": "Desk", "scope": "domain", "objectId": cast.own.domain.pk, "permissions": ["view_users"]}
    role_id = cast.delegate.post("/roles", role | {"needsSecondFactor": True}).json()["id"]
    assert cast.delegate.get(f"/roles/{role_id}").json()["needsSecondFactor"]
    assert cast.delegate.patch(f"/roles/{role_id}", {"needsSecondFactor": False}).status_code == 204
    assert not cast.delegate.get(f"/roles/{role_id}").json()["needsSecondFactor"]
