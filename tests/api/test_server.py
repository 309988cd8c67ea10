"""The server by the API: its log, its figures, its reports, and what was counted."""

from __future__ import annotations

import logging
from typing import get_args

import pytest

from api.v1.logs import Part
from config.kit import counters, logbook
from tests.api import world
from tests.api.callers import is_problem

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("servers_running")]
PROMETHEUS = "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,*/*;q=0.1"


@pytest.fixture
def cast() -> world.World:
    return world.build()


def test_the_log_is_searched_page_by_page_and_written_to(cast: world.World) -> None:
    for number in range(5):
        logging.getLogger("postkeep.test").warning("api-log-8812 %d", number)
    first = cast.administrator.get("/server/log?text=api-log-8812&limit=3&level=warning").json()
    assert [line["text"][-1] for line in first["lines"]] == ["4", "3", "2"] and first["next"]
    second = cast.administrator.get(f"/server/log?text=api-log-8812&limit=3&cursor={first['next']}").json()
    assert [line["text"][-1] for line in second["lines"]] == ["1", "0"]
    assert cast.administrator.post("/server/log", {"level": "error", "text": "The roof leaks"}).status_code == 204
    found = cast.administrator.get("/server/log?text=roof%20leaks&level=error").json()["lines"]
    assert found[0]["text"] == "root@server.example: The roof leaks"
    is_problem(cast.administrator.get("/server/log?level=loud"), 422)
    is_problem(cast.delegate.get("/server/log"), 403)


def test_what_the_log_keeps_is_read_and_changed(cast: world.World) -> None:
    assert cast.administrator.get("/server/log/settings").json() == {
        "level": "info", "days": 30, "megabytes": 256, "parts": {},
    }  # fmt: skip
    assert set(get_args(Part)) == set(logbook.PARTS)
    assert cast.administrator.patch("/server/log/settings", {"parts": {"gateway": "debug"}}).status_code == 204
    assert cast.administrator.get("/server/log/settings").json()["parts"] == {"gateway": "debug"}
    assert cast.administrator.patch("/server/log/settings", {"parts": {"gateway": None}}).status_code == 204
    is_problem(cast.administrator.patch("/server/log/settings", {"parts": {"gateway": "loud"}}), 422)
    assert cast.administrator.patch("/server/log/settings", {"days": 12}).status_code == 204
    assert cast.administrator.get("/server/log/settings").json()["days"] == 12
    assert cast.administrator.patch("/server/log/settings", {"days": 30}).status_code == 204
    is_problem(cast.administrator.patch("/server/log/settings", {"days": 0}), 422)


def test_figures_are_walked_set_and_written_as_openmetrics(cast: world.World) -> None:
    listed = [each["id"] for each in cast.administrator.get("/server/elements").json()]
    assert cast.administrator.get("/server/elements/next").json()["id"] == listed[0]
    assert cast.administrator.get(f"/server/elements/next?after={listed[0]}").json()["id"] == listed[1]
    is_problem(cast.administrator.get(f"/server/elements/next?after={listed[-1]}"), 404)
    path = "/server/elements/custom.queue_length"
    assert cast.administrator.put(path, {"value": 3.0}).status_code == 204
    assert cast.administrator.put(path, {"operation": "INC", "value": 2.0}).status_code == 204
    assert cast.administrator.get(path).json()["value"] == 5
    assert cast.administrator.get("/server/elements/disk.free_bytes[/]").json()["value"] > 0
    is_problem(cast.administrator.put("/server/elements/people.accounts", {"value": 3.0}), 422)
    text = cast.administrator.get("/server/metrics", Accept=PROMETHEUS)
    assert text["Content-Type"] == "application/openmetrics-text; version=1.0.0; charset=utf-8"
    body = b"".join(text.streaming_content).decode()
    assert 'postkeep_custom_value{name="queue_length"} 5\n' in body and body.endswith("# EOF\n")
    assert cast.administrator.delete(path).status_code == 204
    is_problem(cast.administrator.get(path), 404)
    is_problem(cast.delegate.get("/server/metrics"), 403)
    is_problem(cast.anonymous.get("/server/metrics"), 401)


def test_counters_are_read_and_reset(cast: world.World) -> None:
    person, domain = cast.own.mailbox.user_id, cast.own.domain.pk
    counters.count(user=person, domain=domain, messages_received=3, bytes_received=300, logins=1)
    told = cast.user.get(f"/users/{person}/statistics").json()
    assert told == {
        "statReset": None, "messagesReceived": 3, "bytesReceived": 300, "messagesSent": 0, "bytesSent": 0, "logins": 1,
    }  # fmt: skip
    assert cast.delegate.delete(f"/users/{person}/statistics?key=logins").status_code == 204
    assert cast.delegate.get(f"/users/{person}/statistics").json()["logins"] == 0
    assert cast.delegate.delete(f"/domains/{domain}/statistics").status_code == 204
    after = cast.delegate.get(f"/domains/{domain}/statistics").json()
    assert after["statReset"] and after["messagesReceived"] == 0
    is_problem(cast.user.delete(f"/users/{person}/statistics"), 403)


def test_the_report_is_read_as_data_and_mailed(cast: world.World) -> None:
    made = cast.administrator.get("/reports/status?timespan=lastweek&timeZoneId=Europe/Berlin").json()
    sections = {each["name"]: each for each in made["sections"]}
    assert {"archived", "jobs", "domain-health"} <= sections.keys() and all(
        each["isComplete"] for each in sections.values()
    )
    (bars,) = [block for block in sections["archived"]["blocks"] if block["kind"] == "bars"]
    assert len(bars["points"]) == 7
    assert {each["name"] for each in cast.delegate.get("/reports/status").json()["sections"]} == {
        "alerts", "domain-health", "mailboxes",
    }  # fmt: skip
    problem = is_problem(cast.administrator.get("/reports/status?timeZoneId=Middle/Earth"), 422)
    assert problem["errors"][0]["field"] == "timeZoneId"
    body = {"timespan": "yesterday", "recipients": ["ops@elsewhere.example"]}
    sent = cast.administrator.post("/reports/status", body)
    assert sent.status_code == 202 and sent.json()["command"] == "SendStatusReport"
    refused = is_problem(cast.delegate.post("/reports/status", body), 422)
    assert refused["errors"][0]["field"] == "recipients"
    is_problem(cast.user.get("/reports/status"), 403)
