"""What was counted of a user and of a domain, and setting it back."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from accounts.actors import Actor
from accounts.permissions import Level, Right
from api.operations import Group
from api.schemas import Answer, Moment
from api.v1 import subjects
from domains.models import Domain, Mailbox
from jobs import counting
from jobs.counting import KEYS, Statistics

group = Group("Statistics", "Counters of users and domains: mail received and sent, and sign-ins.")
Key = Literal["messagesReceived", "bytesReceived", "messagesSent", "bytesSent", "logins"]


class StatisticsAnswer(Answer):
    """Since `statReset`; null: since the beginning."""

    stat_reset: Moment | None
    messages_received: int
    bytes_received: int
    messages_sent: int
    bytes_sent: int
    logins: Annotated[int, Field(description="Successful sign-ins.")]


class ResetQuery(BaseModel):
    """Which counter; without one all of them."""

    model_config = ConfigDict(extra="forbid")

    key: Annotated[Key | None, Field(description="One counter; the time of the last reset stays then.")] = None


def _present(found: Statistics) -> StatisticsAnswer:
    amounts: dict[str, Any] = dict(found.amounts)
    return StatisticsAnswer(stat_reset=found.reset_at, **amounts)


def _column(query: ResetQuery) -> str:
    return KEYS[query.key[0].upper() + query.key[1:]] if query.key else ""


def _person(mailbox: Mailbox) -> int:
    assert mailbox.user_id is not None  # it was found by its person
    return mailbox.user_id


@group.get("/users/{int:userId}/statistics", admit=subjects.mailbox(Right.VIEW_USERS, own=True))
def user_statistics(actor: Actor, mailbox: Mailbox) -> StatisticsAnswer:
    """Read a user's counters; everybody their own."""
    return _present(counting.get_statistics(actor, Level.USER, _person(mailbox)))


@group.delete("/users/{int:userId}/statistics", admit=subjects.mailbox(Right.MANAGE_USERS))
def user_statistics_reset(actor: Actor, mailbox: Mailbox, query: ResetQuery) -> None:
    """Set a user's counters back, or one of them."""
    counting.reset_statistics(actor, Level.USER, _person(mailbox), name=_column(query))


@group.get("/domains/{int:domainId}/statistics", admit=subjects.domain(Right.VIEW_DOMAINS))
def domain_statistics(actor: Actor, domain: Domain) -> StatisticsAnswer:
    """Read a domain's counters: over all its users, also those that left."""
    return _present(counting.get_statistics(actor, Level.DOMAIN, domain.pk))


@group.delete("/domains/{int:domainId}/statistics", admit=subjects.domain(Right.EDIT_DOMAINS))
def domain_statistics_reset(actor: Actor, domain: Domain, query: ResetQuery) -> None:
    """Set a domain's counters back, or one of them."""
    counting.reset_statistics(actor, Level.DOMAIN, domain.pk, name=_column(query))
