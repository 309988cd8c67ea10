"""Sending what waits, at least once: claimed, sent, noted; tried again for a day, then given up.

Webhooks take turns, so that none holds up another: one at a time of each is on its way, for some seconds, whose events
wait longest goes first, and those that failed or were slow lately share a few of the threads. What doesn't answer is
asked again by one event; the others wait with it and follow as soon as it is taken.

What was claimed by a process that died is tried again after the claim ran out. A webhook that took nothing for some
days (the option WEBHOOK_GIVE_UP_DAYS) is switched off, and its administrators are told. Called by the clock.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Collection
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Min
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
BESIDE, OF_SLOW = 8, 3  # threads, and how many of them those that fail or are slow may have
OF_ONE, TURN_S = 25, 5.0  # deliveries of one webhook in its turn, and how long it begins new ones
SLOW_MS = 3_000
LOOK_EVERY_S = 0.5
BUDGET_S = 40.0
MOST_LOOKED_AT = 200
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


Sent = list[tuple[Parcel, Answered | None]]  # None: it was put off, unsent
_slow: set[int] = set()  # webhooks whose last answer took long, as this process saw


def deliver_due() -> int:
    """Send what is due, several webhooks beside each other, each its events in order; how many were tried.

    Ends when nothing is due any more, or after `BUDGET_S` and what was begun then.
    """
    context = trust.client_context()
    until, tried = time.monotonic() + BUDGET_S, 0
    turns: dict[Future[Sent], int] = {}
    with ThreadPoolExecutor(BESIDE, thread_name_prefix="webhook") as pool:
        while True:
            if time.monotonic() < until:
                for hook, parcels in _claim(timezone.now(), list(turns.values())):
                    turns[pool.submit(_work_off, parcels, context)] = hook
            if not turns:
                return tried
            ended, _others = wait(turns, timeout=LOOK_EVERY_S, return_when=FIRST_COMPLETED)
            for future in ended:
                tried += _note_all(turns.pop(future), future.result())


def _work_off(parcels: list[Parcel], context: ssl.SSLContext) -> Sent:
    """Up to the first that isn't answered: what doesn't answer now answers the next one no better."""
    until = time.monotonic() + TURN_S
    done: Sent = []
    for parcel in parcels:
        last = done[-1][1] if done else None
        stops = bool(done) and (last is None or last.status is None or time.monotonic() > until)
        done.append((parcel, None if stops else _send(parcel, context)))
    return done


def _claim(now: datetime, busy: Collection[int]) -> list[tuple[int, list[Parcel]]]:
    """The next turns: as many webhooks as there are threads free, and what each shall hear."""
    rows = WebhookDelivery.objects.filter(state=State.WAITING, next_at__lte=now, webhook__is_enabled=True)
    free = BESIDE - len(busy)
    waiting = rows.exclude(webhook_id__in=list(busy)).values_list("webhook_id", "webhook__failing_since")
    longest = waiting.annotate(first=Min("next_at")).order_by("first", "webhook_id")[: MOST_LOOKED_AT if free else 0]
    failing = set(Webhook.objects.filter(pk__in=busy).exclude(failing_since=None).values_list("pk", flat=True))
    free_of_slow = OF_SLOW - len(failing | (_slow & set(busy)))
    turns = []
    for hook, failing_since, _first in longest:
        is_slow = failing_since is not None or hook in _slow
        if not free or (is_slow and free_of_slow <= 0):
            continue
        with transaction.atomic():
            due = rows.filter(webhook_id=hook).select_related("webhook").order_by("pk")
            taken = list(due.select_for_update(of=("self",), skip_locked=True)[: 1 if failing_since else OF_ONE])
            WebhookDelivery.objects.filter(pk__in=[row.pk for row in taken]).update(next_at=now + CLAIM)
        parcels = [parcel for row in taken if (parcel := _parcel(row)) is not None]
        if parcels:
            turns.append((hook, parcels))
            free -= 1
            free_of_slow -= is_slow
    return turns


def _note_all(hook: int, sent: Sent) -> int:
    """Write down what came of a turn; how many were tried."""
    last = [answered for _parcel, answered in sent if answered is not None][-1]
    (_slow.add if last.took_ms >= SLOW_MS else _slow.discard)(hook)
    tried = sum(_note(parcel.key, answered) for parcel, answered in sent if answered is not None)
    now = timezone.now()
    put_off = [parcel.key for parcel, answered in sent if answered is None]
    waiting = WebhookDelivery.objects.filter(webhook_id=hook, state=State.WAITING)
    waiting.filter(pk__in=put_off).update(next_at=now)
    if last.status is None:  # all wait for the one that asks again
        asked = next(parcel.key for parcel, answered in sent if answered is last)
        again = waiting.filter(pk=asked).values_list("next_at", flat=True).first()
        if again is not None:
            waiting.filter(next_at__lt=again).update(next_at=again)
    return tried


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


def _note(key: int, answered: Answered) -> int:
    """Write what came of a try. 1 where it still was to be tried."""
    now = timezone.now()
    with transaction.atomic():
        row = WebhookDelivery.objects.select_for_update(of=("self",)).select_related("webhook").filter(pk=key).first()
        if row is None or row.state != State.WAITING:  # deleted, or given up meanwhile
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
        if hook.failing_since is not None:  # it is there again: what waited with the one that asked follows
            others = WebhookDelivery.objects.filter(webhook=hook, state=State.WAITING).exclude(pk=row.pk)
            others.filter(next_at__gt=now, next_at__lt=now + timedelta(days=1)).update(next_at=now)
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
