"""What the shell itself puts into the navigation and onto the overview. Called once, from config.apps.

The archive's figures are registered by the archive, in the same way.
"""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from accounts import sentences
from accounts.permissions import Right
from config.kit import dashboard, health, nav
from config.shell import styleguide_pages
from jobs import selectors
from jobs.models import Task

RECENT_TASKS = 6


def register() -> None:
    styleguide_pages.register()
    sentences.register({"server.confirm_recovery_key": _("Recovery key put in a safe place")})
    nav.register("", _("Overview"), "config:overview", "home", order=10, audience="administrator", keys="o")
    nav.register("server", _("Health"), "config:health", "heart", right=Right.VIEW_HEALTH, order=10, keys="h")
    nav.register_command(
        _("Style guide"), "config:styleguide", "swatch", right=Right.MANAGE_SERVER, section="server", order=900
    )
    dashboard.register_card(
        "tasks",
        _("Tasks"),
        "config/cards/tasks.html",
        recent_tasks,
        order=50,
        span=12,
        url_name="jobs:task-list",
        more=_("All tasks"),
    )
    dashboard.register_card(
        "health",
        _("Health"),
        "config/cards/health.html",
        health_summary,
        order=30,
        span=4,
        url_name="config:health",
        more=_("Every component"),
    )


def recent_tasks(actor: Any) -> dict[str, Any] | None:
    """Those that run, then the newest that ended."""
    running = selectors.list_running(actor, limit=RECENT_TASKS)
    ended = selectors.list_tasks(actor).filter(state__in=Task.ENDED).order_by("-pk")[: RECENT_TASKS - len(running)]
    return {"running": running, "ended": list(ended)}


def health_summary(actor: Any) -> dict[str, Any] | None:
    """What is not as it should be, by name; everything else as one line."""
    if not actor.has(Right.VIEW_HEALTH):
        return None
    reports = health.run_all()
    troubled = [report for report in reports if report.state != "ok"]
    return {"troubled": troubled, "fine": len(reports) - len(troubled), "total": len(reports)}
