"""How every request is answered: tokens, the order of what is asked, bodies, versions, methods."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from django.test import Client

from accounts import services
from accounts.actors import Actor
from accounts.models import ApiToken, AuditEvent, User
from api import limits
from domains.models import Domain
from tests.api.callers import Caller, caller_for, is_problem

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.api.sample")]

GARBAGE = [b"{", b"\xff\xfe", b'{"name": 1}', b'{"nonsense": true}', b"[" * 5_000, b'{"name": "\\u0000"}']


@pytest.fixture
def admin(administrator: User) -> Caller:
    return caller_for(administrator)


@pytest.fixture
def person(user: User) -> Caller:
    return caller_for(user)


@pytest.fixture
def own_domain(db: None) -> Domain:
    return Domain.objects.create(name="example.org")


@pytest.fixture
def foreign_domain(db: None) -> Domain:
    return Domain.objects.create(name="elsewhere.example")


# --- who asks ---


@pytest.mark.parametrize(
    "header", [None, "", "Basic dTpw", "Bearer", "Bearer ", "bearer nonsense", "Bearer " + "x" * 5_000]
)
def test_without_a_valid_token_the_answer_is_401_with_a_challenge(header: str | None) -> None:
    headers = {} if header is None else {"Authorization": header}
    response = Caller().get("/domains", **headers)
    is_problem(response, 401)
    assert response["WWW-Authenticate"].startswith("Bearer realm=")


def test_a_session_cookie_opens_nothing(administrator: User) -> None:
    client = Client()
    client.force_login(administrator)
    assert client.get("/api/v1/domains").status_code == 401
    assert client.post("/api/v1/domains", b"{}", content_type="application/json").status_code == 401


def test_a_token_counts_and_not_the_cookie_beside_it(administrator: User, user: User) -> None:
    client = Client()
    client.force_login(administrator)
    token = caller_for(user).token
    assert client.get("/api/v1/domains", headers={"Authorization": f"Bearer {token}"}).status_code == 403


def test_a_token_ends_with_its_person(admin: Caller, person: Caller, user: User) -> None:
    assert person.post("/tasks").status_code == 202
    services.disable_user(Actor.system(), user)
    is_problem(person.post("/tasks"), 401)


def test_the_last_use_of_a_token_is_noted_once_a_minute(person: Caller, django_assert_num_queries: Any) -> None:
    person.post("/tasks")
    noted = ApiToken.objects.get().last_used_at
    assert noted is not None
    with django_assert_num_queries(1):
        person.post("/tasks")
    assert ApiToken.objects.get().last_used_at == noted


def test_too_many_requests_of_one_token_wait_and_another_token_doesn_t(
    admin: Caller, person: Caller, settings: Any
) -> None:
    settings.API_REQUESTS_PER_MINUTE = 3
    answers = [person.post("/tasks") for _ in range(4)]
    assert [each.status_code for each in answers] == [202, 202, 202, 429]
    is_problem(answers[-1], 429)
    assert 1 <= int(answers[-1]["Retry-After"]) <= 60
    assert admin.get("/domains").status_code == 200


def test_guessing_many_tokens_is_slowed_down_and_a_broken_program_isn_t(person: Caller) -> None:
    for _ in range(limits.GUESSES + 5):
        assert Caller("pk_old").get("/domains").status_code == 401
    for number in range(limits.GUESSES):
        Caller(f"pk_guess{number}").get("/domains")
    response = person.post("/tasks")
    is_problem(response, 429)
    assert "Retry-After" in response


# --- the right before the body ---


@pytest.mark.parametrize("body", GARBAGE)
def test_the_right_is_asked_before_the_body_is_looked_at(
    person: Caller, own_domain: Domain, foreign_domain: Domain, body: bytes
) -> None:
    for kind in ("application/json", "text/plain"):
        is_problem(person.patch(f"/domains/{own_domain.pk}", body, Content_Type=kind), 403)
        is_problem(person.patch(f"/domains/{foreign_domain.pk}", body, Content_Type=kind), 404)
        is_problem(person.patch("/domains/9999999", body, Content_Type=kind), 404)
        is_problem(person.post("/domains?x=y", body, Content_Type=kind), 403)
        is_problem(Caller().patch(f"/domains/{own_domain.pk}", body, Content_Type=kind), 401)


def test_the_query_of_a_list_is_judged_after_the_right(person: Caller, admin: Caller) -> None:
    is_problem(person.get("/domains?nonsense=1&offset=x"), 403)
    is_problem(admin.get("/domains?nonsense=1&offset=x"), 422)


def test_a_precondition_is_judged_after_the_right(person: Caller, own_domain: Domain) -> None:
    is_problem(person.patch(f"/domains/{own_domain.pk}", {}, If_Match='"x"'), 403)


@pytest.mark.parametrize("number", [0, 2**31, 2**63, 10**30])
def test_an_id_no_column_can_hold_is_nobody_s(admin: Caller, number: int) -> None:
    is_problem(admin.get(f"/domains/{number}"), 404)


# --- bodies ---


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        (b"{", 400, None),
        (b"", 400, None),
        (b'{"name": "\xff"}', 400, None),
        (b'{"name": "\\ud800"}', 400, None),
        (b"[" * 100_000, 400, None),
        (b'{"parts":' * 400, 400, None),
        (b"[]", 422, ""),
        (b"null", 422, ""),
        (b'{"nonsense": 1}', 422, "nonsense"),
        (b'{"is_default": true}', 422, "is_default"),
        (b'{"name": 5}', 422, "name"),
        (b'{"name": "a\\u0000b"}', 422, "name"),
        (b'{"parts": [{"port": 25}, {"port": 25, "x\\u0000": 1}]}', 422, "parts[1].x\N{REPLACEMENT CHARACTER}"),
        (b'{"kind": "mx"}', 422, "kind"),
        (b'{"weight": NaN}', 422, "weight"),
        (b'{"weight": "1.5"}', 422, "weight"),
        (b'{"until": "2026-03-01"}', 422, "until"),
        (b'{"until": "2026-03-01T12:00:00"}', 422, "until"),
        (b'{"until": "1772366400"}', 422, "until"),
        (b'{"until": 1772366400}', 422, "until"),
        (b'{"until": "2026-13-01T12:00:00Z"}', 422, "until"),
        (b'{"parts": [{"port": "25"}]}', 422, "parts[0].port"),
        (b'{"parts": [{"port": 25}, {"port": 0}]}', 422, "parts[1].port"),
        (b'{"parts": [{"port": 25, "isDefault": "true"}]}', 422, "parts[0].isDefault"),
        (b'{"parts": [{"port": 25, "isDefault": 1}]}', 422, "parts[0].isDefault"),
        (b'{"parts": [{}]}', 422, "parts[0].port"),
    ],
)
def test_a_wrong_body_is_refused_and_the_field_named(
    admin: Caller, body: bytes, status: int, field: str | None
) -> None:
    found = is_problem(admin.post("/domains", body), status)
    assert [each["field"] for each in found.get("errors", [])] == ([] if field is None else [field])


def test_all_faults_are_told_at_once(admin: Caller) -> None:
    found = is_problem(admin.post("/words?times=x&nonsense=1", {"port": 0}), 422)
    assert {each["field"] for each in found["errors"]} == {"word", "times", "nonsense", "port"}


@pytest.mark.parametrize("moment", ["2026-03-01T12:00:00Z", "2026-03-01T13:00:00.5+01:00", "2026-03-01t12:00:00z"])
def test_moments_are_read_in_iso_8601(admin: Caller, own_domain: Domain, moment: str) -> None:
    assert admin.patch(f"/domains/{own_domain.pk}", {"until": moment}).status_code == 204


@pytest.mark.parametrize("kind", ["text/plain", "", "application/xml", "application/json; charset=latin-1"])
def test_a_body_that_isn_t_json_is_415(admin: Caller, kind: str) -> None:
    is_problem(admin.post("/domains", b'{"name": "new.example"}', Content_Type=kind), 415)


def test_json_in_its_other_names_is_read(admin: Caller, own_domain: Domain) -> None:
    for kind in ("application/json; charset=UTF-8", "application/merge-patch+json"):
        assert admin.patch(f"/domains/{own_domain.pk}", {}, Content_Type=kind).status_code == 204


def test_a_body_over_10_mib_is_413(admin: Caller) -> None:
    is_problem(admin.post("/domains", b'{"name": "' + b"x" * (10 << 20) + b'"}'), 413)


def test_a_body_may_be_left_out_where_it_is_optional(person: Caller) -> None:
    assert person.post("/tasks").status_code == 202
    assert person.post("/tasks", {"port": 5}).status_code == 202
    is_problem(person.post("/tasks", {"port": "5"}), 422)


def test_patch_hands_over_only_what_was_sent(admin: Caller, own_domain: Domain) -> None:
    assert admin.patch(f"/domains/{own_domain.pk}", {"kind": None, "weight": 2}).status_code == 204
    assert AuditEvent.objects.get(action="sample.change").details == {"fields": ["kind", "weight"]}
    own_domain.refresh_from_db()
    assert own_domain.name == "example.org"


# --- answers ---


def test_making_answers_201_with_the_place_of_the_new_object(admin: Caller) -> None:
    response = admin.post("/domains", {"name": "new.example"})
    assert response.status_code == 201
    assert admin.get(response["Location"]).json() == response.json()
    assert response.json()["creationDate"].endswith("Z")
    assert response["Cache-Control"] == "no-store"


def test_adding_to_a_list_answers_201_with_what_was_added(admin: Caller, own_domain: Domain) -> None:
    response = admin.post(f"/domains/{own_domain.pk}/aliases", ["c.example"])
    assert (response.status_code, response.json()) == (201, ["c.example"])


def test_what_is_deleted_is_gone(admin: Caller, own_domain: Domain) -> None:
    assert admin.delete(f"/domains/{own_domain.pk}").status_code == 204
    is_problem(admin.delete(f"/domains/{own_domain.pk}"), 404)


def test_a_service_s_error_names_the_field_as_the_api_does(admin: Caller) -> None:
    found = is_problem(admin.post("/domains", {"name": "taken.example"}), 409)
    assert found["errors"][0]["field"] == "email"
    found = is_problem(admin.post("/domains", {"name": "nodot"}), 422)
    assert found["errors"] == [{"field": "name", "detail": "A domain has a name with a dot."}]


def test_a_fault_of_ours_says_nothing_of_the_inside(admin: Caller, caplog: pytest.LogCaptureFixture) -> None:
    response = admin.get("/broken")
    found = is_problem(response, 500)
    assert b"secret" not in response.content
    assert "a secret of the inside" in caplog.text
    assert any(getattr(record, "request_id", None) == found["requestId"] for record in caplog.records) or caplog.records


def test_a_refusal_is_no_warning_in_the_log_unless_somebody_may_be_trying(
    admin: Caller, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "django.request")
    admin.get("/domains/999999")
    admin.post("/domains", b"{")
    Caller().get("/domains")
    levels = [(record.levelname, record.args[0]) for record in caplog.records if record.name == "django.request"]  # type: ignore[index]
    assert levels == [("INFO", "Not Found"), ("INFO", "Bad Request"), ("WARNING", "Unauthorized")]


@pytest.mark.parametrize("accept", ["text/html", "application/xml;q=0.9", "image/*"])
def test_a_form_we_can_t_answer_in_is_406(admin: Caller, accept: str) -> None:
    is_problem(admin.get("/domains", Accept=accept), 406)


@pytest.mark.parametrize("accept", ["*/*", "application/*", "text/html, application/json;q=0.1"])
def test_json_is_answered_where_it_is_accepted(admin: Caller, accept: str) -> None:
    assert admin.get("/domains", Accept=accept).status_code == 200


# --- methods ---


def test_another_method_is_405_and_the_allowed_ones_are_named(admin: Caller, own_domain: Domain) -> None:
    response = admin.put(f"/domains/{own_domain.pk}", {})
    is_problem(response, 405)
    assert response["Allow"] == "DELETE, GET, HEAD, OPTIONS, PATCH"


def test_options_names_the_methods(own_domain: Domain) -> None:
    response = Caller()("OPTIONS", f"/domains/{own_domain.pk}")
    assert (response.status_code, response["Allow"]) == (204, "DELETE, GET, HEAD, OPTIONS, PATCH")


def test_head_is_get_without_the_body(admin: Caller, own_domain: Domain) -> None:
    read, asked = admin.get(f"/domains/{own_domain.pk}"), admin("HEAD", f"/domains/{own_domain.pk}")
    assert (asked.status_code, asked.content) == (200, b"")
    assert asked["ETag"] == read["ETag"]
    assert admin("HEAD", "/domains")["X-Total-Count"] == "1"
    assert Caller()("HEAD", "/domains").status_code == 401


def test_an_unknown_address_is_a_404_in_json(admin: Caller) -> None:
    is_problem(admin.get("/nothing/of/this"), 404)
    is_problem(admin.get("/domains/"), 404)
    is_problem(Caller().post("/nothing", {}), 404)


# --- versions ---


def test_an_unchanged_object_is_304(admin: Caller, own_domain: Domain) -> None:
    path = f"/domains/{own_domain.pk}"
    version = admin.get(path)["ETag"]
    assert not version.startswith("W/")
    for known in (version, f"W/{version}", f'"x", {version}', "*"):
        response = admin.get(path, If_None_Match=known)
        assert (response.status_code, response.content, response["ETag"]) == (304, b"", version)
    Domain.objects.update(name="renamed.example")
    response = admin.get(path, If_None_Match=version)
    assert response.status_code == 200 and response["ETag"] != version


def test_a_change_is_refused_when_the_version_is_another(admin: Caller, own_domain: Domain) -> None:
    path = f"/domains/{own_domain.pk}"
    version = admin.get(path)["ETag"]
    assert admin.patch(path, {"name": "first.example"}, If_Match=version).status_code == 204
    is_problem(admin.patch(path, {"name": "second.example"}, If_Match=version), 412)
    is_problem(admin.delete(path, If_Match=version), 412)
    is_problem(admin.patch(path, {"name": "second.example"}, If_Match=f"W/{admin.get(path)['ETag']}"), 412)
    own_domain.refresh_from_db()
    assert own_domain.name == "first.example"
    assert admin.patch(path, {"name": "third.example"}, If_Match="*").status_code == 204
    assert admin.patch(path, {"name": "fourth.example"}).status_code == 204
    assert admin.delete(path, If_Match=f'"x", {admin.get(path)["ETag"]}').status_code == 204


def test_the_query_of_nothing_is_refused_by_name(admin: Caller, own_domain: Domain) -> None:
    found = is_problem(admin.get(f"/domains/{own_domain.pk}?fields=all"), 422)
    assert found["errors"][0]["field"] == "fields"


# --- tokens that only read ---


def test_a_reading_token_reads_and_changes_nothing(admin: Caller, own_domain: Domain) -> None:
    ApiToken.objects.update(read_only=True)
    path = f"/domains/{own_domain.pk}"
    assert admin.get(path).status_code == admin.get("/domains").status_code == 200
    assert admin.post("/words?word=a").status_code == 200
    for response in (
        admin.patch(path, {"name": "other.example"}),
        admin.delete(path),
        admin.post("/domains", b"{"),
        admin.post("/tasks"),
    ):
        is_problem(response, 403)
    assert Domain.objects.get().name == "example.org"
