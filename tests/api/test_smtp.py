"""The mail server by the API: set as a whole, its password never answered, tried as a task."""

from __future__ import annotations

import pytest

from tests.api import world
from tests.api.callers import is_problem

pytestmark = pytest.mark.django_db


def test_it_is_set_read_tried_and_forgotten() -> None:
    cast = world.build()
    before = cast.administrator.get("/server/smtp").json()
    assert before["hostname"] is None and not before["isFromEnvironment"]
    settings = {
        "hostname": "mail.example.org", "port": 587, "protocol": "SMTP-TLS", "ignoreSslPolicyErrors": False,
        "authenticationRequired": True, "username": "us", "password": "secret", "fromDisplayName": "Post",
        "fromEmailAddress": "post@example.org", "recipientEmailAddresses": ["notices@example.org"],
    }  # fmt: skip
    assert cast.administrator.put("/server/smtp", settings).status_code == 204
    read = cast.administrator.get("/server/smtp").json()
    assert read["hasPassword"] and "password" not in read
    assert {**read, **{key: value for key, value in settings.items() if key != "password"}} == read
    kept = {key: value for key, value in settings.items() if key != "password"}
    assert cast.administrator.put("/server/smtp", kept).status_code == 204
    problem = is_problem(cast.administrator.put("/server/smtp", kept | {"hostname": "evil.example"}), 422)
    assert problem["errors"][0]["field"] == "password"
    problem = is_problem(cast.administrator.put("/server/smtp", settings | {"fromEmailAddress": "post"}), 422)
    assert problem["errors"][0]["field"] == "fromEmailAddress"
    tried = cast.administrator.post("/server/smtp/test", {"recipient": "ada@example.org"})
    assert tried.status_code == 202 and tried.json()["command"] == "TestSmtpSettings"
    assert cast.administrator.delete("/server/smtp").status_code == 204
    assert cast.administrator.get("/server/smtp").json()["hostname"] is None
