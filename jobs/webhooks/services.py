"""Writes of webhooks: making, changing, switching, a new secret, a test event, sending again.

Whoever changes a webhook must hold what it takes to be told of all its events: else an address could be put in place of
another to hear what its owner may not. Raises everywhere: Forbidden, BadValue.
"""

from __future__ import annotations

import ipaddress
import secrets
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import audit, places
from accounts.actors import Actor
from accounts.permissions import Level
from accounts.scopes import SERVER, ScopeRef
from config.kit import net
from config.kit.sealed import Sealed
from config.kit.versions import change
from jobs import alerts
from jobs.errors import BadValue, NotRunnable
from jobs.models import Webhook, WebhookDelivery
from jobs.webhooks import catalogue, outbox, signing
from jobs.webhooks.delivering import give_up_waiting, within
from jobs.webhooks.selectors import LEVELS, need_on
from jobs.webhooks.sending import gate, port_of

MOST, MOST_EVENTS = 20, 50
PURPOSE = "webhook secret"


def create_webhook(
    actor: Actor, scope: object, *, name: str, url: str, events: Sequence[str], secret: str = ""
) -> tuple[Webhook, str]:
    """A new webhook on a scope (an object or SERVER), and its secret, which is shown this once.

    secret: one that the receiver has already; "" for a new one.
    """
    where = places.scope_of(scope)
    _require(actor, where, events)
    values = _checked(where, {"name": name, "url": url, "events": events})
    if secret and not signing.is_secret(secret):
        raise BadValue(_("This is no secret of a webhook."), field="secret")
    secret = secret or signing.new_secret()
    with transaction.atomic():
        if Webhook.objects.filter(level=where.level, object_id=where.id).count() >= MOST:
            raise BadValue(_("At most %(number)d webhooks in one place.") % {"number": MOST})
        hook = Webhook(level=where.level, object_id=where.id, created_by=actor.label[:300], **values)
        hook.secret = Sealed.of(secret, purpose=PURPOSE)
        hook.save(force_insert=True)
        audit.record(actor, "webhook.create", hook, within=within(hook), host=_host(hook.url), events=hook.events)
        transaction.on_commit(outbox.look_again)
    outbox.look_again()
    return hook, secret


def change_webhook(actor: Actor, hook: Webhook, values: Mapping[str, Any], *, expected: int | None = None) -> Webhook:
    """Change name, url or events; what is left out stays. Raises also: ChangedMeanwhile."""
    events = values.get("events", hook.events)
    _require(actor, hook.scope, [*hook.events, *events])
    checked = _checked(hook.scope, {"name": hook.name, "url": hook.url, "events": events} | dict(values))
    with transaction.atomic():
        changes = change(hook, checked, expected=expected)
        if changes:
            if "url" in changes:  # an address may bear a password of the receiver's
                old, new = changes.pop("url")
                changes["host"] = (_host(str(old)), _host(str(new)))
            audit.record(actor, "webhook.change", hook, within=within(hook), changes=changes)
    outbox.look_again()
    return hook


def switch_webhook(actor: Actor, hook: Webhook, *, on: bool) -> None:
    """Switch it on (it begins anew with what happens now) or off (what waits is given up)."""
    _require(actor, hook.scope, hook.events)
    with transaction.atomic():
        values = {"is_enabled": on, "stopped": "", "failing_since": None}
        if not change(hook, values):
            return
        if not on:
            give_up_waiting(hook)
        alerts.settle_alerts(f"webhook:{hook.pk}")
        audit.record(actor, "webhook.enable" if on else "webhook.disable", hook, within=within(hook))
    outbox.look_again()


def renew_secret(actor: Actor, hook: Webhook) -> str:
    """Another secret, shown this once; the old one signs nothing any more."""
    _require(actor, hook.scope, hook.events)
    secret = signing.new_secret()
    with transaction.atomic():
        change(hook, {"secret": Sealed.of(secret, purpose=PURPOSE)})
        audit.record(actor, "webhook.renew_secret", hook, within=within(hook))
    return secret


def set_secret(actor: Actor, hook: Webhook, secret: str) -> None:
    """A secret that the receiver has already (from a configuration file)."""
    _require(actor, hook.scope, hook.events)
    if not signing.is_secret(secret):
        raise BadValue(_("This is no secret of a webhook."), field="secret")
    with transaction.atomic():
        change(hook, {"secret": Sealed.of(secret, purpose=PURPOSE)})
        audit.record(actor, "webhook.renew_secret", hook, within=within(hook))


def delete_webhook(actor: Actor, hook: Webhook) -> None:
    """It hears nothing more, and what was sent to it is forgotten."""
    actor.require_writing()
    actor.require(need_on(hook.level), hook.scope)
    with transaction.atomic():
        audit.record(actor, "webhook.delete", hook, within=within(hook), host=_host(hook.url))
        alerts.settle_alerts(f"webhook:{hook.pk}")
        hook.delete()
    outbox.look_again()


def send_test(actor: Actor, hook: Webhook) -> WebhookDelivery:
    """Send an event that says it is a test, at once. Raises also: NotRunnable, while it is switched off."""
    _require(actor, hook.scope, hook.events)
    _require_enabled(hook)
    scopes = () if hook.scope == SERVER else (hook.scope,)
    data = {"text": "A test event of Postkeep.", "actor": actor.label}
    event = outbox.Event(catalogue.TEST, f"test_{secrets.token_hex(8)}", scopes, data, timezone.now())
    with transaction.atomic():
        row = WebhookDelivery.objects.create(webhook=hook, event_id=event.id, type=event.type, body=event.body())
        audit.record(actor, "webhook.test", hook, within=within(hook))
    return row


def send_again(actor: Actor, delivery: WebhookDelivery) -> None:
    """The same event once more, under the same id. Raises also: NotRunnable."""
    hook = delivery.webhook
    _require(actor, hook.scope, hook.events)
    _require_enabled(hook)
    with transaction.atomic():
        rows = WebhookDelivery.objects.filter(pk=delivery.pk)
        rows.update(state=WebhookDelivery.State.WAITING, attempts=0, next_at=timezone.now())
        audit.record(actor, "webhook.resend", hook, within=within(hook), event=delivery.event_id, type=delivery.type)
    delivery.refresh_from_db()


def choices(actor: Actor, scope: ScopeRef) -> list[catalogue.EventType]:
    """The events that the actor may choose on a scope."""
    return [
        each
        for each in catalogue.event_types()
        if (scope == SERVER or not each.server) and actor.has(each.needs, scope)
    ]


def _require(actor: Actor, where: ScopeRef, events: Sequence[str]) -> None:
    actor.require_writing()
    if where.level not in LEVELS:
        raise BadValue(_("Webhooks are of the server, a customer or a domain."), field="level")
    actor.require(need_on(where.level), where)
    for name in events:
        found = catalogue.find(str(name))
        if found is not None:
            actor.require(found.needs, where)


def _require_enabled(hook: Webhook) -> None:
    if not hook.is_enabled:
        raise NotRunnable(_("The webhook is switched off."))


def _checked(where: ScopeRef, values: Mapping[str, Any]) -> dict[str, Any]:
    name = str(values["name"]).strip()
    if not name or len(name) > 100 or not name.isprintable():
        raise BadValue(_("Give it a name of at most %(most)d characters.") % {"most": 100}, field="name")
    return {"name": name, "url": check_url(where, str(values["url"])), "events": _events(where, values["events"])}


def check_url(where: ScopeRef, text: str) -> str:
    """An address that may be asked for here: https, or http for the server's own. Raises: BadValue.

    Whether the gate lets it through is asked again with each delivery; a literal address or port that it never lets
    through is refused now.
    """
    url = text.strip()
    try:
        parts = urlsplit(url)
        port = port_of(parts)
        host = net.clean_host(parts.hostname or "")
    except (ValueError, net.NetError):
        raise BadValue(_("This is not the address of a web server."), field="url") from None
    schemes = ("https", "http") if where == SERVER else ("https",)
    if parts.scheme not in schemes or parts.username or parts.password or parts.fragment or len(url) > 500:
        raise BadValue(_("An address that begins with https://, without a name and password in it."), field="url")
    if not url.isascii() or not url.isprintable() or " " in url:
        raise BadValue(_("An address of letters, digits and signs of ASCII."), field="url")
    opened = gate(parts)
    try:
        closed = port not in opened.ports or bool(net.why_closed(ipaddress.ip_address(host), opened.networks))
    except ValueError:
        closed = port not in opened.ports
    if closed:
        raise BadValue(str(net.Category.REFUSED_BY_GATE.words), field="url")
    return url


def _events(where: ScopeRef, names: Any) -> list[str]:
    if not isinstance(names, list | tuple) or not names:
        raise BadValue(_("Choose at least one event."), field="events")
    found = sorted({str(name) for name in names})
    if len(found) > MOST_EVENTS:
        raise BadValue(_("At most %(number)d events.") % {"number": MOST_EVENTS}, field="events")
    for name in found:
        known = catalogue.find(name)
        if known is None or (known.server and where.level != Level.SERVER):
            raise BadValue(_("There is no event %(name)s here.") % {"name": name[:120]}, field="events")
    return found


def _host(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
