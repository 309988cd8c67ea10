"""Webhooks: who hears of what, that it is signed and repeated, and that nobody learns or reaches what isn't theirs."""

from __future__ import annotations

import base64
import hashlib
import hmac
import ipaddress
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.http import Http404
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts import audit
from accounts.actors import Actor
from accounts.errors import Forbidden
from accounts.models import AuditEvent, Grant, User
from accounts.permissions import Level
from accounts.scopes import SERVER
from accounts.services.sealing import seal_all
from config.kit import trust
from jobs import alerts
from jobs.commands import get_command
from jobs.errors import BadValue, NotRunnable
from jobs.models import Alert, Task, Webhook, WebhookCursor, WebhookDelivery
from jobs.services import run_here
from jobs.webhooks import delivering, outbox, selectors, services, signing
from tests.certificates import make_authority, make_certificate
from tests.domains.factories import make_mailbox_in
from tests.factories import make_job, make_job_run, make_user
from tests.jobs.webhooks.receiver import Receiver, receiving
from tests.stage import Cast

SYSTEM = Actor.system()
State = WebhookDelivery.State


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    with receiving() as found:
        settings.ALLOWED_RELAYS = (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1"))
        settings.ALLOWED_PORTS = frozenset({found.port})
        yield found


def hook_on(scope: object, url: str = "https://hooks.example.com/x", *events: str, by: Actor = SYSTEM) -> Webhook:
    chosen = events or ("audit.*",)
    return services.create_webhook(by, scope, name="Hook", url=url, events=chosen)[0]


def follow() -> None:
    seal_all()
    outbox.follow_audit()


def heard_by(hook: Webhook) -> list[str]:
    return list(WebhookDelivery.objects.filter(webhook=hook).order_by("pk").values_list("type", flat=True))


def test_each_webhook_hears_of_its_own_place_only_and_of_nothing_before_it(cast: Cast) -> None:
    follow()  # the trail so far is nobody's
    server, ours, theirs, sibling = (
        hook_on(place, f"https://{number}.example.com", "user.created", "audit.alias.*")
        for number, place in enumerate([SERVER, cast.domain, cast.elsewhere, cast.sibling])
    )
    customer = hook_on(cast.customer, "https://5.example.com", "user.created")
    make_mailbox_in(cast.domain, "newcomer")
    make_mailbox_in(cast.elsewhere, "foreigner")
    follow()
    said = {hook.pk: heard_by(hook) for hook in (server, ours, theirs, sibling, customer)}
    assert "user.created" in said[ours.pk] and said[ours.pk] == said[customer.pk]
    assert said[theirs.pk] == said[ours.pk] and said[sibling.pk] == []
    assert sorted(said[server.pk]) == sorted(said[ours.pk] + said[theirs.pk])
    names = [json.loads(row.body)["data"]["object"]["name"] for row in WebhookDelivery.objects.filter(webhook=ours)]
    assert names and all("newcomer" in name for name in names)
    follow()
    outbox._move(WebhookCursor.objects.get(), 0)  # as after a database that was set back
    follow()
    assert {hook.pk: heard_by(hook) for hook in (server, ours, theirs, sibling, customer)} == said


def test_nothing_that_quotes_mail_is_told(cast: Cast) -> None:
    hook = hook_on(SERVER)
    follow()
    audit.record(SYSTEM, "archive.read", cast.user, reason="secret reason", subject="secret subject")
    event = AuditEvent.objects.latest("pk")
    AuditEvent(
        action="archive.read", actor_label="x", object_type="archive.message", object_label="secret subject"
    ).save()
    follow()
    bodies = [row.body for row in WebhookDelivery.objects.filter(webhook=hook)]
    assert any(f"audit_{event.pk}" in body for body in bodies) and not any("secret" in body for body in bodies)


def test_alerts_and_failed_jobs_are_told_once(cast: Cast) -> None:
    hook = hook_on(SERVER, "https://a.example.com", "alert.raised", "job.failed", "certificate.expiring")
    domain = hook_on(cast.domain, "https://b.example.com", "alert.raised")
    for _time in range(2):
        alerts.post_alert(SYSTEM, "DNS is broken", scope=cast.domain, source="dns")
    alerts.post_alert(SYSTEM, "not theirs", scope=cast.elsewhere)
    params = {"name": "mx", "date": "2030-01-01"}
    alerts.post_alert(SYSTEM, kind="gateway.certificate_expires", params=params, source="c")
    assert heard_by(domain) == ["alert.raised"]
    assert heard_by(hook) == ["alert.raised", "alert.raised", "alert.raised", "certificate.expiring"]
    from jobs.dispatching import _end

    run = make_job_run(make_job(cast.administrator), ended_at=None)
    _end(run, {"state": "failed", "error": "boom", "ended_at": timezone.now()})
    assert heard_by(hook)[-2:] == ["alert.raised", "job.failed"]


def test_what_is_sent_is_signed_as_standard_webhooks_says(receiver: Receiver, db: None) -> None:
    hook, secret = services.create_webhook(SYSTEM, SERVER, name="n", url=receiver.url(), events=["audit.*"])
    row = services.send_test(SYSTEM, hook)
    assert delivering.deliver_due() == 1
    (heard,) = receiver.heard
    row.refresh_from_db()
    assert (row.state, row.status_code, row.attempts, heard.path) == (State.DELIVERED, 204, 1, "/hook?key=1")
    signed = f"{heard.headers['webhook-id']}.{heard.headers['webhook-timestamp']}.".encode() + heard.body
    key = base64.b64decode(secret.removeprefix("whsec_"))
    expected = "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    assert heard.headers["webhook-signature"] == expected and heard.headers["webhook-id"] == row.event_id
    assert json.loads(heard.body)["type"] == "webhook.test"
    assert secret not in str(hook.secret) and Webhook.objects.get().secret.reveal() == secret
    # Standard Webhooks' own example
    assert (
        signing.signature(
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330,
            b'{"test": 2432232314}',
        )
        == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    )  # fmt: skip


def test_what_is_not_taken_is_tried_for_a_day_under_the_same_id_then_given_up(receiver: Receiver, db: None) -> None:
    hook = hook_on(SERVER, receiver.url())
    row = services.send_test(SYSTEM, hook)
    receiver.status, receiver.said = 500, b"no <room>\0 left"
    waited = timedelta()
    while row.state == State.WAITING:
        WebhookDelivery.objects.update(next_at=timezone.now())
        assert delivering.deliver_due() == 1
        row.refresh_from_db()
        if row.next_at is not None:
            waited += row.next_at - timezone.now()
    assert row.state == State.FAILED and timedelta(hours=24) < waited < timedelta(hours=30)
    assert {heard.headers["webhook-id"] for heard in receiver.heard} == {row.event_id}
    assert (row.status_code, row.answer) == (500, "no <room>  left")
    receiver.status = 200
    services.send_again(SYSTEM, row)
    delivering.deliver_due()
    row.refresh_from_db()
    hook.refresh_from_db()
    assert (row.state, hook.failing_since) == (State.DELIVERED, None)


def test_redirects_are_not_followed_and_hanging_up_is_no_answer(receiver: Receiver, db: None) -> None:
    hook = hook_on(SERVER, receiver.url())
    for status, expected in ((302, 302), (None, None)):
        receiver.status = status
        row = services.send_test(SYSTEM, hook)
        delivering.deliver_due()
        row.refresh_from_db()
        assert (row.state, row.status_code) == (State.WAITING, expected)
        WebhookDelivery.objects.all().delete()
    assert {heard.path for heard in receiver.heard} == {"/hook?key=1"}


def test_one_that_fails_for_days_or_is_gone_is_switched_off_and_its_people_are_told(
    cast: Cast, receiver: Receiver
) -> None:
    hook = hook_on(SERVER, receiver.url())
    receiver.status = 503
    services.send_test(SYSTEM, hook)
    Webhook.objects.update(failing_since=timezone.now() - timedelta(days=4))
    delivering.deliver_due()
    hook.refresh_from_db()
    assert (hook.state, hook.stopped) == ("stopped", "failing")
    assert Alert.objects.get(kind=delivering.STOPPED).is_open
    with pytest.raises(NotRunnable):
        services.send_test(SYSTEM, hook)
    services.switch_webhook(SYSTEM, hook, on=True)
    assert not Alert.objects.get(kind=delivering.STOPPED).is_open
    receiver.status = 410
    services.send_test(SYSTEM, hook)
    delivering.deliver_due()
    hook.refresh_from_db()
    assert hook.stopped == "gone"


def test_the_gate_stands_before_every_delivery(settings: Any, receiver: Receiver, db: None) -> None:
    hook = hook_on(SERVER, receiver.url())
    row = services.send_test(SYSTEM, hook)
    settings.ALLOWED_RELAYS = ()  # as when the name leads somewhere else by now
    delivering.deliver_due()
    row.refresh_from_db()
    assert receiver.heard == [] and row.status_code is None and "allowed" in row.answer


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example.com/", "https://127.0.0.1/", "https://[::1]/", "https://169.254.169.254/latest",
        "https://10.0.0.1:443/", "https://example.com:22/", "ftp://example.com", "https://u:p@example.com/",
        "https://example.com/#x", "https://exa mple.com", "file:///etc/passwd", "https://", "gopher://x",
        "https://example.com/\r\nX: y", "https://[::ffff:127.0.0.1]/", "https://example.com:99999/",
    ],
)  # fmt: skip
def test_an_address_that_leads_nowhere_good_is_refused_at_once(cast: Cast, url: str) -> None:
    with pytest.raises(BadValue):
        hook_on(cast.domain, url)


def test_own_authorities_are_believed_others_are_not(settings: Any, tmp_path: Path, db: None) -> None:
    authority = make_authority()
    certificate = make_certificate("localhost", by=authority)
    with receiving(certificate.context(tmp_path)) as receiver:
        settings.ALLOWED_RELAYS = (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1"))
        settings.ALLOWED_PORTS = frozenset({receiver.port})
        row = services.send_test(SYSTEM, hook_on(SERVER, receiver.url("https")))
        delivering.deliver_due()
        row.refresh_from_db()
        assert row.state == State.WAITING and receiver.heard == []
        trust.register(lambda: authority.pem)
        try:
            WebhookDelivery.objects.update(next_at=timezone.now())
            delivering.deliver_due()
        finally:
            trust.register(str)
    row.refresh_from_db()
    assert row.state == State.DELIVERED


def test_delegates_have_webhooks_of_their_own_place_and_hear_only_what_they_may_know(cast: Cast) -> None:
    owner = Actor.for_user(cast.domain_administrator)
    hook = hook_on(cast.domain, "https://a.example.com", "user.created", by=owner)
    for foreign in (cast.sibling_administrator, cast.elsewhere_administrator, cast.user, cast.auditor):
        actor = Actor.for_user(foreign)
        with pytest.raises(Http404):
            selectors.get_webhook(actor, hook.pk)
        with pytest.raises(Forbidden):
            hook_on(cast.domain, by=actor)
    with pytest.raises(Forbidden):
        hook_on(SERVER, by=owner)
    with pytest.raises(BadValue):
        hook_on(cast.domain, "https://a.example.com", "job.failed")
    with pytest.raises(BadValue):
        hook_on(cast.domain, "https://a.example.com", "audit.nothing.such")
    weak = make_user("weak@delegates.example")
    Grant.objects.create(
        user=weak, rights=["manage_options"], level=Level.DOMAIN, object_id=cast.domain.pk, object_label="x"
    )
    narrow = Actor.for_user(weak)
    assert selectors.get_webhook(narrow, hook.pk) == hook
    with pytest.raises(Forbidden):  # else what its owner may hear would go elsewhere
        services.change_webhook(narrow, hook, {"url": "https://evil.example.com"})
    with pytest.raises(Forbidden):
        services.renew_secret(narrow, hook)
    with pytest.raises(Forbidden):
        hook_on(cast.domain, "https://a.example.com", "alert.raised", by=narrow)
    read_only = owner.restricted(None, read_only=True)
    with pytest.raises(Forbidden):
        services.delete_webhook(read_only, hook)


def test_a_flood_fills_no_disk_and_old_deliveries_go(monkeypatch: pytest.MonkeyPatch, cast: Cast) -> None:
    hook = hook_on(cast.domain)
    monkeypatch.setattr(outbox, "MOST_WAITING", 3)
    for number in range(6):
        audit.record(SYSTEM, "user.edit", cast.user, number=number)
        follow()
    assert WebhookDelivery.objects.filter(webhook=hook).count() == 4
    WebhookDelivery.objects.update(created_at=timezone.now() - timedelta(days=31))
    Webhook.objects.filter(pk=hook.pk).update(object_id=987654)  # its domain is gone
    delivering.tidy()
    assert not Webhook.objects.exists() and not WebhookDelivery.objects.exists()


def test_slow_and_dead_receivers_hold_up_nobody_else(
    receiver: Receiver, db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twelve slow ones, a dead one and a quick one, whose events came last: more than there are threads."""
    monkeypatch.setattr(delivering, "SLOW_MS", 80)
    monkeypatch.setattr(delivering, "TURN_S", 0.05)
    receiver.slow_s = 0.1
    base = receiver.url().replace("/hook", "")
    slow = [hook_on(SERVER, base.replace("?", f"/slow{number}?")) for number in range(12)]
    dead = hook_on(SERVER, "https://localhost:8443/")
    quick = hook_on(SERVER, receiver.url())
    rows = [services.send_test(SYSTEM, hook) for hook in slow for _event in range(3)]
    rows += [services.send_test(SYSTEM, dead) for _event in range(5)]
    rows += [services.send_test(SYSTEM, quick) for _event in range(30)]
    assert delivering.deliver_due() == 36 + 1 + 30  # of the dead one's events one asks for all
    paths = [heard.path.partition("?")[0] for heard in receiver.heard]
    last = max(at for at, path in enumerate(paths) if path == "/hook")
    assert sum(path.startswith("/slow") for path in paths[:last]) < 24
    for hook in (*slow, quick):  # each in the order of its events
        sent = [heard.headers["webhook-id"] for heard in receiver.heard if heard.headers["webhook-id"] in {
            row.event_id for row in rows if row.webhook_id == hook.pk}]  # fmt: skip
        assert sent == [row.event_id for row in rows if row.webhook_id == hook.pk]
    waiting = WebhookDelivery.objects.filter(webhook=dead)
    assert set(waiting.values_list("attempts", flat=True)) == {0, 1}
    assert min(row.next_at for row in waiting if row.next_at) > timezone.now() + timedelta(seconds=3)
    Webhook.objects.filter(pk=dead.pk).update(url=receiver.url())  # it is there again
    asked = waiting.get(attempts=1)
    WebhookDelivery.objects.filter(pk=asked.pk).update(next_at=timezone.now())
    assert delivering.deliver_due() == 5
    assert not WebhookDelivery.objects.exclude(state=State.DELIVERED).exists()


def test_commands_make_change_test_and_delete_it_and_tell_no_secret(receiver: Receiver, cast: Cast) -> None:
    secret = signing.new_secret()
    owner = Actor.for_user(cast.domain_administrator)
    place = f"domain:{cast.domain.name}"

    def invoke(called: str, actor: Actor = SYSTEM, **given: object) -> dict[str, Any]:
        task = run_here(actor, called, get_command(called).arguments_from_json(given))
        assert task.state == Task.State.COMPLETED, task.error
        assert secret not in json.dumps([task.result, task.arguments])
        return dict(task.result or {})

    made = invoke("CreateWebhook", name="Tickets", url=receiver.url(), events=["audit.*"], secret=secret)
    hook = Webhook.objects.get(pk=made["id"])
    assert made["scope"] == "server" and hook.secret.reveal() == secret
    theirs = invoke(
        "CreateWebhook",
        owner,
        name="T",
        url="https://a.example.com",
        events=["user.created"],
        secret=secret,
        scope=place,
    )
    assert theirs["scope"] == place
    assert [each["name"] for each in invoke("GetWebhooks", owner)["webhooks"]] == ["T"]
    assert len(invoke("GetWebhooks")["webhooks"]) == 2
    for elsewhere in ("server", f"domain:{cast.elsewhere.name}", "domain:nowhere.example", "galaxy:x"):
        given = {"name": "x", "url": "https://a.example.com", "events": ["user.created"], "secret": secret}
        arguments = get_command("CreateWebhook").arguments_from_json({**given, "scope": elsewhere})
        assert run_here(owner, "CreateWebhook", arguments).state == Task.State.FAILED
    for _again in range(2):
        assert invoke("SetWebhook", id=hook.pk, name="Other", enabled=False)["state"] == "disabled"
    assert invoke("SetWebhook", id=hook.pk, enabled=True)["name"] == "Other"
    sent = invoke("TestWebhook", id=hook.pk)
    delivering.deliver_due()
    (row,) = invoke("GetWebhookDeliveries", id=hook.pk)["deliveries"]
    assert (row["id"], row["state"], row["status"]) == (sent["id"], "delivered", 204)
    assert invoke("SendWebhookAgain", id=hook.pk, delivery=row["id"])["state"] == "waiting"
    secret = signing.new_secret()
    invoke("SetWebhookSecret", id=hook.pk, secret=secret)
    assert Webhook.objects.get(pk=hook.pk).secret.reveal() == secret
    invoke("DeleteWebhook", id=hook.pk)
    assert list(Webhook.objects.values_list("pk", flat=True)) == [theirs["id"]]


def test_its_pages_make_show_test_and_delete_it(receiver: Receiver, cast: Cast, client_for: Any) -> None:
    client: Client = client_for(cast.administrator)
    data = {"level": "server", "name": "Tickets", "url": receiver.url(), "events": ["user.created"], "trail": "audit.*"}
    assert client.post(reverse("jobs:webhook-create"), data | {"url": "nonsense"}).status_code == 422
    assert client.post(reverse("jobs:webhook-create"), data | {"events": [], "trail": ""}).status_code == 422
    made = client.post(reverse("jobs:webhook-create"), data)
    assert made.status_code == 200 and "whsec_" in made.content.decode()
    hook = Webhook.objects.get()
    assert hook.events == ["audit.*", "user.created"]
    client.post(reverse("jobs:webhook-test", args=[hook.pk]))
    delivering.deliver_due()
    page = client.get(reverse("jobs:webhook-detail", args=[hook.pk])).content.decode()
    assert "webhook.test" in page and "Delivered" in page and "whsec_" not in page
    row = WebhookDelivery.objects.get()
    assert row.event_id in client.get(reverse("jobs:webhook-delivery", args=[hook.pk, row.pk])).content.decode()
    client.post(reverse("jobs:webhook-resend", args=[hook.pk, row.pk]))
    delivering.deliver_due()
    assert len(receiver.heard) == 2
    edit = client.post(reverse("jobs:webhook-edit", args=[hook.pk]), data | {"name": "Other", "version": hook.version})
    assert edit.status_code == 303
    stale = client.post(reverse("jobs:webhook-edit", args=[hook.pk]), data | {"name": "Third", "version": hook.version})
    assert stale.status_code == 422
    renewed = client.post(reverse("jobs:webhook-secret", args=[hook.pk])).content.decode()
    assert "whsec_" in renewed
    client.post(reverse("jobs:webhook-switch", args=[hook.pk]), {"enabled": "no"})
    hook.refresh_from_db()
    assert (hook.name, hook.state) == ("Other", "disabled")
    assert "Other" in client.get(reverse("jobs:webhook-list")).content.decode()
    client.post(reverse("jobs:webhook-delete", args=[hook.pk]))
    assert not Webhook.objects.exists()


def test_people_without_rights_see_no_webhooks(cast: Cast, client_for: Any) -> None:
    hook = hook_on(SERVER)
    person: User = cast.domain_administrator
    assert client_for(person).get(reverse("jobs:webhook-detail", args=[hook.pk])).status_code == 404
    assert client_for(cast.user).get(reverse("jobs:webhook-list")).status_code == 403
