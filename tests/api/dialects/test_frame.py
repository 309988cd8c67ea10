"""What all dialects share: off until switched on, allowed clients, limits, credentials, last calls, the pages."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from django.utils import timezone

from accounts import networks, services
from accounts.actors import Actor
from accounts.models import AuditEvent, User
from accounts.scopes import SERVER
from accounts.services.app_passwords import create_app_password, delete_app_password
from accounts.services.blocks import block_network
from accounts.services.options import set_option
from api.dialects import call as calling
from api.dialects import calls, credentials, scripts
from api.dialects.registry import Operation
from api.dialects.routes import Route, Routes
from api.dialects.served import BY_NAME
from api.errors import TooManyRequests, Unauthenticated
from api.models import DialectSetting
from config import environment
from config.kit.heartbeat import broker
from jobs.configuration import files
from jobs.configuration.services import export_configuration, import_configuration
from jobs.errors import BadValue
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


@pytest.mark.parametrize("name", [name for name, dialect in BY_NAME.items() if dialect.answer is not None])
def test_blocked_networks_and_those_that_may_not_reach_the_api_are_shut_out_in_its_own_shape(
    name: str, token: str
) -> None:
    switch_on(name)
    DialectSetting.objects.update(clients=["192.0.2.0/24", "127.0.0.1/32"])

    def status(client: str) -> int:
        address = f"/{name}/healthcheck"
        found = call("GET", address, client=client, Password=token, Authorization=f"Bearer {token}")
        assert found["Content-Type"].startswith("application/json") or found.status_code != 403
        return int(found.status_code)

    assert status("192.0.2.7") != 403
    block_network(Actor.console(), "192.0.2.0/28")
    assert status("192.0.2.7") == 403 and status("192.0.2.77") != 403
    seen = calls.last(name)
    assert "192.0.2.7" not in [each.client for each in seen[:1]]  # strangers can't fill the list
    set_option(Actor.console(), SERVER, networks.API, ["192.0.2.80/32"])
    assert status("192.0.2.77") == 403 and status("192.0.2.80") != 403 and status("127.0.0.1") != 403


def test_a_second_factor_leaves_tokens_and_app_passwords_and_a_demand_of_one_too() -> None:
    person = a_person()
    assert credentials.by_password(a_call(), person.email, PASSWORD).user == person
    made = create_app_password(proved(person), person, name="script", protocols=["api"])
    other = create_app_password(proved(person), person, name="mail", protocols=["smtp"])
    set_option(Actor.console(), person, "APP_PASSWORDS_ONLY", True)
    for _digest, (_until, entered) in credentials._remembered.items():
        entered.checked_at = -10.0
    for wrong in (PASSWORD, other.value):
        with pytest.raises(Unauthenticated):
            credentials.by_password(a_call(), person.email, wrong)
    actor, entered = credentials.enter("james", person.email, made.value, "127.0.0.1")
    assert actor.user == person and credentials.present(entered, "127.0.0.1") is not None
    delete_app_password(proved(person), made.row)
    entered.checked_at = -10.0
    assert credentials.present(entered, "127.0.0.1") is None


def proved(person: User) -> Actor:
    return replace(Actor.for_user(person), proved_at=timezone.now())


def test_settings_are_in_the_configuration_file_and_come_back_from_it(administrator: User) -> None:
    actor = Actor.for_user(administrator)
    switch_on("james", defaultDomain="own.example")
    DialectSetting.objects.update(clients=["192.0.2.0/24"])
    wanted = files.read(export_configuration(actor, parts=["dialects"]))
    DialectSetting.objects.all().delete()
    import_configuration(actor, wanted)
    row = DialectSetting.objects.get()
    assert (row.name, row.is_on, row.clients) == ("james", True, ["192.0.2.0/24"])
    assert row.options["defaultDomain"] == "own.example"
    for broken in ({"klingon": {"is_on": True}}, {"james": {"is_on": "yes"}}, {"james": {"clients": ["nowhere"]}}):
        with pytest.raises(BadValue):
            import_configuration(actor, {"dialects": broken})
