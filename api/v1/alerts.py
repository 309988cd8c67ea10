"""Alerts: what somebody must know now, on the server, a customer, a domain or a person."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from django.db.models import QuerySet
from pydantic import Field

from accounts import places
from accounts.actors import Actor
from accounts.models import User
from accounts.permissions import Level, Right
from accounts.scopes import SERVER, ScopeRef
from accounts.selectors import get_user
from api import filters
from api.listing import Listing
from api.operations import Created, Group
from api.schemas import Answer, Body, Moment
from api.v1 import subjects
from domains.models import Customer, Domain
from jobs import alert_selectors, alerts
from jobs.models import Alert

group = Group(
    "Alerts", "What somebody must know now, until it is acknowledged. It stands above the pages of whom it concerns."
)

Severity = Literal["INFO", "WARNING", "ERROR"]
Audience = Literal["ADMINISTRATORS", "EVERYBODY"]
Scope = Literal["SERVER", "BROKER", "CUSTOMER", "DOMAIN", "USER"]
Text = Annotated[str, Field(min_length=1, max_length=alerts.LONGEST, examples=["Maintenance tonight at ten."])]
NEED = Right.MANAGE_ALERTS


class AlertAdd(Body):
    """An alert for everybody in its place, or for its administrators."""

    text: Text
    severity: Severity = "INFO"
    audience: Audience = "EVERYBODY"
    mail: Annotated[bool, Field(description="Whether it is mailed, too.")] = False


class AlertAnswer(Answer):
    """An alert."""

    id: int
    scope: Scope
    scope_id: Annotated[int | None, Field(description="Null for the server.")]
    scope_name: str | None
    severity: Severity
    audience: Audience
    text: str
    times: Annotated[int, Field(description="So often it came up while it was open.")]
    posted_at: Moment
    last_at: Moment
    posted_by: str
    acknowledged_at: Moment | None
    acknowledged_by: str | None
    mailed_at: Moment | None


def present(alert: Alert) -> AlertAnswer:
    on_server = alert.level == Level.SERVER
    return AlertAnswer(
        id=alert.pk,
        scope=alert.level.upper(),  # type: ignore[arg-type]
        scope_id=None if on_server else alert.object_id,
        scope_name=None if on_server else alert.object_label,
        severity=alert.severity.upper(),  # type: ignore[arg-type]
        audience=alert.audience.upper(),  # type: ignore[arg-type]
        text=alerts.words_of(alert),
        times=alert.times,
        posted_at=alert.posted_at,
        last_at=alert.last_at,
        posted_by=alert.posted_by,
        acknowledged_at=alert.acknowledged_at,
        acknowledged_by=alert.acknowledged_by or None,
        mailed_at=alert.mailed_at,
    )


def _present_all(actor: Actor, rows: Sequence[Alert]) -> list[AlertAnswer]:
    return [present(alert) for alert in rows]


ALERTS = Listing(
    AlertAnswer,
    _present_all,
    sorts={"id": "pk"},
    default="-id",
    filters={
        "open": filters.flag("still_open", "Whether nobody has acknowledged it."),
        "severity": filters.choice("severity", "The kind.", {each.upper(): each for each in Alert.Severity.values}),
        "scope": filters.choice("level", "Where it lies.", {level.upper(): level.value for level in Level}),
        "since": filters.since("posted_at", "Posted at this moment or later."),
        "before": filters.until("posted_at", "Posted before this moment."),
    },
)


@group.list("/alerts", ALERTS)
def alert_list(actor: Actor) -> QuerySet[Alert]:
    """List alerts, the newest first: those for oneself, and those of what one watches over."""
    return alert_selectors.list_alerts(actor)


def _seen(actor: Actor, alert_id: int) -> Alert:
    return alert_selectors.get_alert(actor, alert_id)


@group.get("/alerts/{int:alertId}", admit=_seen)
def alert_detail(actor: Actor, alert: Alert) -> AlertAnswer:
    """Read an alert."""
    return present(alert)


@group.post("/alerts/{int:alertId}/acknowledge", admit=_seen)
def alert_acknowledge(actor: Actor, alert: Alert) -> None:
    """Acknowledge an alert.

    By who watches over its scope, or whose own it is: for everybody. By others it only goes out of their sight.
    """
    alerts.acknowledge_alert(actor, alert)


def _managed(actor: Actor, alert_id: int) -> Alert:
    alert = alert_selectors.get_alert(actor, alert_id)
    actor.require(NEED, alert)
    return alert


@group.delete("/alerts/{int:alertId}", admit=_managed)
def alert_delete(actor: Actor, alert: Alert) -> None:
    """Remove an alert as if it had never been posted."""
    alerts.delete_alert(actor, alert)


def _post(actor: Actor, scope: object, body: AlertAdd) -> Created[AlertAnswer]:
    alert = alerts.post_alert(
        actor,
        body.text,
        scope=scope,
        severity=body.severity.lower(),
        audience=body.audience.lower(),
        mail=body.mail,
    )
    return Created(present(alert), f"/alerts/{alert.pk}")


def _of(actor: Actor, scope: object) -> list[AlertAnswer]:
    where = places.scope_of(scope)
    return [present(alert) for alert in alert_selectors.list_alerts_of(actor, where.level, where.id)]


def _replace(actor: Actor, scope: object, body: list[AlertAdd]) -> list[AlertAnswer]:
    posts = [
        alerts.Post(each.text, severity=each.severity.lower(), audience=each.audience.lower(), mail=each.mail)
        for each in body
    ]
    return [present(alert) for alert in alerts.set_alerts(actor, posts, scope=scope)]


@group.get("/server/alerts", admit=subjects.server(NEED))
def server_alerts(actor: Actor, server: ScopeRef) -> list[AlertAnswer]:
    """List the open alerts of the server."""
    return _of(actor, SERVER)


@group.post("/server/alerts", admit=subjects.server(NEED))
def server_alert_post(actor: Actor, server: ScopeRef, body: AlertAdd) -> Created[AlertAnswer]:
    """Post an alert for the whole server."""
    return _post(actor, SERVER, body)


@group.put("/server/alerts", admit=subjects.server(NEED))
def server_alerts_set(actor: Actor, server: ScopeRef, body: list[AlertAdd]) -> list[AlertAnswer]:
    """Replace what people posted on the server; what the house found out itself stays."""
    return _replace(actor, SERVER, body)


@group.get("/customers/{int:customerId}/alerts", admit=subjects.customer(NEED))
def customer_alerts(actor: Actor, customer: Customer) -> list[AlertAnswer]:
    """List the open alerts of a customer."""
    return _of(actor, customer)


@group.post("/customers/{int:customerId}/alerts", admit=subjects.customer(NEED))
def customer_alert_post(actor: Actor, customer: Customer, body: AlertAdd) -> Created[AlertAnswer]:
    """Post an alert to a customer."""
    return _post(actor, customer, body)


@group.put("/customers/{int:customerId}/alerts", admit=subjects.customer(NEED))
def customer_alerts_set(actor: Actor, customer: Customer, body: list[AlertAdd]) -> list[AlertAnswer]:
    """Replace what people posted to a customer."""
    return _replace(actor, customer, body)


@group.get("/domains/{int:domainId}/alerts", admit=subjects.domain(NEED))
def domain_alerts(actor: Actor, domain: Domain) -> list[AlertAnswer]:
    """List the open alerts of a domain."""
    return _of(actor, domain)


@group.post("/domains/{int:domainId}/alerts", admit=subjects.domain(NEED))
def domain_alert_post(actor: Actor, domain: Domain, body: AlertAdd) -> Created[AlertAnswer]:
    """Post an alert to a domain."""
    return _post(actor, domain, body)


@group.put("/domains/{int:domainId}/alerts", admit=subjects.domain(NEED))
def domain_alerts_set(actor: Actor, domain: Domain, body: list[AlertAdd]) -> list[AlertAnswer]:
    """Replace what people posted to a domain."""
    return _replace(actor, domain, body)


def _person(actor: Actor, user_id: int) -> User:
    return get_user(actor, user_id, need=NEED)


@group.get("/users/{int:userId}/alerts", admit=_person)
def user_alerts(actor: Actor, person: User) -> list[AlertAnswer]:
    """List the open alerts of a person."""
    return _of(actor, person)


@group.post("/users/{int:userId}/alerts", admit=_person)
def user_alert_post(actor: Actor, person: User, body: AlertAdd) -> Created[AlertAnswer]:
    """Post an alert to a person."""
    return _post(actor, person, body)


@group.put("/users/{int:userId}/alerts", admit=_person)
def user_alerts_set(actor: Actor, person: User, body: list[AlertAdd]) -> list[AlertAnswer]:
    """Replace what people posted to a person."""
    return _replace(actor, person, body)
