"""Our own mails leave by the configured server, in the reader's language, and a failure is said."""

from __future__ import annotations

import email
import email.policy
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from config import environment
from config.kit import mailing
from tests import certificates
from tests.smtp_server import Behaviour, SmtpServer, running_server

pytestmark = pytest.mark.django_db  # whether people set another server
TEMPLATE = "mails/reset.txt"


class Person:
    display_name, email = "Ada Löv\nBcc: x@example.org", "ada@example.org"


LINK = "https://mail.example.org/link/abc/"
UNTIL = datetime(2026, 12, 1, 9, 30, tzinfo=UTC)
CONTEXT = {
    "person": Person,
    "link": LINK,
    "until": UNTIL,
    "support": "help@example.org",
}


@pytest.fixture
def server(settings: Settings) -> Iterator[SmtpServer]:
    with running_server(Behaviour(auth="PLAIN", users={"us": "secret"})) as running:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = running.address, running.port
        settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = "us", "secret"
        settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
        settings.DEFAULT_FROM_EMAIL = "postkeep@mail.example.org"
        yield running


def test_a_mail_arrives_whole(server: SmtpServer) -> None:
    mailing.send("ada@example.org", TEMPLATE, CONTEXT, language="en", name="Ada Löv")
    message = email.message_from_string(server.mails[0], policy=email.policy.default)
    assert message["From"] == "postkeep@mail.example.org" and message["Subject"] == "Choose a new password"
    assert message["To"] == "Ada Löv <ada@example.org>" and message["Auto-Submitted"] == "auto-generated"
    assert LINK in message.get_content() and message["Bcc"] is None
    assert "until 1 Dec 2026, 09:30:00 UTC." in message.get_content()
    assert any(line.upper().startswith("MAIL FROM:<POSTKEEP@MAIL.EXAMPLE.ORG>") for line in server.said)


def test_a_refusal_says_whether_trying_again_helps(server: SmtpServer) -> None:
    for reply, permanent in (("550 5.1.1 nobody of this name", True), ("451 4.3.0 later", False)):
        server.behaviour.replies["RCPT"] = reply
        with pytest.raises(mailing.NotSent) as refused:
            mailing.send("ada@example.org", TEMPLATE, CONTEXT)
        assert refused.value.permanent == permanent


def test_a_server_that_is_not_there_is_said(server: SmtpServer) -> None:
    server.close()
    with pytest.raises(mailing.NotSent) as refused:
        mailing.send("ada@example.org", TEMPLATE, CONTEXT)
    assert not refused.value.permanent


def test_a_certificate_nobody_vouches_for_gets_no_password(settings: Settings, tmp_path: Path) -> None:
    certificate = certificates.make_certificate("127.0.0.1")
    with running_server(Behaviour(tls=certificate.context(tmp_path), auth="PLAIN")) as running:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_USE_TLS = running.address, running.port, True
        settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = "us", "secret"
        with pytest.raises(mailing.NotSent):
            mailing.send("ada@example.org", TEMPLATE, CONTEXT)
        assert not any(line.startswith("AUTH") for line in running.said)


def test_without_a_server_nothing_is_sent(settings: Settings) -> None:
    settings.EMAIL_HOST = ""
    assert not mailing.is_configured()
    with pytest.raises(mailing.NotSent):
        mailing.send("ada@example.org", TEMPLATE, CONTEXT)


def test_the_environment_says_how(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert environment.smtp()["host"] == ""
    (tmp_path / "password").write_text("secret\n")
    for name, value in (
        ("HOST", "smtp.example.org"), ("TLS", "tls"), ("USER", "us"), ("PASSWORD_FILE", str(tmp_path / "password")),
    ):  # fmt: skip
        monkeypatch.setenv(f"POSTKEEP_MAIL_{name}", value)
    said = environment.smtp()
    assert (said["host"], said["port"], said["tls"], said["password"]) == ("smtp.example.org", 465, "tls", "secret")
    for name, value in (("TLS", "maybe"), ("PORT", "x"), ("PASSWORD_FILE", "/nowhere/at/all")):
        with monkeypatch.context() as patched:
            patched.setenv(f"POSTKEEP_MAIL_{name}", value)
            with pytest.raises(environment.EnvironmentRefused):
                environment.smtp()
