"""How views answer, what the shell shows to whom, and what stands on an error page."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable

import pytest
from django.core.management import call_command
from django.db import OperationalError
from django.forms import CharField, Form
from django.http import HttpRequest, HttpResponse
from django.template import engines
from django.test import Client, RequestFactory
from django.urls import reverse
from django_htmx.middleware import HtmxMiddleware

from accounts.models import User
from config.kit import dashboard, pages, paths
from config.kit.versions import ChangedMeanwhile
from config.middleware import RequestIdMiddleware
from config.shell import errors
from config.shell.meanwhile import ChangedMeanwhileMiddleware

ClientFor = Callable[[User | None], Client]
PAGE = "config/overview.html"


def _request(path: str = "/", **headers: str) -> HttpRequest:
    request = RequestFactory().get(path, headers=headers)
    HtmxMiddleware(lambda _request: HttpResponse())(request)
    return request


class NameForm(Form):
    name = CharField()


def test_a_browser_gets_the_whole_page_and_caches_are_told_why(db: None) -> None:
    response = pages.render_page(_request(), PAGE, {"cards": []}, partial="live")
    assert b"<!doctype html>" in response.content
    assert "HX-Request" in response["Vary"]


def test_htmx_gets_only_the_partial() -> None:
    response = pages.render_page(_request(**{"HX-Request": "true"}), PAGE, {"cards": []}, partial="live")
    assert b"<html" not in response.content
    assert b'id="overview"' in response.content
    assert "HX-Request" in response["Vary"]


@pytest.mark.parametrize("header", ["HX-Boosted", "HX-History-Restore-Request"])
def test_boosted_links_and_restored_history_get_the_whole_page(header: str, db: None) -> None:
    request = _request(**{"HX-Request": "true", header: "true"})
    assert b"<html" in pages.render_page(request, PAGE, {"cards": []}, partial="live").content


def test_a_wrong_form_answers_422_and_an_untouched_one_200(db: None) -> None:
    assert pages.render_page(_request(), PAGE, {"form": NameForm({})}).status_code == 422
    assert pages.render_page(_request(), PAGE, {"form": NameForm()}).status_code == 200
    assert pages.render_page(_request(), PAGE, {"form": NameForm({"name": "x"})}).status_code == 200


def test_after_a_write_a_browser_is_sent_on_with_303_and_htmx_with_its_own_header() -> None:
    plain = pages.redirect_page(_request(), "config:overview")
    assert (plain.status_code, plain["Location"]) == (303, "/")
    partial = pages.redirect_page(_request(**{"HX-Request": "true"}), "config:overview")
    assert (partial.status_code, partial["HX-Redirect"]) == (200, "/")


def test_a_notice_beside_a_partial_travels_in_the_header() -> None:
    response = pages.toast_now(HttpResponse(), "Grüße", "warning")
    assert json.loads(response["HX-Trigger"]) == {"toast": {"text": "Grüße", "level": "warning"}}


def test_the_overview_is_for_administrators_and_sends_users_to_their_mail(
    client_for: ClientFor, administrator: User, user: User
) -> None:
    assert client_for(administrator).get("/").status_code == 200
    answer = client_for(user).get("/")
    assert (answer.status_code, answer["Location"]) == (303, reverse("archive:search"))


def test_a_failing_card_takes_away_itself_and_not_the_page(
    client_for: ClientFor, administrator: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(_actor: object) -> None:
        raise RuntimeError("this card is broken on purpose")

    registry = dashboard._Registry(cards=[dashboard.Card("broken", "Broken", "unused.html", fails)])
    monkeypatch.setattr(dashboard, "_registry", registry)
    answer = client_for(administrator).get("/")
    assert answer.status_code == 200
    assert "This could not be loaded just now" in answer.content.decode()


def test_the_style_guide_is_for_administrators(client_for: ClientFor, administrator: User, user: User) -> None:
    assert client_for(administrator).get(reverse("config:styleguide")).status_code == 200
    assert client_for(user).get(reverse("config:styleguide")).status_code == 403


def test_no_page_of_the_shell_holds_inline_script_or_style(client_for: ClientFor, administrator: User) -> None:
    text = client_for(administrator).get(reverse("config:styleguide")).content.decode()
    assert "<style" not in text
    assert " style=" not in text
    assert " onclick=" not in text
    assert all("src=" in part.split(">")[0] for part in text.split("<script")[1:])


def test_preferences_are_kept_on_the_person_and_in_a_cookie(client_for: ClientFor, user: User) -> None:
    client = client_for(user)
    answer = client.post(reverse("config:preferences"), {"theme": "dark", "language": "de", "next": "/account/"})
    assert (answer.status_code, answer["Location"]) == (303, "/account/")
    user.refresh_from_db()
    assert (user.theme, user.language) == ("dark", "de")
    assert client.cookies["theme"].value == "dark"
    assert client.cookies["django_language"].value == "de"


@pytest.mark.parametrize("wanted", ["foo", "accounts:account", "//evil.example", "/\\evil.example", "https:x"])
def test_the_way_back_is_a_page_of_ours_whatever_was_sent(client_for: ClientFor, user: User, wanted: str) -> None:
    client = client_for(user)
    for route, sent in (("preferences", {"theme": "dark"}), ("list-memory", {"list": "jobs.tasks", "do": "reset"})):
        answer = client.post(reverse(f"config:{route}"), {**sent, "next": wanted})
        assert (answer.status_code, answer["Location"]) == (303, "/")


def test_preferences_work_before_signing_in(client: Client, db: None) -> None:
    client.post(reverse("config:preferences"), {"language": "de"})
    answer = client.get(reverse("accounts:sign-in"))
    assert '<html lang="de"' in answer.content.decode()


@pytest.mark.parametrize("chosen", [{}, {"theme": "pink"}, {"language": "tlh"}, {"rows": ""}])
def test_preferences_that_do_not_exist_are_refused(client: Client, db: None, chosen: dict[str, str]) -> None:
    assert client.post(reverse("config:preferences"), chosen).status_code == 400


def test_preferences_never_lead_to_another_site(client: Client, db: None) -> None:
    answer = client.post(reverse("config:preferences"), {"theme": "dark", "next": "//evil.example/"})
    assert answer["Location"] == "/"


def test_the_palette_lists_only_what_the_person_may_open(
    client_for: ClientFor, administrator: User, user: User
) -> None:
    address = reverse("accounts:user-list")
    assert address in client_for(administrator).get(reverse("config:palette")).content.decode()
    assert address not in client_for(user).get(reverse("config:palette")).content.decode()


def test_each_error_page_shows_the_id_that_the_log_has(caplog: pytest.LogCaptureFixture, db: None) -> None:
    def fails(request: HttpRequest) -> HttpResponse:
        return errors.server_error(request)

    with caplog.at_level(logging.ERROR, logger="postkeep.pages"):
        response = RequestIdMiddleware(fails)(RequestFactory().get("/broken"))
    assert response.status_code == 500
    assert response["X-Error-ID"] in response.content.decode()
    assert response["X-Error-ID"] in caplog.text


def test_an_error_page_is_shown_even_when_the_shell_itself_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_shell(*_args: object, **_kwargs: object) -> HttpResponse:
        raise RuntimeError("the shell is broken on purpose")

    monkeypatch.setattr(errors, "_page", no_shell)
    response = errors.server_error(RequestFactory().get("/broken"))
    assert response.status_code == 500
    assert "Something went wrong" in response.content.decode()


def test_a_database_that_does_not_answer_is_a_house_that_starts() -> None:
    try:
        raise OperationalError("no connection")
    except OperationalError:
        response = errors.server_error(RequestFactory().get("/"))
    assert response.status_code == 503
    assert response["Retry-After"] == "3"
    assert "Postkeep is starting" in response.content.decode()


def test_an_unknown_page_is_answered_in_the_shell_for_those_signed_in(client_for: ClientFor, user: User) -> None:
    answer = client_for(user).get("/no/such/page")
    assert answer.status_code == 404
    assert 'id="nav"' in answer.content.decode()


def test_a_form_that_is_out_of_date_says_so(user: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(user)
    answer = client.post(reverse("config:preferences"), {"theme": "dark"})
    assert answer.status_code == 403
    assert "out of date" in answer.content.decode()


def test_a_button_that_met_somebody_elses_change_says_so(user: User) -> None:
    middleware = ChangedMeanwhileMiddleware(lambda _request: HttpResponse())
    response = middleware.process_exception(RequestFactory().post("/"), ChangedMeanwhile("the domain went elsewhere"))
    assert response is not None and response.status_code == 409
    assert "Somebody changed this meanwhile" in response.content.decode()
    assert middleware.process_exception(RequestFactory().post("/"), ValueError("a mistake of ours")) is None


def test_throttled_doors_say_how_long(db: None) -> None:
    response = errors.too_many(RequestFactory().get("/"), wait_s=30)
    assert (response.status_code, response["Retry-After"]) == (429, "30")
    assert "30 seconds" in response.content.decode()


def test_every_template_compiles() -> None:
    engine = engines["django"]
    folder = paths.BASE_DIR / "templates"
    names = [path.relative_to(folder).as_posix() for path in folder.rglob("*.html")]
    assert len(names) > 40
    for name in names:
        engine.get_template(name)


def test_collected_files_have_names_by_content_and_refer_to_each_other_by_them(tmp_path, settings) -> None:  # type: ignore[no-untyped-def]
    settings.STATIC_ROOT = tmp_path
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
    }
    call_command("collectstatic", "--noinput", verbosity=0)
    manifest = json.loads((tmp_path / "staticfiles.json").read_text())["paths"]
    entry = (tmp_path / manifest["css/postkeep.css"]).read_text()
    assert manifest["vendor/bootstrap/bootstrap-reboot.min.css"].rsplit("/", 1)[1] in entry
    assert entry.index("@layer vendor") < entry.index("@import")
    assert (tmp_path / (manifest["postkeep.js"] + ".gz")).exists()


def test_a_region_that_asks_after_the_session_ended_leads_to_the_sign_in_page_and_back(
    client: Client, db: None
) -> None:
    headers = {"HX-Request": "true", "HX-Current-URL": "http://testserver/tasks/7/?a=1"}
    answer = client.get(reverse("jobs:task-list"), headers=headers)
    assert answer.status_code == 200
    assert answer["HX-Redirect"] == f"{reverse('accounts:sign-in')}?next=%2Ftasks%2F7%2F%3Fa%3D1"
    assert not answer.content
