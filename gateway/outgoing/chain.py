"""From a judged message of somebody we serve to the versions of it that leave: the stages of README.md, in order."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace

from django.db import DatabaseError

from domains.policy.decision import Action
from domains.policy.facts import Direction
from gateway.flow import Body, Incoming, Inspection, Judged, Leaving, Ways
from gateway.outgoing import dkim
from gateway.outgoing.completing import complete
from gateway.outgoing.message import Outgoing, Stage
from gateway.outgoing.signatures import add_signatures
from gateway.resolving import Sender
from gateway.steps import Kind

log = logging.getLogger("postkeep.gateway")


STAGES: tuple[Stage, ...] = (complete, add_signatures, dkim.sign)


def prepare(
    incoming: Incoming,
    inspection: Inspection,
    judged: Sequence[Judged],
    body: Body | None = None,
    headers: Sequence[str] = (),
) -> tuple[Leaving, ...]:
    """The versions that leave; none where nobody of ours sends, or nobody gets it. Raises: DatabaseError.

    body: the message where that isn't `incoming.body`.
    """
    sender, onward = _sender(judged), _onward(judged)
    if sender is None or not onward:
        return ()
    message = Outgoing(incoming, inspection, tuple(judged), sender)
    versions: tuple[Leaving, ...] = (Leaving(onward, body or incoming.body, tuple(headers)),)
    for stage in STAGES:
        versions = tuple(made for each in versions for made in _through(stage, message, each))
    return versions


def _sender(judged: Sequence[Judged]) -> Sender | None:
    for each in judged:
        route = each.route
        if route.direction is Direction.OUTGOING and route.domain_id is not None:
            return Sender(route.mailbox_id, route.domain_id, route.customer_id)
    return None


def _onward(judged: Sequence[Judged]) -> tuple[int, ...]:
    """Where in `judged` those stand to whom it goes on (as `gateway.filing` sees it)."""
    return tuple(
        at
        for at, each in enumerate(judged)
        if each.decision.action is Action.DELIVER and each.route.ends is not Ways.HERE
    )


def _through(stage: Stage, message: Outgoing, leaving: Leaving) -> Sequence[Leaving]:
    try:
        return stage(message, leaving)
    except DatabaseError:
        raise
    except Exception:
        name = getattr(stage, "__name__", "?")
        log.exception("the message %s leaves without what %s does", message.incoming.key, name)
        problem = (Kind.PROBLEM.value, {"text": f"left out on its way out: {name}"})
        return (replace(leaving, notes=(*leaving.notes, problem)),)
