"""The server's log for people: searched with a right of its own, written to, and bounded as somebody said."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator

import pytest
from django.test import Client
from django.urls import reverse

from accounts.actors import Actor
from accounts.errors import Forbidden
from accounts.models import AuditEvent, Grant, User
from config.kit import logbook, paths
from config.kit.log_search import Wanted
from jobs import logs
from jobs.commands import get_command
from jobs.errors import BadArguments
from jobs.models import Task
from jobs.services import run_here
from tests import factories

pytestmark = pytest.mark.django_db
log = logging.getLogger("postkeep.test")


@pytest.fixture(autouse=True)
def usual() -> Iterator[None]:
    yield
    (paths.home() / "log" / "settings.json").unlink(missing_ok=True)
    logbook.follow(at_once=True)


def invoke(actor: Actor, name: str, **given: object) -> Task:
    return run_here(actor, name, get_command(name).arguments_from_json(given))


def test_a_line_that_the_server_wrote_is_found(administrator: User) -> None:
    log.warning("the %s is away", "moon-7141")
    (line,) = logs.search_log(Actor.for_user(administrator), Wanted(text="MOON-7141")).lines
    assert (line.level, line.text, line.logger) == ("warning", "the moon-7141 is away", "postkeep.test")
    event = AuditEvent.objects.get(action="log.search")
    assert event.details["text"] == "MOON-7141"


def test_only_who_may_reads_it_and_only_who_runs_the_server_changes_it(user: User) -> None:
    with pytest.raises(Forbidden):
        logs.search_log(Actor.for_user(user), Wanted())
    reader = factories.make_user("reader@example.org")
    Grant.objects.create(user=reader, rights=["view_logs"], level="server", object_id=0, object_label="Server")
    actor = Actor.for_user(reader)
    assert logs.search_log(actor, Wanted(), limit=1)
    for change in (lambda: logs.set_log_settings(actor, days=1), lambda: logs.write_log(actor, "info", "x")):
        with pytest.raises(Forbidden):
            change()


def test_a_request_is_followed_by_its_id(
    administrator: User, client_for: Callable[[User | None], Client], settings: object
) -> None:
    client = client_for(administrator)
    refused = client.get("/no-such-page/")
    request = refused["X-Request-ID"]
    page = client.get(reverse("jobs:log"), {"request": request})
    assert "/no-such-page/" in page.content.decode() and request in page.content.decode()


def test_the_page_searches_goes_on_and_says_when_nothing_fits(
    administrator: User, client_for: Callable[[User | None], Client]
) -> None:
    client, url = client_for(administrator), reverse("jobs:log")
    for number in range(120):
        log.info("page-4242 line %d", number)
    first = client.get(url, {"text": "page-4242"}).content.decode()
    assert "line 119" in first and "line 19<" not in first and "after=" in first
    partial = client.get(url, {"text": "page-4242"}, headers={"HX-Request": "true"}).content.decode()
    assert "line 119" in partial and "<html" not in partial
    assert "No line like this" in client.get(url, {"text": "no-such-words-at-all"}).content.decode()
    searches = AuditEvent.objects.filter(action="log.search", details__text="page-4242")
    before = searches.count()
    onward = next(part for part in first.split('"') if "after=" in part).replace("&amp;", "&")
    assert "line 19<" in client.get(url + onward[onward.index("?") :]).content.decode()
    assert searches.count() == before  # going on is no new search
    client.get(url, {"text": "secret-words", "after": "postkeep.log:999999999"})  # but a made-up place to go on from is
    assert AuditEvent.objects.filter(action="log.search", details__text="secret-words").count() == 1
    assert client.get(url, {"since": "soon", "after": "../../etc/passwd:3"}).status_code == 200


def test_what_is_kept_is_set_on_its_page(administrator: User, client_for: Callable[[User | None], Client]) -> None:
    client, url = client_for(administrator), reverse("jobs:log-settings")
    assert client.post(url, {"level": "debug", "days": 7, "megabytes": 1}).status_code == 422
    assert client.post(url, {"level": "debug", "days": 7, "megabytes": 64, "part_api": "loud"}).status_code == 422
    values = {"level": "debug", "days": 7, "megabytes": 64, "part_api": "error", "part_jobs": ""}
    assert client.post(url, values).status_code == 303
    assert logbook.read_settings() == logbook.LogSettings("debug", 7, 64, {"api": "error"})
    assert 'value="error" selected' in client.get(url).content.decode()
    event = AuditEvent.objects.get(action="log.settings")
    assert event.changes == {
        "level": ["info", "debug"],
        "days": [30, 7],
        "megabytes": [256, 64],
        "parts": [{}, {"api": "error"}],
    }
    logging.getLogger("postkeep.x").debug("a detail 9911")
    assert logs.search_log(Actor.for_user(administrator), Wanted(text="detail 9911")).lines


def test_the_commands_search_write_and_set(administrator: User) -> None:
    actor = Actor.for_user(administrator)
    for level in ("2", "error"):
        assert invoke(actor, "WriteLog", level=level, text="The cellar is wet 5512").state == Task.State.COMPLETED
    found = invoke(actor, "SearchLog", text="cellar is wet 5512", level="error").result
    assert found is not None and len(found["lines"]) == 2 and found["complete"]
    assert found["lines"][0]["text"] == "administrator@example.org: The cellar is wet 5512"
    assert invoke(actor, "SearchLog", since="soon").state == Task.State.FAILED
    assert invoke(actor, "WriteLog", level="9", text="x").state == Task.State.FAILED
    for _run in range(2):
        assert invoke(actor, "SetLogEverything", enabled=True).state == Task.State.COMPLETED
        assert invoke(actor, "GetLogSettings").result == {"level": "debug", "days": 30, "megabytes": 256, "parts": {}}
    invoke(actor, "SetLogEverything", enabled=False)
    assert invoke(actor, "SetLogSettings", days=3).result == {"level": "info", "days": 3, "megabytes": 256, "parts": {}}
    done = invoke(actor, "SetLogSettings", parts={"gateway": "debug", "api": "3"}).result
    assert done is not None and done["parts"] == {"api": "warning", "gateway": "debug"}
    done = invoke(actor, "SetLogSettings", parts={"api": None}).result
    assert done is not None and done["parts"] == {"gateway": "debug"}
    invoke(actor, "SetLogEverything", enabled=False)
    assert logs.get_log_settings(actor).parts == {}
    for wrong in ({"parts": {"gateway": "loud"}}, {"parts": {"nothing": "info"}}, {"days": 0}):
        with pytest.raises(BadArguments):
            logs.set_log_settings(actor, **wrong)
    assert set(logs.PART_WORDS) == set(logbook.PARTS)
