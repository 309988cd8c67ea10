"""Tasks by the API: started with the right of their command, watched, ended; and mails to people."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from jobs.models import Task
from jobs.services import run_waiting
from tests.api import world
from tests.api.callers import caller_for, is_problem
from tests.domains.factories import make_delegate
from tests.smtp_server import Behaviour, SmtpServer, running_server

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast() -> world.World:
    return world.build()


def test_a_task_is_started_watched_and_found_in_the_list(cast: world.World, nothing_noted: None) -> None:
    started = cast.administrator.post("/tasks", {"command": "VerifyAuditTrail", "params": {}})
    assert started.status_code == 202, started.content
    assert started.json()["state"] == "WAITING"
    run_waiting(started.json()["id"])
    found = cast.administrator.get(started["Location"]).json()
    assert found["state"] == "COMPLETED" and found["result"]["sound"] is True
    assert [each["id"] for each in cast.administrator.get("/tasks?state=COMPLETED").json()] == [found["id"]]
    assert cast.administrator.get("/tasks?command=verify_audit_trail").json()[0]["id"] == found["id"]
    assert isinstance(cast.administrator.get(f"{started['Location']}/log").json(), list)
    is_problem(cast.administrator.delete(started["Location"]), 409)
    is_problem(cast.administrator.post(f"{started['Location']}/restart"), 409)


def test_a_waiting_task_is_cancelled_and_started_again(cast: world.World) -> None:
    started = cast.administrator.post("/tasks", {"command": "VerifyAuditTrail", "params": {}})
    assert cast.administrator.delete(started["Location"]).status_code == 204
    assert cast.administrator.get(started["Location"]).json()["state"] == "CANCELLED"
    again = cast.administrator.post(f"{started['Location']}/restart")
    assert again.status_code == 202 and again.json()["id"] != started.json()["id"]


def test_the_right_is_asked_before_the_parameters_and_both_are_named(cast: world.World) -> None:
    is_problem(cast.user.post("/tasks", {"command": "VerifyStore", "params": {"nonsense": 1}}), 403)
    unknown = is_problem(cast.user.post("/tasks", {"command": "Nonsense", "params": {}}), 422)
    assert unknown["errors"][0]["field"] == "command"
    wrong = {"command": "PurgeOldTasks", "params": {"olderThanDays": "x"}}
    assert is_problem(cast.administrator.post("/tasks", wrong), 422)["errors"][0]["field"] == "params.olderThanDays"
    assert Task.objects.count() == 0


def test_the_commands_are_those_one_may_start(cast: world.World) -> None:
    offered = {each["command"]: each for each in cast.administrator.get("/tasks/commands").json()}
    told, _results = offered["PurgeOldTasks"]["params"]
    assert told == {
        "name": "olderThanDays",
        "label": "Tasks, after days",
        "description": "",
        "type": "int",
        "required": False,
        "default": 90,
        "choices": [],
        "isSecret": False,
    }
    own = {each["command"] for each in cast.user.get("/tasks/commands").json()}
    assert "SendTokenMail" in own and "PurgeOldTasks" not in own


def test_tasks_of_others_are_nobody_s_business(cast: world.World) -> None:
    started = cast.administrator.post("/tasks", {"command": "VerifyAuditTrail", "params": {}})
    is_problem(cast.delegate.get(started["Location"]), 404)
    is_problem(cast.delegate.delete(started["Location"]), 404)
    assert cast.delegate.get("/tasks").json() == []


# --- mails to people --------------------------------------------------------------------------------------------------


@pytest.fixture
def mail_server(settings: Any) -> Iterator[SmtpServer]:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    with running_server(Behaviour()) as running:
        settings.EMAIL_HOST, settings.EMAIL_PORT = running.address, running.port
        settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = ""
        settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
        yield running


@pytest.mark.parametrize("command", ["send_welcome_mail", "send_password_reset_mail", "send_token_mail"])
def test_a_person_is_mailed_a_link(cast: world.World, mail_server: SmtpServer, command: str) -> None:
    body = {"command": command, "params": {"recipient": cast.own.mailbox.address}}
    started = cast.delegate.post("/tasks", body)
    assert started.status_code == 202, started.content
    assert "link" not in str(started.json()["params"])
    run_waiting(started.json()["id"])
    assert cast.delegate.get(started["Location"]).json()["state"] == "COMPLETED"
    (mail,) = mail_server.mails
    assert "/link/" in mail and cast.own.mailbox.address in mail


def test_a_mail_goes_to_nobody_whom_the_caller_may_not_write_to(cast: world.World, mail_server: SmtpServer) -> None:
    foreign = {"command": "send_welcome_mail", "params": {"recipient": cast.foreign.mailbox.address}}
    assert is_problem(cast.delegate.post("/tasks", foreign), 422)["errors"][0]["field"] == "params.recipient"
    own = {"command": "send_welcome_mail", "params": {"recipient": cast.own.mailbox.address}}
    is_problem(cast.user.post("/tasks", own), 403)
    root = {"command": "send_token_mail", "params": {"recipient": "root@server.example"}}
    is_problem(cast.administrator.post("/tasks", root), 403)
    long = {"command": "send_token_mail", "params": {"recipient": cast.own.mailbox.address, "validity": 24}}
    assert is_problem(cast.delegate.post("/tasks", long), 422)["errors"][0]["field"] == "params.validity"
    assert Task.objects.count() == 0


def test_a_new_user_is_told_of_the_account(cast: world.World, mail_server: SmtpServer) -> None:
    body = {"email": "new@own.example", "status": "ENABLED", "sendNotification": True}
    made = cast.delegate.post("/users", body)
    assert made.status_code == 201, made.content
    run_waiting(Task.objects.get().pk)
    (mail,) = mail_server.mails
    assert "new@own.example" in mail and "/link/" in mail
    assert cast.delegate.patch(f"/users/{made.json()['id']}", {"sendNotification": True}).status_code == 204
    assert Task.objects.count() == 2


def test_without_a_mail_server_nobody_is_made_who_should_have_been_told(cast: world.World) -> None:
    body = {"email": "new@own.example", "status": "ENABLED", "sendNotification": True}
    assert is_problem(cast.delegate.post("/users", body), 422)["errors"][0]["field"] == "sendNotification"
    assert cast.delegate.get("/users?email=new@own.example").json() == []
    ask = {"command": "send_welcome_mail", "params": {"recipient": cast.own.mailbox.address}}
    is_problem(cast.delegate.post("/tasks", ask), 422)


def test_a_caller_without_the_right_to_set_passwords_tells_nobody(cast: world.World, mail_server: SmtpServer) -> None:
    clerk = caller_for(make_delegate(cast.own.domain, rights=["view_domains", "view_users", "manage_users"]))
    body = {"email": "new@own.example", "status": "ENABLED", "sendNotification": True}
    is_problem(clerk.post("/users", body), 403)
    assert clerk.post("/users", body | {"sendNotification": False}).status_code == 201
