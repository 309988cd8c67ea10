"""What the archive puts on the overview: figures, arrivals per day, and the first step of an empty system.

Administrators see the stores; everybody else sees their own archive.
"""

from __future__ import annotations

import datetime
from collections import Counter
from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.actors import Actor
from accounts.permissions import Right
from archive import engines, foldertree, selectors, storefacts
from archive.models import Store
from config.kit import dashboard
from config.kit.charts import BarChart, bar_chart
from config.kit.dashboard import Figure, FirstStep
from config.kit.nav import ActorLike
from config.kit.templatetags.kit import number, size_text

DAYS = 30


def register() -> None:
    dashboard.register_figure(messages_figure, order=10)
    dashboard.register_figure(stored_figure, order=20)
    dashboard.register_figure(saved_figure, order=30)
    dashboard.register_card(
        "arrivals", gettext_lazy("Archived per day"), "archive/card_arrivals.html", arrivals_card, order=20, span=8
    )
    dashboard.register_first_step(first_step)


def _lines(actor: ActorLike) -> list[Any]:
    """The open stores' figures; nothing for those who don't manage stores."""
    if not actor.has(Right.MANAGE_STORES):
        return []
    return [line for line in map(storefacts.store_line, selectors.open_stores()) if not line.problem]


def messages_figure(actor: ActorLike) -> Figure | None:
    if not actor.has(Right.MANAGE_STORES):
        return _own_messages(actor)
    lines = _lines(actor)
    url = reverse("archive:store-list")
    hint = _("in %(count)s stores") % {"count": number(len(lines))} if len(lines) > 1 else ""
    return Figure(_("Messages"), sum(line.messages for line in lines), hint, url) if lines else None


def _own_messages(actor: ActorLike) -> Figure | None:
    archive = selectors.get_archive(actor) if isinstance(actor, Actor) else None
    if archive is None:
        return None
    total = foldertree.tree_of(archive).messages
    return Figure(_("Messages in my archive"), total, url=reverse("archive:search"))


def stored_figure(actor: ActorLike) -> Figure | None:
    lines = _lines(actor)
    if not lines:
        return None
    raw = sum(line.raw_bytes for line in lines)
    hint = _("of %(size)s of mail") % {"size": size_text(raw)}
    return Figure(_("Stored"), sum(line.stored_bytes for line in lines), hint, reverse("archive:store-list"), "bytes")


def saved_figure(actor: ActorLike) -> Figure | None:
    lines = _lines(actor)
    raw, stored = sum(line.raw_bytes for line in lines), sum(line.stored_bytes for line in lines)
    if not raw:
        return None
    text = storefacts.saved_text(raw, stored)
    return Figure(_("Saved"), text, _("by compression and keeping each message once"))


def arrivals_card(actor: ActorLike) -> dict[str, Any] | None:
    if not actor.has(Right.MANAGE_STORES):
        return None
    stores = selectors.open_stores()
    return {"chart": arrivals_chart(stores)} if stores else None


def arrivals_chart(stores: list[Store]) -> BarChart:
    """Messages archived on each of the last thirty days (UTC), all stores together."""
    counts: Counter[datetime.date] = Counter()
    for store in stores:
        if engines.problem_of(store):
            continue  # the health page says so
        for day, (messages, _size) in engines.open_store(store).arrivals(DAYS).items():
            counts[day] += messages
    today = timezone.now().astimezone(datetime.UTC).date()
    days = [today - datetime.timedelta(days=back) for back in range(DAYS - 1, -1, -1)]
    points = [(date_format(day, "j M"), counts[day]) for day in days]
    total = sum(counts.values())
    return bar_chart(
        points,
        title=_("Messages archived per day"),
        summary=_("%(total)s messages in the last %(days)s days") % {"total": number(total), "days": DAYS},
        label_title=_("Day"),
        value_title=_("Messages"),
    )


def first_step(actor: ActorLike) -> FirstStep | None:
    """Nothing archived yet: import something."""
    if not actor.has(Right.MANAGE_STORES) or any(line.messages for line in _lines(actor)):
        return None
    return FirstStep(
        _("Nothing is archived yet"),
        _("Bring in an mbox file, a Maildir, single messages or an archive of these, and watch it become searchable."),
        reverse("archive:import"),
        _("Import mail"),
    )
