"""Branding by the API: what counts, changing it, the logo, and what is refused."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from accounts.actors import Actor
from accounts.scopes import SERVER
from domains.services.branding import set_branding
from tests.api import world
from tests.api.callers import is_problem
from tests.domains.branding.pictures import SVG, jpeg, png

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast() -> world.World:
    return world.build()


def test_branding_is_read_changed_and_inherited_again(cast: world.World) -> None:
    set_branding(Actor.system(), SERVER, {"name": "The provider", "colour": "#ffd400"})
    path = f"/domains/{cast.own.domain.pk}/branding"
    sent: dict[str, Any] = {
        "name": "Ours",
        "greeting": {"": "Welcome", "de": "Willkommen"},
        "support": {"address": "help@own.example", "text": {"": "Help desk"}},
        "hosts": ["mail.own.example"],
    }
    assert cast.delegate.patch(path, sent).status_code == 204
    found = cast.delegate.get(path).json()
    assert found == sent | {
        "colour": "#ffd400",
        "textColour": "#000000",
        "contrast": 14.67,
        "logo": None,
        "own": ["name", "greeting", "support"],
        "sources": {"name": "domain", "colour": "server", "greeting": "domain", "support": "domain"},
    }
    assert cast.delegate.patch(path, {"name": None, "support": {}}).status_code == 204
    found = cast.delegate.get(path).json()
    assert (found["name"], found["support"], found["greeting"]["de"]) == ("The provider", None, "Willkommen")


def test_a_logo_is_put_read_and_removed(cast: world.World) -> None:
    path = f"/domains/{cast.own.domain.pk}/branding/logo"
    is_problem(cast.delegate.get(path), 404)
    made = cast.delegate.put(path, {"content": base64.b64encode(png(40, 12)).decode()})
    assert made.status_code == 200 and (made.json()["width"], made.json()["contentType"]) == (40, "image/png")
    assert cast.delegate.put(path, {"content": base64.b64encode(jpeg()).decode()}).json()["contentType"] == "image/jpeg"
    found = cast.delegate.get(path).json()
    assert base64.b64decode(found["content"]).startswith(b"\xff\xd8") and found["url"].endswith(".jpg")
    assert cast.delegate.get(f"/domains/{cast.own.domain.pk}/branding").json()["logo"]["sha256"] == found["sha256"]
    assert cast.delegate.delete(path).status_code == 204
    is_problem(cast.delegate.delete(path), 404)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"colour": "red;}body{display:none}"}, "colour"),
        ({"name": "line\n" * 10_000}, "name"),
        ({"name": "two\nlines"}, "name"),
        ({"greeting": {"": "\n".join("123456789")}}, "greeting"),
        ({"greeting": {"xx": "Hello"}}, "greeting"),
        ({"support": {"address": "javascript:alert(1)"}}, "support.address"),
        ({"hosts": ["mail.foreign.example"]}, "hosts"),
        ({"logo": "x"}, "logo"),
    ],
)
def test_what_is_wrong_is_named(cast: world.World, body: Any, field: str) -> None:
    path = f"/domains/{cast.own.domain.pk}/branding"
    problem = is_problem(cast.delegate.patch(path, body), 422)
    assert problem["errors"][0]["field"].startswith(field), problem
    assert cast.delegate.get(path).json()["own"] == []


@pytest.mark.parametrize("content", [base64.b64encode(SVG).decode(), "no base64!", "AAAA" * 200_000, ""])
def test_a_picture_that_is_none_is_refused(cast: world.World, content: str) -> None:
    path = f"/domains/{cast.own.domain.pk}/branding/logo"
    is_problem(cast.delegate.put(path, {"content": content}), 422)
    is_problem(cast.delegate.get(path), 404)


def test_a_foreign_domain_has_no_branding(cast: world.World) -> None:
    path = f"/domains/{cast.foreign.domain.pk}/branding"
    for answer in (
        cast.delegate.get(path),
        cast.delegate.patch(path, {"name": "Mine"}),
        cast.delegate.put(f"{path}/logo", {"content": base64.b64encode(png()).decode()}),
        cast.delegate.delete(f"{path}/logo"),
    ):
        is_problem(answer, 404)
    assert cast.administrator.get(path).json()["own"] == []


def test_a_program_that_saw_an_older_branding_is_told(cast: world.World) -> None:
    path = f"/domains/{cast.own.domain.pk}/branding"
    version = cast.delegate.get(path)["ETag"]
    assert cast.delegate.patch(path, {"name": "One"}, If_Match=version).status_code == 204
    is_problem(cast.delegate.patch(path, {"name": "Two"}, If_Match=version), 412)
