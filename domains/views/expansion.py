"""Who gets mail for this address: the question, and the whole way of a message with its reasons."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.permissions import Right
from accounts.requests import ActorRequest
from config.kit.pages import render_page, toast
from domains import selectors
from domains.errors import BadAddress
from domains.expansion import ARRIVALS, Expansion, How, Outcome, Step
from domains.forms.addresses import WhoGetsForm
from domains.models import Address
from domains.views.frames import refuse

SHOWN = 500  # steps on the page
LOOP_SHOWN = 8  # addresses of a loop in a warning


@dataclass(frozen=True)
class ShownStep:
    """A step in words. `depth` is its level, at most 8, for the page's indent."""

    email: str
    how: str
    outcome: str
    tone: str
    depth: int


@require_safe
def who_gets_mail(request: ActorRequest) -> HttpResponse:
    """`?address=` and `?sender=`; the outcome to look at as `?only=`."""
    request.actor.require_somewhere(Right.VIEW_USERS)
    form = WhoGetsForm(request.GET if "address" in request.GET else None)
    context: dict[str, Any] = {"form": form}
    if form.is_bound and form.is_valid():
        try:
            found = selectors.expand_for(
                request.actor, form.cleaned_data["address"], sender=form.cleaned_data["sender"]
            )
            context |= _shown(found, request.GET.get("only", ""))
        except BadAddress as error:
            refuse(form, error, {"email": "address"})
    return render_page(request, "domains/who_gets_mail.html", context)


def warn_of_loop(request: ActorRequest, address: Address) -> None:
    """Say that what was just saved makes mail go round, and where; it stays saved."""
    way = selectors.loop_through(request.actor, address)
    if way:
        text = _("Mail goes round in a circle: %(way)s. It is cut there, and each gets it once.")
        shown = way if len(way) <= LOOP_SHOWN else [*way[: LOOP_SHOWN - 2], "…", way[-1]]
        toast(request, text % {"way": " → ".join(shown)}, "warning")


def _shown(found: Expansion, only: str) -> dict[str, Any]:
    counts = sorted(found.counts().items(), key=lambda pair: -pair[1])
    steps = [step for step in found.steps if only in ("", step.outcome)]
    if not only:
        steps = _as_tree(found.steps)
    return {
        "found": found,
        "arrivals": len(found.deliveries),
        "counts": [(str(outcome), outcome_text(str(outcome)), count) for outcome, count in counts],
        "only": only,
        "steps": [_words(step) for step in steps[:SHOWN]],
        "more": max(0, len(steps) - SHOWN),
    }


def _as_tree(steps: list[Step]) -> list[Step]:
    """Children below their parent, instead of level by level."""
    children: dict[int, list[Step]] = {}
    for step in steps:
        children.setdefault(step.parent, []).append(step)
    ordered, waiting = [], list(reversed(children.get(-1, [])))
    while waiting:
        step = waiting.pop()
        ordered.append(step)
        waiting.extend(reversed(children.get(step.number, [])))
    return ordered


def _words(step: Step) -> ShownStep:
    tone = "good" if step.outcome in ARRIVALS else "" if step.outcome in _ON_THE_WAY else "warn"
    return ShownStep(step.email, how_text(str(step.how)), outcome_text(str(step.outcome)), tone, min(step.level, 8))


_ON_THE_WAY = (Outcome.EXPANDED, Outcome.FORWARDED, Outcome.CAUGHT, Outcome.REPEATED)


def how_text(how: str) -> str:
    """Why an address is on the way, for people."""
    return {
        How.ASKED.value: _("asked for"),
        How.ALIAS.value: _("the alias leads to it"),
        How.MEMBER.value: _("member"),
        How.SUBSCRIBER.value: _("subscriber"),
        How.FORWARDED.value: _("forwarded"),
        How.CATCH_ALL.value: _("catch-all"),
    }.get(how, how)


def outcome_text(outcome: str) -> str:
    """What becomes of a message there, for people."""
    return {
        Outcome.DELIVERED.value: _("Kept in the mailbox"),
        Outcome.EXTERNAL.value: _("Goes to another server"),
        Outcome.BEHIND.value: _("Not known here: goes to the mail server behind"),
        Outcome.EXPANDED.value: _("Goes on"),
        Outcome.FORWARDED.value: _("Forwarded, no copy kept"),
        Outcome.CAUGHT.value: _("No such address: the catch-all takes it"),
        Outcome.LATER.value: _("Gets it later, in a digest"),
        Outcome.BEYOND.value: _("In a domain that you don't administer"),
        Outcome.UNKNOWN_DOMAIN.value: _("Not a domain that you administer here"),
        Outcome.UNKNOWN_ADDRESS.value: _("There is no such address"),
        Outcome.DOMAIN_DISABLED.value: _("Its domain is suspended"),
        Outcome.DOMAIN_PENDING.value: _("Its domain isn't in service yet"),
        Outcome.DOMAIN_DELETED.value: _("Its domain is deleted"),
        Outcome.DISABLED.value: _("Disabled"),
        Outcome.PENDING.value: _("Pending"),
        Outcome.DELETED.value: _("Deleted"),
        Outcome.EMPTY.value: _("Nobody is in it"),
        Outcome.NO_MAIL.value: _("Wants no mail, or is banned"),
        Outcome.SENDER_REFUSED.value: _("Takes no mail of this sender"),
        Outcome.REPEATED.value: _("Has it already, on another way"),
        Outcome.CYCLE.value: _("Cut: it would go round in a circle"),
        Outcome.TOO_DEEP.value: _("Cut: too many levels"),
        Outcome.TOO_MANY.value: _("Cut: too many addresses"),
    }.get(outcome, outcome)
