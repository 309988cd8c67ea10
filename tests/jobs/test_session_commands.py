"""The commands about sessions, by the names other programs know."""

from __future__ import annotations

from typing import Any

from accounts.actors import Actor
from accounts.models import Session
from jobs.commands import get_command
from jobs.models import Task
from jobs.services import run_here
from tests.factories import make_session
from tests.stage import Cast


def invoke(actor: Actor, name: str, **values: str) -> Any:
    arguments = get_command(name).arguments_from_strings({key: [value] for key, value in values.items()})
    task = run_here(actor, name, arguments)
    assert task.state == Task.State.COMPLETED, task.error
    return task.result


def test_sessions_are_listed_found_read_and_ended_by_command(cast: Cast) -> None:
    session, foreign = make_session(cast.user, address="192.0.2.7"), make_session(cast.stranger)
    desk = Actor.for_user(cast.domain_administrator)
    listed = invoke(desk, "GetActiveSessions")
    assert [each["userName"] for each in listed["sessions"]] == [cast.user.email] and listed["count"] == 1
    of_user = {"account_name": cast.user.email}
    assert invoke(desk, "ListAccountSessions", **of_user, address="192.0.2.7")["sessions"] == [str(session.pk)]
    assert invoke(desk, "ListAccountSessions", **of_user, address="192.0.2.8")["sessions"] == []
    assert invoke(desk, "FindAccountSession", **of_user, protocol="XIMSS")["session"] is None
    assert invoke(desk, "FindAccountSession", **of_user)["session"] == str(session.pk)
    assert invoke(desk, "GetSession", session_id=str(session.pk))["session"]["signedInBy"] == "password"
    refused = run_here(
        desk, "KillSession", get_command("KillSession").arguments_from_json({"sessionID": str(foreign.pk)})
    )
    assert refused.state == Task.State.FAILED
    assert invoke(desk, "KillSession", session_id=str(session.pk)) == {"ended": 1}
    make_session(cast.user)
    assert invoke(desk, "KillAccountSessions", **of_user) == {"ended": 1}
    assert invoke(desk, "KillAccountSessions", **of_user) == {"ended": 0}  # a second run does no harm
    assert list(Session.objects.all()) == [foreign]


def test_networks_are_blocked_listed_and_let_in_by_command(db: None) -> None:
    console = Actor.console()
    assert invoke(console, "TempBlacklistIp", address="198.51.100.7", timeout="3600") == {"blocked": "198.51.100.7/32"}
    invoke(console, "TempBlacklistIp", address="203.0.113.0/24")
    listed = invoke(console, "GetTempBlacklistedIps")["addresses"].split(",")
    assert listed[0] == "203.0.113.0/24-*" and listed[1].startswith("198.51.100.7/32-3")
    for _run in range(2):  # a second run does no harm
        invoke(console, "TempBlacklistIp", address="198.51.100.7", delete="true")
    assert invoke(console, "TempBlacklistIp", address="203.0.113.0/24", timeout="0") == {"unblocked": True}
    invoke(console, "ReportFailedLoginAddress", address="198.51.100.9")
    (failed,) = invoke(console, "GetFailedSignIns")["failed"]
    assert (failed["address"], failed["door"], failed["isKnown"]) == ("198.51.100.9", "reported", False)
