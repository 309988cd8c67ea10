"""Reads of Cleanmail's manual, each with the status and the shape of its sample."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api import world
from tests.api.dialects.calling import call, switch_on
from tests.archive.django.conftest import stores

__all__ = ["stores"]
pytestmark = pytest.mark.django_db

# path → what every entry has, or the object itself
LISTS = {
    "/security/admins": {"id", "email"},
    "/security/permissions?scope=domain&id={domain}": set(),
    "/domains": {"id", "name", "status"},
    "/domains/{domain}/aliases": set(),
    "/domains/{domain}/policies": {"id", "name", "domainId"},
    "/domains/{domain}/admins": {"id", "email"},
    "/domains/{domain}/options": set(),
    "/domains/{domain}/users": {"id", "email"},
    "/domains/{domain}/groups": set(),
    "/domains/{domain}/wblist": set(),
    "/domains/{domain}/filters/attachments": set(),
    "/domains/{domain}/filters/uris": set(),
    "/admins/{admin}/tokens": {"id"},
    "/users": {"id", "email"},
    "/users/{user}/options": set(),
    "/users/{user}/wblist": set(),
    "/users/{user}/emails/folders": set(),
    "/users/{user}/emails/Quarantine": set(),
}  # fmt: skip
OBJECTS = {
    "/domains/{domain}": {"id", "name", "status"},
    "/users/{user}": {"id", "email", "domainId"},
    "/policies/{policy}": {"id", "name", "domainId"},
}


def test_reads_have_the_status_and_the_shape_of_the_manual(stores: None) -> None:
    switch_on("cleanmail")
    cast = world.build()
    user = cast.own.person
    values = {"domain": cast.own.domain.pk, "user": user.pk, "admin": user.pk}
    values["policy"] = cast.own.domain.default_policy_id or 0
    wrong: list[str] = []
    for path, names in [*LISTS.items(), *OBJECTS.items()]:
        token = cast.user.token if path.startswith(("/users/", "/admins/")) else cast.administrator.token
        headers: dict[str, Any] = {"Authorization": f"Bearer {token}"}
        answer = call("GET", f"/cleanmail/api/v3{path.format(**values)}", **headers)
        found = answer.json()
        entries = found if path in LISTS else [found]
        if answer.status_code != 200 or not isinstance(entries, list):
            wrong.append(f"{path}: {answer.status_code} {found}")
        elif not all(names <= set(each) for each in entries):
            wrong.append(f"{path}: not {names} in {entries}")
        elif any(not isinstance(each["id"], str) for each in entries if "id" in names):
            wrong.append(f"{path}: an id that is no text")
    assert not wrong, "\n".join(wrong)
