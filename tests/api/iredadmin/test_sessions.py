"""Logging in: what opens a session, whose cookie counts, from where, and how long."""

from __future__ import annotations

import time

import pytest
from django.utils import timezone

from accounts import factors
from accounts.actors import Actor
from accounts.models import ApiToken, AuditEvent, Session, User
from accounts.secrets import token_hash
from accounts.selectors.sessions import list_sessions
from accounts.services.sessions import end_session, end_sessions
from api.dialects import calls, credentials
from api.dialects.served import BY_NAME
from api.iredadmin import sessions
from api.models import DialectSetting
from config.kit.heartbeat import broker
from tests.api.dialects.calling import call
from tests.api.iredadmin.client import OK, ask, log_in, no, post_login, send
from tests.api.iredadmin.conftest import Cast

pytestmark = pytest.mark.django_db
PASSWORD = "a long enough passphrase 7"


@pytest.fixture(autouse=True)
def nothing_remembered() -> None:
    sessions._remembered.clear()
    credentials._remembered.clear()


def somebody(cast: Cast) -> User:
    """Who has a password."""
    person = User.objects.get(pk=cast.world.own.person.pk)
    person.set_password(PASSWORD)
    person.save()
    return person


def test_the_session_s_cookie_is_the_only_one_and_named_as_clients_expect(cast: Cast) -> None:
    answer = post_login("root@server.example", cast.world.administrator.token)
    assert answer.json() == OK and list(answer.cookies) == ["iRedAdmin-Pro-MYSQL"]
    cookie = answer.cookies["iRedAdmin-Pro-MYSQL"]
    assert (cookie["path"], cookie["httponly"], cookie["samesite"], cookie["secure"]) == (
        "/", True, "Strict", "",
    )  # fmt: skip


def test_a_session_is_listed_with_those_of_browsers_and_ends_there(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(credentials, "CHECKED_EVERY_S", -1.0)
    person = somebody(cast)
    User.objects.filter(pk=person.pk).update(is_administrator=True)
    value, other = log_in(person.email, PASSWORD), log_in(person.email, PASSWORD)
    assert ask(value, "GET", "/domains")["_success"] and ask(other, "GET", "/domains")["_success"]
    rows = list(
        list_sessions(Actor.for_user(User.objects.get(email="root@server.example"))).filter(user=person).order_by("pk")
    )
    assert {row.how for row in rows} == {"iredadmin"}
    rows = rows[-2:]  # the first is the cast's
    end_session(Actor.for_user(User.objects.get(email="root@server.example")), rows[0])
    assert not ask(value, "GET", "/domains")["_success"] and ask(other, "GET", "/domains")["_success"]
    Session.objects.filter(pk=rows[1].pk).update(expires_at=timezone.now())  # half an hour without use
    assert not ask(other, "GET", "/domains")["_success"]


@pytest.mark.parametrize("name", ["iRedAdmin-Pro-MYSQL", "iRedAdmin-Pro-PGSQL", "iRedAdmin-Pro-LDAP"])
def test_the_cookie_counts_under_each_of_its_names(cast: Cast, name: str) -> None:
    answer = call("GET", "/iredadmin/api/domains?name_only=yes", Cookie=f"other=1; {name}={cast.administrator}")
    assert answer.json() == {"_success": True, "_data": ["foreign.example", "own.example"]}


@pytest.mark.parametrize("base", ["/iredadmin/api", "/api"])
def test_both_prefixes_answer(cast: Cast, base: str) -> None:
    answer = post_login("root@server.example", cast.world.administrator.token, base=base, raw=False)
    value = answer.cookies["iRedAdmin-Pro-MYSQL"].value
    assert ask(value, "GET", "/domain/own.example", base=base, raw=False)["_data"]["domain"] == "own.example"


def test_version_1_of_the_api_keeps_its_own_addresses(cast: Cast) -> None:
    answer = send(cast.administrator, "GET", "/api/v1/domains", raw=False)
    assert answer.status_code == 401 and answer["Content-Type"].startswith("application/problem+json")


def test_without_a_session_nothing_is_answered(cast: Cast) -> None:
    for cookie in ("", "x", "y" * 300):
        assert ask(cookie, "GET", "/domains") == no("LOGIN_REQUIRED")
    bearer = call("GET", "/iredadmin/api/domains", Authorization=f"Bearer {cast.world.administrator.token}")
    assert bearer.json() == no("LOGIN_REQUIRED")
    wrong = post_login("root@server.example", "pk_nothing")
    assert (wrong.status_code, wrong.json(), list(wrong.cookies)) == (200, no("INVALID_CREDENTIALS"), [])


def test_a_session_counts_only_from_where_it_began_and_for_allowed_clients(cast: Cast) -> None:
    DialectSetting.objects.filter(name="iredadmin").update(clients=["127.0.0.0/8"])
    session = log_in("root@server.example", cast.world.administrator.token)
    elsewhere = send(session, "GET", "/iredadmin/api/domains", client="127.0.0.2")
    assert elsewhere.json() == no("LOGIN_REQUIRED")
    outside = send(session, "GET", "/iredadmin/api/domains", client="192.0.2.1")
    assert outside.status_code == 403 and outside.json()["_success"] is False
    assert post_login("root@server.example", "x", client="192.0.2.1").status_code == 403


def test_a_page_of_another_site_can_t_make_a_browser_call(cast: Cast) -> None:
    address = "/iredadmin/api/domain/forged.example"
    forged = send(cast.administrator, "POST", address, Sec_Fetch_Site="cross-site")
    assert forged.json()["_msg"].startswith("PERMISSION_DENIED")
    assert ask(cast.administrator, "GET", "/domain/forged.example") == no("NO_SUCH_DOMAIN")


def test_a_session_by_a_token_ends_with_it_at_once(cast: Cast) -> None:
    assert ask(cast.delegate, "GET", "/domains?name_only=yes")["_data"] == ["own.example"]
    ApiToken.objects.all().delete()
    assert ask(cast.delegate, "GET", "/domains?name_only=yes") == no("LOGIN_REQUIRED")


def test_a_session_by_password_ends_with_the_password_or_a_second_factor(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(credentials, "CHECKED_EVERY_S", -1)
    person = somebody(cast)
    session = log_in(person.email, PASSWORD)
    assert ask(session, "GET", "/nothing") == no("UNKNOWN_API")
    with monkeypatch.context() as patch:
        patch.setattr(factors, "has_second_factor", lambda user: True)
        assert ask(session, "GET", "/nothing") == no("LOGIN_REQUIRED")
        assert post_login(person.email, PASSWORD).json() == no("INVALID_CREDENTIALS")
    session = log_in(person.email, PASSWORD)
    User.objects.filter(pk=person.pk).update(password="!")
    assert ask(session, "GET", "/nothing") == no("LOGIN_REQUIRED")


def test_sessions_end_with_all_of_their_person_s_and_a_new_one_begins(cast: Cast) -> None:
    person = somebody(cast)
    session = log_in(person.email, PASSWORD)
    end_sessions(Actor.system(), person)
    assert ask(session, "GET", "/nothing") == no("LOGIN_REQUIRED")
    assert ask(log_in(person.email, PASSWORD), "GET", "/nothing") == no("UNKNOWN_API")
    end_sessions(Actor.system(), User.objects.get(tokens__token_hash=token_hash(cast.world.delegate.token)))
    assert ask(cast.delegate, "GET", "/nothing") == no("LOGIN_REQUIRED")  # which began with a token


def test_a_session_ends_half_an_hour_after_its_last_use_and_after_half_a_day(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = sessions._place(cast.administrator)
    broker().expire(key, 5)
    assert ask(cast.administrator, "GET", "/domains?name_only=yes")["_success"]
    assert 1790 < broker().ttl(key) <= 1800
    later = time.time() + 12 * 3600 + 1
    monkeypatch.setattr(time, "time", lambda: later)
    assert ask(cast.administrator, "GET", "/domains?name_only=yes") == no("LOGIN_REQUIRED")


def test_for_a_minute_a_session_is_not_read_again(cast: Cast) -> None:
    key = sessions._place(cast.administrator)
    kept = broker().get(key)
    assert ask(cast.administrator, "GET", "/nothing") == no("UNKNOWN_API")
    broker().delete(key)
    try:
        assert ask(cast.administrator, "GET", "/nothing") == no("UNKNOWN_API")
        sessions._remembered.clear()
        assert ask(cast.administrator, "GET", "/nothing") == no("LOGIN_REQUIRED")
    finally:
        broker().set(key, kept or b"", ex=1800)


def test_last_calls_show_logins_failures_and_who_called(cast: Cast) -> None:
    broker().delete("postkeep:dialect:calls:iredadmin")
    post_login("root@server.example", "wrong")
    ask(cast.delegate, "GET", "/domain/foreign.example")
    seen = [(each.operation, each.result, each.is_good) for each in calls.last("iredadmin")]
    assert seen == [
        ("GET /api/domain/{domain}", "!NO_SUCH_DOMAIN", False),
        ("POST /api/login", "!INVALID_CREDENTIALS", False),
    ]


SCRIPT = """
curl -c cookies -d "username=$U&password=$P" https://mail.example/iredadmin/api/login
curl -b cookies -X POST -d "cn=Google Inc" https://mail.example/api/domain/$DOMAIN
requests.get(f"{base}/api/throttle/{domain}/inbound/")
for d in inbound outbound; do curl -b cookies https://mail.example/api/throttle/$W/$d/; done
curl -b cookies -X PATCH https://mail.example/iredadmin/api/domain/$DOMAIN
"""


def test_calls_of_scripts_are_recognised() -> None:
    found = [each.operation.name if each.operation else None for each in BY_NAME["iredadmin"].find_calls(SCRIPT)]
    assert found == [
        "POST /api/login", "POST /api/domain/{domain}", "GET /api/throttle/{domain}/inbound",
        "GET /api/throttle/global/inbound", None,
    ]  # fmt: skip


GARBAGE = (b"\xff\xfe", b"cn=%00", b"cn=%ff", b"&=&=;" * 300, b"a=1&" * 600, b"cn=" + b"x" * 5_000, b"{}", b"\0")
PATHS = (
    "", "/", "//", "/user", "/user/", "/user/%00@own.example", "/user/%ff%fe@own.example", f"/user/{'a' * 5_000}",
    "/throttle/@/inbound", "/users/own.example/password/", "/domain/a%2Fb", "/domain/..%2f..", "/nothing",
)  # fmt: skip
FORMS = ("application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "multipart/form-data")


def test_garbage_is_answered_and_changes_nothing(cast: Cast) -> None:
    before = AuditEvent.objects.count()
    tries = [(path, b"cn=x", FORMS[0]) for path in PATHS]
    tries += [("/user/new@own.example", body, form) for body in GARBAGE for form in FORMS]
    for path, body, form in tries:
        cookie = f"iRedAdmin-Pro-MYSQL={cast.user}"
        answer = call("POST", f"/iredadmin/api{path}", body, content_type=form, Cookie=cookie)
        assert answer.status_code == 200 and answer.json()["_success"] is False, (path, body, form)
    assert AuditEvent.objects.count() == before


def test_a_multipart_form_is_a_form_too(cast: Cast) -> None:
    body = b'--x\r\nContent-Disposition: form-data; name="cn"\r\n\r\nOurs\r\n--x--\r\n'
    cookie = f"iRedAdmin-Pro-MYSQL={cast.administrator}"
    kind = "multipart/form-data; boundary=x"
    assert call("PUT", "/iredadmin/api/domain/own.example", body, content_type=kind, Cookie=cookie).json() == OK
    assert ask(cast.administrator, "GET", "/domain/own.example")["_data"]["cn"] == "Ours"
