"""When people get their digest mails: options of the server, customers, domains and people, inherited as all are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.models import User
from accounts.options import DOWN_TO_DOMAIN, EVERY_LEVEL, Resolved, define, resolve_many
from accounts.optiontypes import OptionType
from accounts.strictness import Stricter
from config.kit.nav import Text
from jobs.schedules import WEEKDAYS

SCHEDULE, HOUR, SECOND_HOUR = "QUARANTINE_DIGEST", "QUARANTINE_DIGEST_HOUR", "QUARANTINE_DIGEST_SECOND_HOUR"
WEEKDAY, LINK_DAYS = "QUARANTINE_DIGEST_WEEKDAY", "QUARANTINE_DIGEST_LINK_DAYS"
TIME_ZONE = "TIME_ZONE"
OF_PEOPLE = (SCHEDULE, HOUR, SECOND_HOUR, WEEKDAY)
NAMES = (*OF_PEOPLE, LINK_DAYS)
MOST_LINK_DAYS = 60


class Often(StrEnum):
    """How often. Stored; the words stay as they are."""

    OFF = "off"
    DAILY = "daily"
    TWICE = "twice"
    WEEKLY = "weekly"
    MONTHLY = "monthly"


OFTEN: dict[str, Text] = {
    Often.OFF: pgettext_lazy("digest mail", "Never"),
    Often.DAILY: pgettext_lazy("digest mail", "Every day"),
    Often.TWICE: pgettext_lazy("digest mail", "Twice a day"),
    Often.WEEKLY: pgettext_lazy("digest mail", "Every week"),
    Often.MONTHLY: pgettext_lazy("digest mail", "On the first of every month"),
}
DAYS: dict[str, Text] = dict(
    zip(
        WEEKDAYS,
        (_("Monday"), _("Tuesday"), _("Wednesday"), _("Thursday"), _("Friday"), _("Saturday"), _("Sunday")),
        strict=True,
    )
)


@dataclass(frozen=True, slots=True)
class Plan:
    """When somebody is written to. Hours are 0 to 23 in the zone; weekday counts where it is weekly."""

    often: Often
    hour: int
    second_hour: int
    weekday: str
    zone: str
    link_days: int


def register() -> None:
    """Define them; called when the app starts."""
    group = _("Digest mails")
    define(
        SCHEDULE, OptionType.STRING, levels=EVERY_LEVEL, default=Often.DAILY.value, group=group, personal=True,
        values=list(OFTEN.items()), label=_("Mail about new messages in quarantine"),
        help=_("Only what is new is listed; where nothing is new no mail is sent."),
    )  # fmt: skip
    define(
        HOUR, OptionType.INTEGER, levels=EVERY_LEVEL, default=7, minimum=0, maximum=23, group=group, personal=True,
        unit=_("o'clock"), label=_("Digest mail at"), help=_("In the person's time zone."),
    )  # fmt: skip
    define(
        SECOND_HOUR, OptionType.INTEGER, levels=EVERY_LEVEL, default=15, minimum=0, maximum=23, group=group,
        personal=True, unit=_("o'clock"), label=_("Second digest mail at"),
        help=_("Where there are two a day."),
    )  # fmt: skip
    define(
        WEEKDAY, OptionType.STRING, levels=EVERY_LEVEL, default="Monday", group=group, personal=True,
        values=list(DAYS.items()), label=_("Day of the digest mail"), help=_("Where there is one a week."),
    )  # fmt: skip
    define(
        LINK_DAYS, OptionType.INTEGER, levels=DOWN_TO_DOMAIN, default=14, minimum=1, maximum=MOST_LINK_DAYS,
        group=group, unit=_("days"), label=_("Links in digest mails work for"), strict=Stricter.LESS,
        help=_("A link releases one message to the one it was sent to. A new password ends it at once."),
    )  # fmt: skip


def plans_of(people: Sequence[User]) -> list[Plan]:
    """What counts for each of them; one query."""
    return [plan_from(found) for found in resolve_many([*NAMES, TIME_ZONE], people)]


def plan_from(found: Mapping[str, Resolved]) -> Plan:
    """A value that no version knows any more counts as off."""
    chosen = str(found[SCHEDULE].value)
    return Plan(
        often=Often(chosen) if chosen in set(Often) else Often.OFF,
        hour=int(found[HOUR].value),
        second_hour=int(found[SECOND_HOUR].value),
        weekday=str(found[WEEKDAY].value),
        zone=str(found[TIME_ZONE].value),
        link_days=int(found[LINK_DAYS].value),
    )
