"""Alerts: who is told, who sees them, who puts them away."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.actors import Actor
from accounts.errors import Forbidden
from accounts.models import AuditEvent, User
from accounts.scopes import SERVER
from jobs import alert_mails, alert_selectors, alerts
from jobs.errors import BadArguments
from jobs.models import Alert
from tests.smtp_server import Behaviour, SmtpServer, running_server
from tests.stage import Cast

SYSTEM = Actor.system()


def seen_by(user: User) -> set[str]:
    return {alert.text for alert in alert_selectors.list_alerts(Actor.for_user(user))}


def pressing(user: User) -> list[str]:
    return [alert.text for alert in alert_selectors.list_pressing(Actor.for_user(user))]


def post(text: str, scope: object = None, *, everybody: bool = False, **more: Any) -> Alert:
    audience = "everybody" if everybody else "administrators"
    return alerts.post_alert(SYSTEM, text, audience=audience, scope=scope or SERVER, **more)


def test_alerts_are_seen_by_whom_they_concern(cast: Cast) -> None:
    post("disk full")
    post("maintenance tonight", everybody=True)
    post("DNS broken", cast.domain)
    post("new webmail", cast.domain, everybody=True)
    post("limit reached", cast.customer)
    post("your quota", cast.user, everybody=True)
    everywhere = {"maintenance tonight"}
    assert seen_by(cast.administrator) == {alert.text for alert in Alert.objects.all()}
    assert seen_by(cast.user) == {*everywhere, "new webmail", "your quota"}
    assert seen_by(cast.domain_administrator) == {*everywhere, "DNS broken", "new webmail", "your quota"}
    assert seen_by(cast.customer_administrator) == seen_by(cast.domain_administrator) | {"limit reached"}
    for foreign in (cast.stranger, cast.sibling_administrator, cast.elsewhere_administrator, cast.auditor):
        assert seen_by(foreign) == everywhere


def test_above_pages_stands_only_what_is_for_oneself(cast: Cast) -> None:
    post("disk full")
    post("DNS broken", cast.domain)
    post("new webmail", cast.domain, everybody=True)
    assert pressing(cast.administrator) == ["disk full"]
    assert pressing(cast.domain_administrator) == ["DNS broken"]
    assert pressing(cast.user) == ["new webmail"]


def test_only_who_watches_over_a_scope_posts_there(cast: Cast) -> None:
    assert alerts.post_alert(Actor.for_user(cast.domain_administrator), "x", scope=cast.domain).posted_by
    for poster, scope in [
        (cast.domain_administrator, cast.sibling),
        (cast.domain_administrator, SERVER),
        (cast.user, cast.user),
        (cast.help_desk, cast.domain),
    ]:
        with pytest.raises(Forbidden):
            alerts.post_alert(Actor.for_user(poster), "x", scope=scope)
    with pytest.raises(BadArguments):
        alerts.post_alert(SYSTEM, "  ")


def test_the_same_source_counts_up_while_it_is_open(cast: Cast) -> None:
    for _time in range(3):
        alert = post("store full", source="store:1")
    assert (Alert.objects.count(), alert.times) == (1, 3)
    assert alerts.settle_alerts("store:1") == 1
    post("store full", source="store:1")
    assert Alert.objects.count() == 2


def test_acknowledged_by_an_administrator_it_is_gone_for_all(cast: Cast) -> None:
    alert = post("DNS broken", cast.domain)
    with pytest.raises(Forbidden):
        alerts.acknowledge_alert(Actor.for_user(cast.user), alert)
    alerts.acknowledge_alert(Actor.for_user(cast.customer_administrator), alert)
    assert pressing(cast.domain_administrator) == []
    assert alert.acknowledged_by == cast.customer_administrator.email
    assert AuditEvent.objects.get(action="alert.acknowledge").domain_id == cast.domain.pk


def test_put_away_by_one_it_stays_for_the_others(cast: Cast) -> None:
    alert = post("new webmail", everybody=True)
    alerts.acknowledge_alert(Actor.for_user(cast.user), alert)
    alerts.acknowledge_alert(Actor.for_user(cast.user), alert)
    assert (pressing(cast.user), pressing(cast.stranger)) == ([], ["new webmail"])


def test_ones_own_alert_is_acknowledged_by_its_person(cast: Cast) -> None:
    alert = post("your quota", cast.user, everybody=True)
    alerts.acknowledge_alert(Actor.for_user(cast.user), alert)
    assert not alert.is_open


def test_what_people_posted_is_replaced_and_what_the_house_found_stays(cast: Cast) -> None:
    actor = Actor.for_user(cast.domain_administrator)
    alerts.set_alerts(actor, [alerts.Post("one"), alerts.Post("two")], scope=cast.domain)
    alerts.post_alert(SYSTEM, scope=cast.domain, kind="job.failed", params={"name": "n", "why": "w"}, source="x")
    alerts.set_alerts(actor, [alerts.Post("three")], scope=cast.domain)
    still = Alert.objects.filter(acknowledged_at=None).values_list("text", flat=True)
    assert set(still) == {"three", "The job “n” failed: w"}
    with pytest.raises(Forbidden):
        alerts.set_alerts(actor, [], scope=cast.sibling)


def test_removed_it_was_never_there_but_for_its_event(cast: Cast) -> None:
    alert = post("x", cast.domain)
    with pytest.raises(Forbidden):
        alerts.delete_alert(Actor.for_user(cast.sibling_administrator), alert)
    alerts.delete_alert(Actor.for_user(cast.domain_administrator), alert)
    assert not Alert.objects.exists() and AuditEvent.objects.filter(action="alert.delete").exists()


@pytest.fixture
def mail_server(settings: Any) -> Any:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    with running_server(Behaviour()) as running:
        settings.EMAIL_HOST, settings.EMAIL_PORT = running.address, running.port
        settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = ""
        settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
        yield running


def test_administrators_are_mailed_once_in_their_language(cast: Cast, mail_server: SmtpServer) -> None:
    post("DNS broken", cast.domain)
    post("disk full", severity="info")
    assert alert_mails.mail_alerts() == 1
    assert alert_mails.mail_alerts() == 0
    (mail,) = mail_server.mails
    assert "DNS broken" in mail and cast.domain_administrator.email in mail and "/alerts/" in mail


def test_without_administrators_of_its_own_the_server_is_mailed(cast: Cast, mail_server: SmtpServer) -> None:
    post("limit reached", cast.elsewhere)
    alert_mails.mail_alerts()
    assert cast.administrator.email in mail_server.mails[0]


def test_what_isnt_mailed_now_waits_for_a_server(cast: Cast, settings: Any) -> None:
    settings.EMAIL_HOST = ""
    post("DNS broken", cast.domain)
    assert alert_mails.mail_alerts() == 0
    assert Alert.objects.get().mailed_at is None
