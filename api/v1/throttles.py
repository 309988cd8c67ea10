"""Throttles: how much may come or go in a period, for the server, a domain or a mailbox. The gateway enforces them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from accounts.actors import Actor
from accounts.permissions import Right
from accounts.scopes import ScopeRef
from api.errors import NotFound
from api.operations import Admit, Group
from api.schemas import Answer, Body
from api.v1 import subjects
from domains.models import Domain, Mailbox, Throttle
from domains.services import throttles

group = Group("Throttles", "How many messages and bytes may come or go in a period; the most specific one counts.")

Direction = Literal["inbound", "outbound"]
Most = Annotated[int, Field(ge=0, le=throttles.LARGEST)]
Place = ScopeRef | Domain | Mailbox


class ThrottleBody(Body):
    """At least one of the three limits is needed."""

    period: Annotated[int, Field(ge=1, le=throttles.LONGEST_PERIOD_S, description="Seconds.", examples=[3600])]
    max_messages: Annotated[Most | None, Field(description="Messages in the period.", examples=[200])] = None
    max_bytes: Annotated[Most | None, Field(description="Bytes in the period, added up.")] = None
    max_message_bytes: Annotated[Most | None, Field(description="Bytes of one message.")] = None


class ThrottleAnswer(Answer):
    """A throttle and the level it is set on."""

    direction: Direction
    scope: Annotated[Literal["server", "domain", "user"], Field(description="The level it is set on.")]
    period: int
    max_messages: int | None
    max_bytes: int | None
    max_message_bytes: int | None


group.names = {"period_s": "period"}


def present(throttle: Throttle) -> ThrottleAnswer:
    direction: Direction = "inbound" if throttle.direction == Throttle.Direction.INBOUND else "outbound"
    return ThrottleAnswer(
        direction=direction,
        scope="user" if throttle.mailbox_id else "domain" if throttle.domain_id else "server",
        period=throttle.period_s,
        max_messages=throttle.max_messages,
        max_bytes=throttle.max_bytes,
        max_message_bytes=throttle.max_message_bytes,
    )


def _scope(place: Place) -> Domain | Mailbox | None:
    return None if isinstance(place, ScopeRef) else place


def _counting(place: Place, direction: str) -> Throttle | None:
    """The throttle that counts on this level."""
    if isinstance(place, Mailbox):
        return throttles.effective_throttle(place, direction)
    own = throttles.get_throttle(_scope(place), direction)
    return own or throttles.get_throttle(None, direction)


def _declare(what: str, path: str, *, see: Admit, change: Admit) -> None:
    def listed(actor: Actor, place: Place) -> list[ThrottleAnswer]:
        found = [_counting(place, direction) for direction in Throttle.Direction.values]
        return [present(each) for each in found if each is not None]

    def replaced(actor: Actor, place: Place, direction: Direction, body: ThrottleBody) -> ThrottleAnswer:
        limits = {name: getattr(body, name) for name in ("max_messages", "max_bytes", "max_message_bytes")}
        scope = _scope(place)
        return present(throttles.set_throttle(actor, scope, direction=direction, period_s=body.period, limits=limits))

    def removed(actor: Actor, place: Place, direction: Direction) -> None:
        if not throttles.remove_throttle(actor, _scope(place), direction=direction):
            raise NotFound()

    listed.__doc__ = f"""List the throttles that count for a {what}.

    One for each direction that has any, with the level it is set on."""
    replaced.__doc__ = f"""Set a throttle of a {what}.

    `direction` is `inbound` or `outbound`. What the body leaves out is unlimited."""
    removed.__doc__ = f"""Remove a throttle of a {what}.

    The level above counts again; 404 where none is set on this level."""
    for function, name in ((listed, "throttles"), (replaced, "throttle_set"), (removed, "throttle_remove")):
        function.__name__ = f"{what}_{name}"
    group.get(f"{path}/throttles", admit=see)(listed)
    group.put(f"{path}/throttles/{{direction}}", admit=change)(replaced)
    group.delete(f"{path}/throttles/{{direction}}", admit=change)(removed)


_MANAGE = Right.MANAGE_THROTTLES
_declare("server", "/server", see=subjects.server(_MANAGE), change=subjects.server(_MANAGE))
_declare("domain", "/domains/{int:domainId}", see=subjects.domain(), change=subjects.domain(_MANAGE))
_declare("user", "/users/{int:userId}", see=subjects.mailbox(own=True), change=subjects.mailbox(_MANAGE))
