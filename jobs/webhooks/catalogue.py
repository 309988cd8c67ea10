"""The events that a webhook may hear of, and what it takes to be told of each.

An app registers its own in `AppConfig.ready()`. An event type stands for actions of the audit trail (`actions`), or its
app emits it (`outbox.emit`). Beside them `audit.ACTION` names one action of the trail, `audit.user.*` all of a kind.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts import sentences
from accounts.permissions import Right

Text = str | Promise
AUDIT = "audit."
TEST = "webhook.test"
_PATTERN = re.compile(r"audit\.(\*|[a-z_]+\.(\*|[a-z_]+))")


@dataclass(frozen=True, slots=True)
class EventType:
    """One kind of event. needs: the right on the scope that it takes to be told. server: of the server alone.

    actions: of the audit trail; details: which of their details are told, too. alerts: kinds of alerts that are it.
    """

    name: str
    label: Text
    needs: Right
    actions: tuple[str, ...] = ()
    details: tuple[str, ...] = ()
    alerts: tuple[str, ...] = ()
    server: bool = False


_types: dict[str, EventType] = {}


def register(*types: EventType) -> None:
    """Add event types. Raises: ValueError for one whose name another has."""
    for each in types:
        if _types.get(each.name, each) != each:
            raise ValueError(f"the event {each.name} is registered twice")
        _types[each.name] = each


def event_types() -> list[EventType]:
    """All of them, by name."""
    return [_types[name] for name in sorted(_types)]


def find(name: str) -> EventType | None:
    """One by its name; also what `audit.…` names. None for what nobody knows."""
    if name in _types:
        return _types[name]
    if not _PATTERN.fullmatch(name) or not _is_known(name.removeprefix(AUDIT)):
        return None
    return EventType(name, _("Audit trail: %(name)s") % {"name": name.removeprefix(AUDIT)}, Right.VIEW_AUDIT)


def _is_known(pattern: str) -> bool:
    """Whether any action is meant, so that a misspelt one is told of at once."""
    if pattern.endswith("*"):
        return pattern == "*" or any(action.startswith(pattern[:-1]) for action in sentences.known())
    return pattern in sentences.known()


def types_of(action: str) -> list[EventType]:
    """The event types that an action of the trail is."""
    return [each for each in _types.values() if action in each.actions]


def types_of_alert(kind: str) -> list[EventType]:
    """The event types that an alert of a kind is, beside `alert.raised`."""
    return [each for each in _types.values() if kind in each.alerts]


def names_of(action: str) -> set[str]:
    """By what names a webhook may have chosen an action of the trail."""
    kind = action.partition(".")[0]
    return {f"{AUDIT}{action}", f"{AUDIT}{kind}.*", f"{AUDIT}*"}


def words(names: Iterable[str]) -> list[Text]:
    """What pages call these; a name that nobody knows any more as it is."""
    return [found.label if (found := find(name)) else name for name in names]


def register_ours() -> None:
    """The events of people, domains, jobs and alerts."""
    register(
        EventType("alert.raised", _("Alert raised"), Right.MANAGE_ALERTS),
        EventType("job.failed", _("Job failed"), Right.MANAGE_JOBS, server=True),
        EventType("user.created", _("User created"), Right.VIEW_USERS, actions=("user.create", "mailbox.create")),
        EventType("user.deleted", _("User deleted"), Right.VIEW_USERS, actions=("user.delete", "mailbox.delete")),
        EventType("user.disabled", _("User disabled"), Right.VIEW_USERS, actions=("user.disable",)),
        EventType("user.renamed", _("User renamed"), Right.VIEW_USERS, actions=("user.rename", "mailbox.rename")),
        EventType("domain.created", _("Domain created"), Right.VIEW_DOMAINS, actions=("domain.create",)),
        EventType("domain.deleted", _("Domain deleted"), Right.VIEW_DOMAINS, actions=("domain.delete",)),
        EventType("sign_in.failed", _("Sign-in failed"), Right.VIEW_AUDIT, actions=("user.sign_in_failed",)),
    )
