"""Signatures by the API: own ones, what mail gets now, templates, rules, pictures, and what own ones are worth."""

from __future__ import annotations

import base64

import pytest

from accounts.actors import Actor
from domains.services import profiles
from gateway.models import SignatureRule
from tests.api import world
from tests.api.callers import is_problem
from tests.domains.branding.pictures import png

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast() -> world.World:
    return world.build()


def test_a_mail_client_gets_what_the_gateway_would_add(cast: world.World) -> None:
    path = f"/users/{cast.own.person.pk}"
    made = cast.user.post(f"{path}/signature-pictures", {"name": "logo.png", "data": base64.b64encode(png()).decode()})
    assert made.status_code == 201, made.json()
    html = f'<p>Ada, engineer</p><img src="{made.json()["reference"]}"><script>x</script>'
    first = cast.user.post(f"{path}/signatures", {"name": "Mine", "html": html})
    assert first.json()["isDefault"] is True
    assert "script" not in first.json()["html"]
    found = cast.user.get(f"{path}/signature?to=bob@elsewhere.example").json()
    (picture,) = found["pictures"]
    assert f'src="cid:{picture["cid"]}"' in found["html"]
    assert (found["text"], found["names"], found["isInside"]) == ("Ada, engineer", ["Mine"], False)
    assert base64.b64decode(picture["data"]).startswith(b"\x89PNG")
    second = cast.user.post(f"{path}/signatures", {"name": "Short", "html": "A."})
    assert cast.user.patch(second["Location"], {"isDefault": True}).status_code == 204
    assert cast.user.get(f"{path}/signature").json()["text"] == "A."
    assert [each["isDefault"] for each in cast.user.get(f"{path}/signatures").json()] == [True, False]
    is_problem(cast.user.post(f"{path}/signatures", {"name": "Short", "html": "B."}), 409)
    is_problem(cast.user.delete(made["Location"]), 409)
    assert cast.user.delete(first["Location"]).status_code == 204
    assert cast.user.delete(made["Location"]).status_code == 204
    is_problem(cast.user.post(f"{path}/signature-pictures", {"name": "x", "data": "no base64!"}), 422)


def test_an_administrator_of_a_domain_gives_its_people_a_template(cast: world.World) -> None:
    place = {"scope": "domain", "objectId": cast.own.domain.pk}
    profiles.set_information(Actor.system(), cast.own.mailbox, {"Title": "Engineer"})
    body = place | {"name": "House", "html": "<p>{{ name | email }}<br>{{ title }}<br>{{ fax }}</p>"}
    template = cast.delegate.post("/signature-templates", body)
    assert template.status_code == 201
    assert is_problem(cast.delegate.post("/signature-templates", body), 409)["errors"][0]["field"] == "name"
    wrong = cast.delegate.post("/signature-templates", body | {"name": "X", "html": "{{ salary }}"})
    assert is_problem(wrong, 422)["errors"][0]["field"] == "html"
    foreign = body | {"objectId": cast.foreign.domain.pk}
    assert is_problem(cast.delegate.post("/signature-templates", foreign), 422)["errors"][0]["field"] == "objectId"
    rule = cast.delegate.post(
        "/signature-rules",
        place | {"name": "All", "templateId": template.json()["id"], "people": [cast.own.person.pk], "side": "outside"},
    )
    assert rule.json()["people"] == [cast.own.person.pk]
    assert SignatureRule.objects.get().people == [cast.own.mailbox.pk]
    found = cast.user.get(f"/users/{cast.own.person.pk}/signature?to=bob@elsewhere.example&reply=true").json()
    assert found["names"] == ["House"]
    assert found["text"].endswith("\nEngineer")
    is_problem(cast.delegate.post("/signature-rules", place | {"name": "X", "people": [cast.foreign.person.pk]}), 422)
    assert cast.delegate.patch(rule["Location"], {"isEnabled": False, "position": 1}).status_code == 204
    assert cast.user.get(f"/users/{cast.own.person.pk}/signature").json()["names"] == []
    assert cast.delegate.get("/signature-rules?scope=domain")["X-Total-Count"] == "1"
    query = f"?scope=domain&objectId={cast.own.domain.pk}"
    assert cast.delegate.get(f"/signature-settings{query}").json() == {"own": None, "counts": "first"}
    assert cast.delegate.put("/signature-settings", place | {"own": "never"}).json()["counts"] == "never"
    # what is read only with its place in the query has no version of its own
    is_problem(cast.delegate.put("/signature-settings", place | {"own": "first"}, If_Match='"x"'), 412)
    is_problem(cast.user.post(f"/users/{cast.own.person.pk}/signatures", {"name": "x", "html": "x"}), 409)
    assert cast.delegate.delete(template["Location"]).status_code == 204
    is_problem(cast.delegate.get(rule["Location"]), 404)
