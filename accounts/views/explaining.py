"""Rights in words, for pages: what a grant gives, what a person may do and where it comes from. Not for deciding."""

from __future__ import annotations

from dataclasses import dataclass

from django.urls import reverse

from accounts import places
from accounts.actors import Actor
from accounts.models import Grant, User
from accounts.permissions import LEVEL_LABELS, Level, Right
from accounts.scopes import SERVER, ScopeRef
from accounts.selectors.administrators import Explained, explain_rights, right_labels, role_label
from config.kit.nav import Text


@dataclass(frozen=True)
class GrantRow:
    """One grant as a table shows it."""

    grant: Grant
    level: Text
    place: str
    place_url: str
    role: Text
    summary: list[Text]
    may_change: bool


def grant_rows(actor: Actor, grants: list[Grant]) -> list[GrantRow]:
    """With names of places in a query a level."""
    names = places.labels(grant.scope for grant in grants)
    return [_row(actor, grant, names) for grant in grants]


def _row(actor: Actor, grant: Grant, names: dict[ScopeRef, str]) -> GrantRow:
    scope, rights = grant.scope, grant.all_rights()
    known = scope == SERVER or scope in names
    may_change = not actor.owns(grant.user) and actor.has(Right.GRANT_RIGHTS, scope) and actor.holds(rights, scope)
    return GrantRow(
        grant=grant,
        level=LEVEL_LABELS[Level(grant.level)],
        place=names.get(scope, grant.object_label),
        place_url=reverse("accounts:scope-rights", args=[scope.level.value, scope.id]) if known else "",
        role=role_label(grant),
        summary=right_labels(rights),
        may_change=may_change,
    )


def explained(actor: Actor, person: User) -> list[tuple[Text, list[Explained]]]:
    """What a person may do, in the catalogue's groups."""
    groups: dict[str, list[Explained]] = {}
    for each in explain_rights(actor, person):
        groups.setdefault(str(each.group), []).append(each)
    return list(groups.items())
