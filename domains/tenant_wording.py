"""How the states, limits and sizes of what we serve are said to people. No queries, no rights."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _

from config.kit.nav import Text
from config.kit.templatetags.kit import number, size_text
from domains.limits import UNLIMITED
from domains.models import Customer, Domain, Status

NEAR = 90  # percent of a limit from which on it is said to be near


@dataclass(frozen=True)
class State:
    """A state as pages show it: its word and the tone of its dot."""

    key: str
    label: Text
    tone: str


_TONES = {
    Status.ENABLED: "good",
    Status.DISABLED: "none",
    Status.PENDING: "busy",
    Status.DELETED: "bad",
    Status.PURGED: "none",
}


def domain_state(domain: Domain) -> State:
    """The state that counts: a domain may be enabled and still be suspended with its customer."""
    if domain.suspended_by_customer and domain.status in (Status.ENABLED, Status.PENDING):
        return State("suspended", _("Suspended by the customer"), "warn")
    return State(domain.status, domain.get_status_display(), _TONES[Status(domain.status)])


def customer_state(customer: Customer) -> State:
    if customer.is_enabled:
        return State("enabled", _("Enabled"), "good")
    return State("disabled", _("Disabled"), "none")


@dataclass(frozen=True)
class Usage:
    """How much of a limit is used: a bar, or only a number where nothing limits. Sizes are in bytes.

    What is given away without end (UNLIMITED) is over every limit.
    """

    label: Text
    used: int
    limit: int | None
    is_size: bool = False
    url: str = ""

    @property
    def is_limited(self) -> bool:
        return self.limit is not None and self.limit != UNLIMITED

    @property
    def percent(self) -> int:
        if not self.is_limited or self.limit is None:
            return 0
        return 100 if self.limit <= 0 or self.used == UNLIMITED else min(100, self.used * 100 // self.limit)

    @property
    def ratio(self) -> str:
        """How much of the limit, in percent; over 100 where there is more than it allows."""
        if not self.is_limited or not self.limit or self.limit < 0 or self.used == UNLIMITED:
            return ""
        return f"{number(self.used * 100 // self.limit)} %"

    @property
    def tone(self) -> str:
        """ "bad" where nothing fits any more, "warn" where it is near."""
        if not self.is_limited or self.limit is None:
            return ""
        return "bad" if self.used >= self.limit or self.used == UNLIMITED else "warn" if self.percent >= NEAR else ""

    @property
    def used_text(self) -> str:
        if self.used == UNLIMITED:
            return _("unlimited")
        return size_text(self.used) if self.is_size else number(self.used)

    @property
    def limit_text(self) -> str:
        if not self.is_limited or self.limit is None:
            return _("no limit")
        return size_text(self.limit) if self.is_size else number(self.limit)

    @property
    def text(self) -> str:
        if not self.is_limited:
            return self.used_text
        return _("%(used)s of %(limit)s") % {"used": self.used_text, "limit": self.limit_text}
