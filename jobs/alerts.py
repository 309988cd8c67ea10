"""Alerts: posting, acknowledging, replacing. Other apps post what the house finds out:

    alerts.register_kind("store.full", _("The store “%(name)s” is nearly full."))
    alerts.post_alert(Actor.system(), kind="store.full", params={"name": store.name}, source=f"store.full:{store.pk}")
    alerts.settle_alerts("store.full:7")  # it is well again

The same `source` on the same scope counts up while its alert is open. Not for who sees them (`alert_selectors`) nor for
their mails (`alert_mails`). Source of posting, setting and removing on an account, a domain and the server: the
CommuniGate Pro CLI, "Alert Administration".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import override

from accounts import audit, places
from accounts.actors import Actor
from accounts.errors import Forbidden
from accounts.models import User
from accounts.permissions import Level, Right
from accounts.scopes import SERVER, ScopeRef
from jobs.errors import BadValue
from jobs.models import Alert, AlertSeen
from jobs.webhooks import outbox

Text = str | Promise
Severity, Audience = Alert.Severity, Alert.Audience
LONGEST = 2_000
MOST_AT_ONCE = 100
_kinds: dict[str, Text] = {}


def register_kind(kind: str, sentence: Text) -> None:
    """What alerts of a kind say, with %(names)s for their params; translated when they are read."""
    _kinds[kind] = sentence


def words_of(alert: Alert) -> str:
    """What an alert says, in the reader's language."""
    sentence = _kinds.get(alert.kind)
    return alert.text if sentence is None else _filled(sentence, alert.params)


def post_alert(
    actor: Actor,
    text: str = "",
    *,
    scope: object = SERVER,
    severity: str = Severity.WARNING,
    audience: str = Audience.ADMINISTRATORS,
    kind: str = "",
    params: Mapping[str, object] | None = None,
    source: str = "",
    url: str = "",
    mail: bool | None = None,
    posted_at: datetime | None = None,
) -> Alert:
    """Tell those whom it concerns. scope: SERVER, a customer, a domain, a person (object or reference).

    kind and params: a registered sentence instead of a text. source: what it is about; the same one counts up. mail:
    whether it is mailed too (None: warnings and errors for administrators are). posted_at: when it was posted first, of
    one that is brought over; never later than now.
    Raises: BadArguments, Forbidden.
    """
    actor.require_writing()
    where = places.scope_of(scope)
    actor.require(Right.MANAGE_ALERTS, scope)
    values = dict(params or {})
    said = _sentence(text, kind, values)
    now = timezone.now()
    with transaction.atomic():
        again = Alert.objects.filter(level=where.level, object_id=where.id, source=source, acknowledged_at=None)
        if source and again.update(times=F("times") + 1, last_at=now, params=values, text=said, severity=severity):
            return again.get()
        alert = Alert(
            level=where.level,
            object_id=where.id,
            object_label=places.labels([where]).get(where, "")[:300],
            audience=audience,
            severity=severity,
            kind=kind,
            params=values,
            text=said,
            source=source[:200],
            url=url,
            posted_by=actor.label[:300],
            posted_at=min(posted_at or now, now),
            last_at=now,
            wants_mail=_is_mailed(severity, audience) if mail is None else mail,
        )
        around = {ref.level: ref.id for ref in places.chain(where)}
        alert.domain_id, alert.customer_id = around.get(Level.DOMAIN), around.get(Level.CUSTOMER)
        alert.save(force_insert=True)
        audit.record(actor, "alert.post", alert, within=alert, severity=severity, audience=audience)
        outbox.emit_alert(alert)
    return alert


def acknowledge_alert(actor: Actor, alert: Alert) -> None:
    """It is taken care of. From who doesn't administer its scope it only goes out of sight. Raises: Forbidden."""
    actor.require_writing()
    if may_settle(actor, alert):
        with transaction.atomic():
            if not _close(alert, actor.label):
                return
            audit.record(actor, "alert.acknowledge", alert, within=alert)
        alert.refresh_from_db()
    elif actor.user is not None and actor.acting is None and alert.audience == Audience.EVERYBODY:
        AlertSeen.objects.get_or_create(alert=alert, user=actor.user)
    else:
        raise Forbidden("this alert is for others to acknowledge")


def may_settle(actor: Actor, alert: Alert) -> bool:
    """Whether the actor's acknowledging counts for everybody: who administers its scope, or whose own it is."""
    own = alert.level == Level.USER and alert.audience == Audience.EVERYBODY
    is_theirs = own and actor.user is not None and alert.object_id == actor.user.pk and actor.acting is None
    return is_theirs or actor.has(Right.MANAGE_ALERTS, alert)


def delete_alert(actor: Actor, alert: Alert) -> None:
    """Remove an alert as if it had never been posted; the event stays. Raises: Forbidden."""
    actor.require_writing()
    actor.require(Right.MANAGE_ALERTS, alert)
    with transaction.atomic():
        audit.record(actor, "alert.delete", alert, within=alert, text=alert.text[:300])
        alert.delete()


@dataclass(frozen=True, slots=True)
class Post:
    """What somebody posts."""

    text: str
    severity: str = Severity.INFO
    audience: str = Audience.EVERYBODY
    mail: bool = False
    posted_at: datetime | None = None


def set_alerts(actor: Actor, posts: Sequence[Post], *, scope: object) -> list[Alert]:
    """Replace what people posted on a scope: the open ones are acknowledged, these are posted.

    What the house found out itself stays: only its end settles it. Raises: BadArguments, Forbidden.
    """
    actor.require_writing()
    actor.require(Right.MANAGE_ALERTS, scope)
    if len(posts) > MOST_AT_ONCE:
        raise BadValue(_("At most %(number)d alerts.") % {"number": MOST_AT_ONCE}, field="alerts")
    where = places.scope_of(scope)
    posted = Alert.objects.filter(level=where.level, object_id=where.id, acknowledged_at=None, kind="")
    with transaction.atomic():
        for alert in posted.order_by("pk"):
            acknowledge_alert(actor, alert)
        return [
            post_alert(
                actor,
                each.text,
                scope=scope,
                severity=each.severity,
                audience=each.audience,
                mail=each.mail,
                posted_at=each.posted_at,
            )
            for each in posts
        ]


def settle_alerts(source: str) -> int:
    """What an alert was about is over: the open ones of this source are acknowledged by the system; how many."""
    rows = Alert.objects.filter(source=source, acknowledged_at=None)
    return rows.update(acknowledged_at=timezone.now(), acknowledged_by=Actor.system().label)


def recipients(alert: Alert) -> list[User]:
    """Who is mailed: the person it is for; else whoever administers its scope, and where nobody does, the server."""
    active = User.objects.filter(is_active=True)
    if alert.audience == Audience.EVERYBODY:
        return list(active.filter(pk=alert.object_id)) if alert.level == Level.USER else []
    if alert.level == Level.SERVER:
        granted = active.filter(grants__level=Level.SERVER).distinct()
        return [*active.filter(is_administrator=True), *(each for each in granted if _administers(each, alert))]
    scope: ScopeRef = alert.scope
    granted = active.filter(grants__level=scope.level, grants__object_id=scope.id, is_administrator=False).distinct()
    found = [each for each in granted if _administers(each, alert)]
    return found or list(active.filter(is_administrator=True))


def _administers(user: User, alert: Alert) -> bool:
    return not user.is_administrator and Actor.for_user(user).has(Right.MANAGE_ALERTS, alert)


def _close(alert: Alert, by: str) -> bool:
    rows = Alert.objects.filter(pk=alert.pk, acknowledged_at=None)
    return bool(rows.update(acknowledged_at=timezone.now(), acknowledged_by=by[:300]))


def _is_mailed(severity: str, audience: str) -> bool:
    return severity != Severity.INFO and audience == Audience.ADMINISTRATORS


def _sentence(text: str, kind: str, params: Mapping[str, object]) -> str:
    """What the row keeps: the text, or the kind's sentence in English. Raises: BadArguments."""
    if kind:
        with override("en"):
            return _filled(_kinds[kind], params)[:LONGEST]
    said = text.strip()
    if not said:
        raise BadValue(_("Write what they shall know."), field="text")
    if len(said) > LONGEST:
        raise BadValue(_("At most %(number)d characters.") % {"number": LONGEST}, field="text")
    return said


def _filled(sentence: Text, params: Mapping[str, object]) -> str:
    try:
        return str(sentence) % params
    except (KeyError, ValueError, TypeError):  # a sentence that wants more than an older alert kept
        return str(sentence)
