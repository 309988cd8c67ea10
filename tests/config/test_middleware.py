"""Who the client is behind a proxy, and the id that ties an answer to the log."""

from __future__ import annotations

import contextlib
import io
import logging
from collections.abc import Iterator

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from pytest_django.fixtures import Settings

from accounts.actors import Actor
from accounts.scopes import SERVER
from accounts.services.options import set_option
from config.middleware import LineFormatter, RequestIdMiddleware, TrustedProxyMiddleware, current_request_id


def seen_by_the_app(settings: Settings, trusted: list[str], remote: str, **headers: str) -> tuple[str, bool]:
    """REMOTE_ADDR and is_secure() after the middleware."""
    settings.TRUSTED_PROXIES = trusted
    seen: list[HttpRequest] = []

    def app(request: HttpRequest) -> HttpResponse:
        seen.append(request)
        return HttpResponse()

    TrustedProxyMiddleware(app)(RequestFactory().get("/", REMOTE_ADDR=remote, headers=headers))
    return seen[0].META["REMOTE_ADDR"], seen[0].is_secure()


FORWARDED = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https"}


def test_a_trusted_proxy_is_believed(settings: Settings) -> None:
    assert seen_by_the_app(settings, ["10.0.0.0/8"], "10.1.2.3", **FORWARDED) == ("203.0.113.9", True)


def test_anybody_else_is_not_believed(settings: Settings) -> None:
    assert seen_by_the_app(settings, ["10.0.0.0/8"], "192.0.2.1", **FORWARDED) == ("192.0.2.1", False)
    assert seen_by_the_app(settings, [], "127.0.0.1", **FORWARDED) == ("127.0.0.1", False)


def test_what_an_undeclared_proxy_passes_on_is_not_this_machine_s(db: None) -> None:
    """A web server on this machine that nobody declared would open the metrics, and a closed console, to everybody."""
    passed_on, own = Client(headers={"X-Forwarded-For": "203.0.113.9"}), Client()
    assert own.get("/metrics").status_code == 200 and passed_on.get("/metrics").status_code == 403
    assert passed_on.get("/sign-in/").status_code == 200
    set_option(Actor.system(), SERVER, "NETWORKS_CONSOLE", ["10.0.0.0/8"])
    assert own.get("/sign-in/").status_code == 200 and passed_on.get("/sign-in/").status_code == 403
    assert Client(headers={"X-Forwarded-Proto": "https"}).get("/metrics").status_code == 403


def test_behind_an_https_address_all_is_secure_unless_a_trusted_proxy_says_otherwise(settings: Settings) -> None:
    settings.IS_HTTPS = True
    assert seen_by_the_app(settings, [], "127.0.0.1")[1]
    assert seen_by_the_app(settings, [], "127.0.0.1", **{"X-Forwarded-Proto": "http"})[1]
    assert not seen_by_the_app(settings, ["127.0.0.1"], "127.0.0.1", **{"X-Forwarded-Proto": "http"})[1]


def test_only_the_hop_before_our_proxies_counts(settings: Settings) -> None:
    headers = {"X-Forwarded-For": "198.51.100.1, 203.0.113.9, 10.0.0.7"}
    assert seen_by_the_app(settings, ["10.0.0.0/8"], "10.1.2.3", **headers) == ("203.0.113.9", False)


@pytest.mark.parametrize(
    ("said", "client"),
    [
        ("", "10.1.2.3"), ("10.0.0.1", "10.0.0.1"), ("203.0.113.9:1234", "203.0.113.9"),
        ("::ffff:203.0.113.9", "203.0.113.9"), ("[2001:db8::9]:443", "2001:db8::9"), ("[2001:db8::9]", "2001:db8::9"),
        ("198.51.100.1, unknown", ""), ("unknown", ""), ("<script>", ""), ("203.0.113.9:", ""), ("1.2.3", ""),
    ],
)  # fmt: skip
def test_a_client_that_cannot_be_read_is_not_taken_for_the_proxy_s_machine(
    settings: Settings, said: str, client: str
) -> None:
    """Else who comes through a proxy on this machine would be this machine, which no list and no block keeps out."""
    headers = {"X-Forwarded-For": said}
    assert seen_by_the_app(settings, ["10.0.0.0/8"], "10.1.2.3", **headers) == (client, False)


def test_ipv4_addresses_have_one_form(settings: Settings) -> None:
    """On a socket for both kinds they come as IPv6, where all of them would be one network."""
    assert seen_by_the_app(settings, [], "::ffff:192.0.2.1") == ("192.0.2.1", False)
    assert seen_by_the_app(settings, ["10.0.0.0/8"], "::ffff:10.1.2.3", **FORWARDED) == ("203.0.113.9", True)


def test_each_answer_carries_the_id_that_the_log_has() -> None:
    inside: list[str] = []

    def app(request: HttpRequest) -> HttpResponse:
        inside.append(current_request_id())
        return HttpResponse()

    middleware = RequestIdMiddleware(app)
    answers = [middleware(RequestFactory().get("/")) for _ in range(2)]
    assert [answer["X-Request-ID"] for answer in answers] == inside
    assert len(set(inside)) == 2
    assert current_request_id() == "-"


def test_the_id_of_the_error_page_stands_in_the_log_line_that_django_writes_afterwards(
    db: None, client: Client
) -> None:
    with logged_lines() as lines:
        response = client.get("/no-such-page")
    [line] = [line for line in lines if "/no-such-page" in line]
    assert f"[{response['X-Error-ID']}]" in line


def test_the_log_holds_no_one_time_link(db: None, client: Client) -> None:
    with logged_lines() as lines:
        client.get("/link/s3cret-Token_of-a-person/")
    assert any("Not Found: /link/…/" in line for line in lines)
    assert not any("s3cret" in line for line in lines)


@pytest.mark.parametrize("host", ["evil.example", "testserver@evil.example"])
def test_an_unknown_host_is_refused_and_the_answer_has_the_policy_too(db: None, client: Client, host: str) -> None:
    response = client.get("/sign-in/", headers={"Host": host})
    assert response.status_code == 400
    assert "default-src 'none'" in response["Content-Security-Policy"]
    assert "evil" not in response.content.decode()


@contextlib.contextmanager
def logged_lines() -> Iterator[list[str]]:
    """What the settings' own handler writes meanwhile, line by line."""
    handler = next(each for each in logging.root.handlers if isinstance(each.formatter, LineFormatter))
    assert isinstance(handler, logging.StreamHandler)
    lines: list[str] = []
    stream = io.StringIO()
    before = handler.setStream(stream)
    try:
        yield lines
    finally:
        lines += stream.getvalue().splitlines()
        if before is not None:
            handler.setStream(before)
