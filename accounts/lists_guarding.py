"""How attempts in vain look as a list."""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import FailedSignIn
from config.kit.list_fields import Choice, Main, Number, Text, Time, YesNo
from config.kit.listing import Listing, View
from config.kit.tables import Empty

DOORS = [
    ("web", gettext_lazy("Pages")),
    ("api", gettext_lazy("API")),
    ("smtp", gettext_lazy("SMTP")),
    ("reported", gettext_lazy("Reported by another system")),
]


def _tried(row: FailedSignIn) -> str:
    return row.tried or _("(no address)")


def _known(row: FailedSignIn) -> str:
    return _("Somebody's") if row.user_id else _("Nobody's")


FAILED: Listing[FailedSignIn] = Listing(
    "accounts.failed_sign_ins",
    (
        Main("tried", gettext_lazy("Tried"), show=_tried, words=True, folded=True),
        YesNo(
            "known",
            gettext_lazy("Address"),
            path="user__isnull",
            yes=gettext_lazy("Nobody's"),
            no=gettext_lazy("Somebody's"),
            show=_known,
            filter=True,
        ),
        Text("address", gettext_lazy("From"), whole=True, mono=True),
        Choice("door", gettext_lazy("Door"), choices=DOORS, filter=True),
        Number("times", gettext_lazy("Times")),
        Time("last", gettext_lazy("Last"), path="last_at", sort=True),
    ),
    sort="-last",
    caption=gettext_lazy("Failed sign-ins"),
    placeholder=gettext_lazy("Address that was tried, or address:192.0.2.7"),
    views=(View(gettext_lazy("At people's accounts"), "known=no"), View(gettext_lazy("By mail programs"), "door=smtp")),
    first_step=Empty(
        gettext_lazy("Nobody tried in vain"),
        gettext_lazy("Wrong passwords at any door are counted here, by the hour."),
        "shield-check",
    ),
    nothing=gettext_lazy("No attempt like this"),
)
