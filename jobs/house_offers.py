"""What the shell shows of reports, the log, monitoring, the mail server and counters: navigation and tabs."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from accounts.offers.pages import person_number
from accounts.permissions import Right
from config.kit import nav, tabs


def register() -> None:
    nav.register(
        "jobs",
        _("Reports"),
        "jobs:report",
        "chart-bar",
        right=Right.VIEW_REPORTS,
        order=35,
        words=_("status report mail statistics forecast"),
    )
    nav.register(
        "server", _("Log"), "jobs:log", "document-text", right=Right.VIEW_LOGS, order=12, words=_("lines errors trace")
    )
    nav.register(
        "server",
        _("Monitoring"),
        "jobs:monitoring",
        "presentation-chart-line",
        right=Right.VIEW_HEALTH,
        order=14,
        words=_("metrics Prometheus OpenMetrics SNMP elements"),
    )
    nav.register(
        "server",
        _("Mail server"),
        "jobs:mail-server",
        "paper-airplane",
        right=Right.MANAGE_SERVER,
        order=50,
        words=_("SMTP notices sender test mail"),
    )
    nav.register(
        "server",
        _("All settings"),
        "jobs:server-settings",
        "adjustments-horizontal",
        right=Right.MANAGE_SERVER,
        order=40,
        words=_("configuration environment variables defaults"),
        under=("jobs:server-credentials", "jobs:server-updates", "jobs:configuration", "jobs:authorities"),
    )
    nav.register_command(
        _("Configuration file"), "jobs:configuration", "document-arrow-down", Right.MANAGE_SERVER, section="server",
        words=_("export import backup settings JSON"),
    )  # fmt: skip
    nav.register_command(
        _("Trusted authorities"), "jobs:authorities", "shield-check", Right.MANAGE_SERVER, section="server",
        words=_("CA certificates TLS root"),
    )  # fmt: skip
    nav.register_command(
        _("Credentials"), "jobs:server-credentials", "key", Right.MANAGE_SERVER, section="server",
        words=_("passwords secrets keys"),
    )  # fmt: skip
    nav.register_command(
        _("Updates"), "jobs:server-updates", "arrow-down-tray", Right.VIEW_HEALTH, section="server",
        words=_("version migrations schema restart"),
    )  # fmt: skip
    nav.register_command(
        _("Known passwords"), "jobs:breach-list", "key", Right.MANAGE_SERVER, section="server",
        words=_("breach list leaked pwned upload"),
    )  # fmt: skip
    tabs.register(
        "server", _("Known passwords"), "jobs:breach-list", right=Right.MANAGE_SERVER, order=770, args=lambda obj: ()
    )
    tabs.register("domain", _("Counters"), "jobs:counters", right=Right.VIEW_DOMAINS, order=37, args=_domain)
    for kind in ("person", "user"):
        tabs.register(kind, _("Counters"), "jobs:counters", right=Right.VIEW_USERS, order=570, args=_person)


def _domain(obj: Any) -> tuple[object, ...]:
    return ("domain", obj.pk)


def _person(obj: Any) -> tuple[object, ...]:
    return ("user", *person_number(obj))
