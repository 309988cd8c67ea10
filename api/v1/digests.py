"""Digest mails of quarantine: when they come, for the server, a domain or a user, and one at once."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from accounts.actors import Actor
from accounts.models import User
from accounts.permissions import EndUserRight, Right
from accounts.scopes import ScopeRef
from api.errors import NotFound
from api.operations import Admit, Group
from api.schemas import Answer, Body
from api.v1 import subjects
from domains.models import Domain, Mailbox
from gateway.digests.options import HOUR, LINK_DAYS, MOST_LINK_DAYS, SCHEDULE, SECOND_HOUR, TIME_ZONE, WEEKDAY
from gateway.services import digests

group = Group("Digest mails", "Mails that tell people what is new in their quarantine, with links to release it.")

Often = Literal["off", "daily", "twice", "weekly", "monthly"]
Day = Literal["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
Hour = Annotated[int, Field(ge=0, le=23)]
Place = ScopeRef | Domain | Mailbox
_FIELDS = {
    "schedule": SCHEDULE, "hour": HOUR, "second_hour": SECOND_HOUR, "weekday": WEEKDAY, "link_days": LINK_DAYS,
}  # fmt: skip


class DigestBody(Body):
    """What is null or left out is inherited. Hours are in each person's time zone."""

    schedule: Annotated[Often | None, Field(description="How often; `monthly` is the first of the month.")] = None
    hour: Annotated[Hour | None, Field(examples=[7])] = None
    second_hour: Annotated[Hour | None, Field(description="Of the second one, where there are two a day.")] = None
    weekday: Annotated[Day | None, Field(description="Where there is one a week.")] = None
    link_days: Annotated[
        int | None, Field(ge=1, le=MOST_LINK_DAYS, description="How long links work; not of a single user.")
    ] = None


class DigestAnswer(Answer):
    """What counts."""

    schedule: Often
    hour: int
    second_hour: int
    weekday: Day
    link_days: Annotated[int | None, Field(description="Null of a single user: their domain's.")]
    time_zone: str
    inherited: Annotated[list[str], Field(description="Which of these fields are not set here.")]


class DigestSent(Answer):
    """How many messages the mail tells of."""

    messages: int


def _obj(place: Place) -> ScopeRef | Domain | User:
    if not isinstance(place, Mailbox):
        return place
    if place.user is None:
        raise NotFound()
    return place.user


def present(actor: Actor, obj: ScopeRef | Domain | User) -> DigestAnswer:
    found = digests.get_schedule(actor, obj)
    values = {field: found[name].value for field, name in _FIELDS.items() if name in found}
    inherited = [field for field, name in _FIELDS.items() if name in found and not found[name].is_own]
    return DigestAnswer(
        **{"link_days": None, **values, "time_zone": str(found[TIME_ZONE].value), "inherited": inherited}
    )


def _declare(what: str, path: str, *, admit: Admit) -> None:
    def shown(actor: Actor, place: Place) -> DigestAnswer:
        return present(actor, _obj(place))

    def replaced(actor: Actor, place: Place, body: DigestBody) -> DigestAnswer:
        obj = _obj(place)
        digests.set_schedule(actor, obj, {name: getattr(body, field) for field, name in _FIELDS.items()})
        return present(actor, obj)

    shown.__doc__ = f"""Read when digest mails of a {what} come.

    With which of it is set here, and which inherited."""
    replaced.__doc__ = f"""Set when digest mails of a {what} come.

    All of it; what is null or left out is inherited."""
    shown.__name__, replaced.__name__ = f"{what}_digest", f"{what}_digest_set"
    group.get(f"{path}/digest", admit=admit)(shown)
    group.put(f"{path}/digest", admit=admit)(replaced)


_MANAGE = Right.MANAGE_QUARANTINE
_own = subjects.mailbox(_MANAGE, own=EndUserRight.RELEASE_QUARANTINE)
_declare("server", "/server", admit=subjects.server(_MANAGE))
_declare("domain", "/domains/{int:domainId}", admit=subjects.domain(_MANAGE))
_declare("user", "/users/{int:userId}", admit=_own)


@group.post("/users/{int:userId}/digest/send", admit=_own, status=200)
def user_digest_send(actor: Actor, mailbox: Mailbox) -> DigestSent:
    """Mail a user at once what lies in their quarantine.

    One's own only, once a minute; the schedule goes on as ever. 422 where nothing lies there.
    """
    return DigestSent(messages=digests.send_own(actor, mailbox))
