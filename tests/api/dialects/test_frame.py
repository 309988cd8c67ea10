"""What all dialects share: off until switched on, allowed clients, limits, credentials, last calls, the pages."""

from __future__ import annotations

from typing import Any

import pytest

from accounts import services
from accounts.actors import Actor
from accounts.models import AuditEvent, User
from api.dialects import call as calling
from api.dialects import calls, credentials, scripts
from api.dialects.registry import Operation
from api.dialects.routes import Route, Routes
from api.dialects.served import BY_NAME
from api.errors import TooManyRequests, Unauthenticated
from api.models import DialectSetting
from config import environment
from config.kit.heartbeat import broker
from tests import factories
from tests.api.callers import caller_for
from tests.api.dialects.calling import call, switch_on
from tests.domains.factories import make_customer, make_domain, make_mailbox_in

pytestmark = pytest.mark.django_db
PASSWORD = "a long enough passphrase 7"


@pytest.fixture
def token() -> str:
    return caller_for(factories.make_administrator("root@server.example")).token


@pytest.fixture(autouse=True)
def no_calls_yet() -> None:
    broker().delete("postkeep:dialect:calls:james")
    credentials._remembered.clear()


def test_a_dialect_is_not_there_until_it_is_switched_on(token: str) -> None:
    refused = call("GET", "/james/domains", Password=token)
    assert refused.status_code == 404 and refused.json()["type"] == "notFound"
    assert calls.last("james") == []
    switch_on("james")
    assert call("GET", "/james/domains", Password=token).status_code == 200


def test_the_environment_switches_it_on_whatever_the_page_says(token: str, settings: Any) -> None:
    settings.DIALECTS = environment.Dialects(frozenset({"james"}), settings.DIALECTS.clients, "127.0.0.1", {})
    assert call("GET", "/james/domains", Password=token).status_code == 200


def test_only_allowed_clients_may_call(token: str) -> None:
    switch_on("james")
    assert call("GET", "/james/domains", client="192.0.2.7", Password=token).status_code == 403
    DialectSetting.objects.update(clients=["192.0.2.0/24"])
    assert call("GET", "/james/domains", client="192.0.2.7", Password=token).status_code == 200
    assert call("GET", "/james/domains", client="127.0.0.1", Password=token).status_code == 403


def test_a_body_beyond_the_limit_is_refused_in_the_dialect_s_words(token: str) -> None:
    switch_on("james")
    refused = call("PUT", "/james/domains/new.example", b"x" * (1 << 21), Password=token)
    assert refused.status_code == 413 and refused.json()["statusCode"] == 413


def test_the_trail_names_the_dialect_and_the_last_calls_show_who_did_what(token: str) -> None:
    switch_on("james")
    assert call("PUT", "/james/domains/new.example", Password=token).status_code == 204
    assert AuditEvent.objects.get(action="domain.create").via == "james"
    (seen,) = calls.last("james")
    assert (seen.actor, seen.operation, seen.result, seen.is_good, seen.client) == (
        "root@server.example",
        "PUT /domains/{domain}",
        "204",
        True,
        "127.0.0.1",
    )


def test_last_calls_are_bounded_and_one_line_each(token: str) -> None:
    for number in range(calls.KEPT + 5):
        calls.note("james", actor="", operation=f"{number}\n\x1b[31m", result="", is_good=True, client="", began=0)
    kept = calls.last("james")
    assert len(kept) == calls.KEPT and kept[0].operation == f"{calls.KEPT + 4}··[31m"


def a_call(address: str = "127.0.0.1") -> calling.Call:
    from django.test import RequestFactory

    return calling.of(RequestFactory().get("/james/x", REMOTE_ADDR=address), BY_NAME["james"], "/james")


def a_person(email: str = "ada@own.example") -> User:
    domain = make_domain("own.example", make_customer("Own"))
    person = make_mailbox_in(domain, email.partition("@")[0]).user
    assert person is not None
    person.set_password(PASSWORD)
    person.save()
    return person


def test_a_password_opens_and_is_remembered_only_while_it_is_right(django_assert_max_num_queries: Any) -> None:
    person = a_person()
    actor = credentials.by_password(a_call(), person.email, PASSWORD)
    assert actor.user == person and actor.via == "james" and not actor.in_person
    with django_assert_max_num_queries(4):
        credentials.by_password(a_call(), person.email, PASSWORD)
    person.set_password("another one entirely 8")
    person.save()
    with pytest.raises(Unauthenticated):
        credentials.by_password(a_call(), person.email, PASSWORD)


def test_a_token_stands_in_a_password_s_place_with_its_limits() -> None:
    person = a_person()
    made = services.create_token(Actor.for_user(person), person, name="script", read_only=True)
    actor = credentials.by_password(a_call(), person.email, made.value)
    assert actor.user == person and actor.read_only and actor.via == "james"
    with pytest.raises(Unauthenticated):
        credentials.by_password(a_call(), "somebody@own.example", made.value)


def test_guessing_passwords_is_slowed_down_as_at_the_page() -> None:
    person = a_person()
    with pytest.raises(TooManyRequests):
        for number in range(30):
            with pytest.raises(Unauthenticated):
                credentials.by_password(a_call(), person.email, f"wrong {number}")


def routes() -> Routes[Any]:
    def handler() -> None:
        return None

    paths = [("GET", "/a/{x}"), ("GET", "/a/{x}/b"), ("GET", "/a/list"), ("PUT", "/a/{x}/to/{y}")]
    return Routes([Route(Operation(method, path), handler) for method, path in paths])


def test_a_slash_inside_a_name_stays_inside_its_segment() -> None:
    assert calling.decoded("a%2Fb%40%c3%a9") == "a/b@é"
    found = routes().find("GET", ["a", "x/y"], is_raw=True)
    assert found is not None and found[1] == {"x": "x/y"}
    assert routes().find("GET", ["a", "x", "y"], is_raw=True) is None
    literal = routes().find("GET", ["a", "list"], is_raw=True)
    assert literal is not None and literal[0].operation.path == "/a/list"


def test_where_the_server_in_front_decoded_the_path_names_take_the_slashes_that_are_over() -> None:
    found = routes().find("PUT", ["a", "p", "q", "to", "r"], is_raw=False)
    assert found is not None and found[1] == {"x": "p/q", "y": "r"}


def test_calls_are_recognised_in_scripts_and_logs() -> None:
    text = """
    curl -X GET http://mail.example:8000/a/$NAME
    requests.put(f"{base}/a/{name}/to/other")
    10.0.0.1 - - "GET /a/x/c HTTP/1.1" 200
    curl https://elsewhere.example/other/thing
    """
    found = list(scripts.over_http(routes(), text))
    assert [(each.line, each.operation.name if each.operation else None) for each in found] == [
        (2, "GET /a/{x}"),
        (3, "PUT /a/{x}/to/{y}"),
        (4, None),
    ]


def test_the_page_sets_a_dialect_and_shows_what_a_script_would_get(administrator: User, client_for: Any) -> None:
    client = client_for(administrator)
    page = client.get("/server/dialects/james/")
    assert page.status_code == 200
    saved = client.post("/server/dialects/james/", {"is_on": "on", "clients": "127.0.0.1\n10.0.0.0/8"})
    assert saved.status_code == 303
    row = DialectSetting.objects.get()
    assert row.is_on and row.clients == ["127.0.0.1/32", "10.0.0.0/8"]
    assert AuditEvent.objects.filter(action="dialect.change").count() == 1
    wrong = client.post("/server/dialects/james/", {"clients": "nowhere", "version": row.version})
    assert wrong.status_code == 422 and b"nowhere" in wrong.content
    late = client.post("/server/dialects/james/", {"clients": "", "version": row.version + 7})
    assert late.status_code == 422
    looked = client.post("/server/dialects/james/script/", {"text": "curl $U/domains\ncurl -X PUT $U/domains/a/b/c/d"})
    assert looked.status_code == 200 and b"1 of 2" in looked.content


def test_ports_come_from_the_environment_and_a_wrong_one_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTKEEP_JAMES_PORT", "8010")
    monkeypatch.setenv("POSTKEEP_PWD_PORT", "8106")
    monkeypatch.setenv("POSTKEEP_DIALECTS", "james, mailstore")
    found = environment.dialects()
    assert found.ports == {"james": 8010, "communigate": 8106} and found.names == {"james", "mailstore"}
    monkeypatch.setenv("POSTKEEP_DIALECTS", "klingon")
    with pytest.raises(environment.EnvironmentRefused, match="klingon"):
        environment.dialects()
