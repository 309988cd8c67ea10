"""What approvals show elsewhere: their line, their card, the rule on the health page, and the clock's part."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.actors import Actor
from config.kit import clock, dashboard, health, nav
from config.kit.nav import ActorLike
from jobs import approvals, selectors, two_people


def register() -> None:
    two_people.define_options()
    nav.register(
        "jobs",
        gettext_lazy("Approvals"),
        "jobs:approval-list",
        "check-badge",
        order=40,
        audience="administrator",
        words=gettext_lazy("two people second person approve request"),
    )
    dashboard.register_card(
        "approvals",
        gettext_lazy("Waits for your decision"),
        "jobs/card_approvals.html",
        _card,
        order=5,
        url_name="jobs:approval-list",
        more=gettext_lazy("All approvals"),
    )
    health.register(gettext_lazy("Two people"), _health)
    clock.register_chore(60.0, "end requests nobody decided", approvals.expire)
    clock.register_chore(60.0, "note that there are two administrators", two_people.note_administrators)


def _card(actor: ActorLike) -> dict[str, Any] | None:
    waiting = selectors.list_to_decide(actor) if isinstance(actor, Actor) else []
    return {"approvals": waiting} if waiting else None


def _health() -> health.Report:
    standing = two_people.standing()
    if not standing.is_on:
        return health.Report("warning", _("one person alone can do what can't be undone: the rule is switched off"))
    if not standing.in_force:
        text = _("there is one administrator only, so what can't be undone waits for nobody; a second one changes that")
        return health.Report("ok", text)
    return health.Report("ok", _("what can't be undone waits for a second person"))
