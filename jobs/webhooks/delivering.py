"""Sending what waits, at least once: claimed, sent, noted; tried again for a day, then given up.

What was claimed by a process that died is tried again after the claim ran out. A webhook that took nothing for some
days (the option WEBHOOK_GIVE_UP_DAYS) is switched off, and its administrators are told. Called by the clock.
"""

from __future__ import annotations

import ssl
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts import audit, options, places
from accounts.actors import Actor
from accounts.optiontypes import OptionType
from accounts.scopes import SERVER, ScopeRef
from config.kit import trust
from config.kit.sealed import SealedError
from jobs import alerts
from jobs.models import Webhook, WebhookDelivery
from jobs.webhooks import signing
from jobs.webhooks.sending import Answered, send

State = WebhookDelivery.State
# After the first try: 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 8 h (a day and some in all).
WAITS_S = (5, 300, 1_800, 7_200, 18_000, 36_000, 28_800)
CLAIM = timedelta(minutes=3)
AT_ONCE, BESIDE = 200, 8
BUDGET_S = 40.0
KEPT = timedelta(days=30)
GIVE_UP, STOPPED = "WEBHOOK_GIVE_UP_DAYS", "webhook.stopped"


@dataclass(frozen=True, slots=True)
class Parcel:
    """What a thread needs to send one delivery."""

    key: int
    url: str
    secret: str
    event_id: str
    body: bytes


def register() -> None:
    alerts.register_kind(STOPPED, _("The webhook “%(name)s” was switched off: %(why)s."))
    options.define(
        GIVE_UP,
        OptionType.INTEGER,
        levels=options.SERVER_ONLY,
        default=3,
        minimum=1,
        maximum=30,
        unit=_("days"),
        label=_("Switch a webhook off when it took nothing for"),
        help=_("Its administrators get an alert; what waits for it is given up."),
        group=_("Webhooks"),
        restricted=True,
    )


def deliver_due() -> int:
    """Send what is due, several webhooks beside each other, each its events in order; how many were sent."""
    claimed = _claim(timezone.now())
    if not claimed:
        return 0
    context = trust.client_context()
    until = time.monotonic() + BUDGET_S

    def work_off(parcels: list[Parcel]) -> list[tuple[Parcel, Answered | None]]:
        """Up to the first that isn't taken: what doesn't answer now answers the next one no better."""
        done: list[tuple[Parcel, Answered | None]] = []
        for parcel in parcels:
            last = done[-1][1] if done else None
            stops = time.monotonic() > until or (bool(done) and (last is None or last.status is None))
            done.append((parcel, None if stops else _send(parcel, context)))
        return done

    groups: dict[int, list[Parcel]] = {}
    for row in claimed:
        parcel = _parcel(row)
        if parcel is not None:
            groups.setdefault(row.webhook_id, []).append(parcel)
    with ThreadPoolExecutor(BESIDE, thread_name_prefix="webhook") as pool:
        results = list(pool.map(work_off, groups.values()))
    return sum(_note(parcel.key, answered) for done in results for parcel, answered in done)


def _claim(now: datetime) -> list[WebhookDelivery]:
    with transaction.atomic():
        rows = list(
            WebhookDelivery.objects.filter(state=State.WAITING, next_at__lte=now, webhook__is_enabled=True)
            .select_related("webhook")
            .select_for_update(of=("self",), skip_locked=True)
            .order_by("next_at", "pk")[:AT_ONCE]
        )
        WebhookDelivery.objects.filter(pk__in=[row.pk for row in rows]).update(next_at=now + CLAIM)
    return sorted(rows, key=lambda row: row.pk)


def _parcel(row: WebhookDelivery) -> Parcel | None:
    try:
        secret = row.webhook.secret.reveal()
    except SealedError as error:
        _note(row.pk, Answered(None, str(error), 0))
        return None
    return Parcel(row.pk, row.webhook.url, secret, row.event_id, row.body.encode())


def _send(parcel: Parcel, context: ssl.SSLContext) -> Answered:
    headers = signing.headers(parcel.secret, parcel.event_id, int(time.time()), parcel.body)
    return send(parcel.url, headers, parcel.body, context, who="a webhook")


def _note(key: int, answered: Answered | None) -> int:
    """Write what came of a try; None: it was put off. 1 where it was tried."""
    now = timezone.now()
    with transaction.atomic():
        row = WebhookDelivery.objects.select_for_update(of=("self",)).select_related("webhook").filter(pk=key).first()
        if row is None or row.state != State.WAITING:  # deleted, or given up meanwhile
            return 0
        if answered is None:
            row.next_at = now + timedelta(seconds=WAITS_S[0])
            row.save(update_fields=["next_at"])
            return 0
        row.attempts += 1
        row.last_at, row.status_code, row.took_ms = now, answered.status, answered.took_ms
        row.answer = answered.text.replace("\0", "")[:500]
        _decide(row, answered, now)
        row.save()
    return 1


def _decide(row: WebhookDelivery, answered: Answered, now: datetime) -> None:
    """Delivered, tried again or given up; and what that says about the webhook."""
    hook = row.webhook
    if answered.is_taken:
        row.state, row.next_at = State.DELIVERED, None
        Webhook.objects.filter(pk=hook.pk).update(delivered_at=now, failing_since=None)
        alerts.settle_alerts(_source(hook))
        return
    if row.attempts > len(WAITS_S):
        row.state, row.next_at = State.FAILED, None
    else:
        row.next_at = now + timedelta(seconds=WAITS_S[row.attempts - 1])
    Webhook.objects.filter(pk=hook.pk, failing_since=None).update(failing_since=now)
    since = hook.failing_since or now
    if answered.is_gone:
        row.state, row.next_at = State.FAILED, None
        stop(hook, Webhook.Stopped.GONE)
    elif now - since >= timedelta(days=int(options.value(GIVE_UP))):
        row.state, row.next_at = State.FAILED, None
        stop(hook, Webhook.Stopped.FAILING)


def stop(hook: Webhook, why: str) -> None:
    """Switch it off by ourselves, give up what waits, and tell its administrators."""
    if not Webhook.objects.filter(pk=hook.pk, is_enabled=True).update(is_enabled=False, stopped=why):
        return
    hook.is_enabled, hook.stopped = False, why
    give_up_waiting(hook)
    system = Actor.system()
    audit.record(system, "webhook.stop", hook, within=within(hook), why=why)
    params = {"name": hook.name, "why": str(Webhook.Stopped(why).label)}
    alerts.post_alert(
        system, kind=STOPPED, params=params, scope=hook.scope, source=_source(hook), url=f"/webhooks/{hook.pk}/"
    )


def give_up_waiting(hook: Webhook) -> int:
    """What waits for it is not sent any more; how many."""
    waiting = WebhookDelivery.objects.filter(webhook=hook, state=State.WAITING)
    return waiting.update(state=State.FAILED, next_at=None)


@dataclass(frozen=True, slots=True)
class Chain:
    """A scope with those it lies in (accounts.scopes.Scoped)."""

    refs: tuple[ScopeRef, ...]

    def scopes(self) -> tuple[ScopeRef, ...]:
        return tuple(ref for ref in self.refs if ref != SERVER)


def within(hook: Webhook) -> Chain:
    """Where events of the trail about it lie."""
    return Chain(places.chain(hook.scope))


def tidy() -> int:
    """Old deliveries go, and webhooks whose customer or domain is gone; how many rows."""
    removed = WebhookDelivery.objects.filter(created_at__lt=timezone.now() - KEPT).delete()[0]
    hooks = list(Webhook.objects.all())
    known = places.labels(hook.scope for hook in hooks if hook.scope != SERVER)
    lost = [hook.pk for hook in hooks if hook.scope != SERVER and hook.scope not in known]
    return removed + (Webhook.objects.filter(pk__in=lost).delete()[0] if lost else 0)


def _source(hook: Webhook) -> str:
    return f"webhook:{hook.pk}"
