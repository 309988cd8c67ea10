"""Writes of sources: made, changed, deleted, chosen for a place, and the binding of somebody to one undone.

Whoever says where passwords are checked can sign in as everybody there. So it takes the right to set passwords too and
a fresh proof, a source speaks for nobody who holds more than whoever configured it, and only who holds as much changes
it later. Only the server's own administrators have one stand in for people's second factors. Secrets are given and
never shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts import audit, places, proving
from accounts.actors import Actor
from accounts.errors import Forbidden, NameTaken
from accounts.models import Identity, Source, SourceChoice, User
from accounts.permissions import CONFIGURING, Level, Right, known_rights, rights_at
from accounts.scopes import SERVER, ScopeRef
from accounts.services.grants import require_holding
from accounts.services.source_grants import end_sessions_by_source, take_of, take_unserved
from accounts.sources import kinds
from accounts.sources.errors import BadSource
from accounts.sources.kinds import Kind
from config.kit import versions

LEVELS = (Level.SERVER, Level.CUSTOMER, Level.DOMAIN)
SWITCHES = (
    "is_enabled", "creates_people", "asks_second_factor", "meets_demands", "local_for_administrators", "shows_button"
)  # fmt: skip
_OF_FACTORS = ("asks_second_factor", "meets_demands")
HARMLESS = frozenset({"name", "local_for_administrators"})


class SourceInUse(NameTaken):
    """Domains have chosen it; `places` are some of them."""


def create_source(
    actor: Actor,
    obj: object,
    *,
    kind: str,
    name: str,
    settings: Mapping[str, Any],
    secret: str = "",
    **switches: bool,
) -> Source:
    """A new source of a scope. Raises: Forbidden, ProofNeeded, BadSource, NameTaken."""
    scope = places.scope_of(obj)
    require_configuring(actor, scope)
    try:
        known = Kind(kind)
    except ValueError as error:
        raise BadSource(_("There is no such kind of source."), field="kind") from error
    cleaned = kinds.clean(known, settings)
    _require_whole_name(known, scope, cleaned)
    source = Source(
        name=_checked_name(name),
        kind=known.value,
        level=scope.level,
        object_id=scope.id,
        settings=cleaned,
        secret=_checked_secret(secret),
        authority=authority_of(actor, scope),
        configured_by_label=actor.label[:300],
        **_checked_switches(actor, known, scope, switches),
    )
    try:
        with transaction.atomic():
            source.save()
            audit.record(actor, "source.create", source, kind=known.value)
    except IntegrityError as error:
        raise NameTaken(_("There is a source “%(name)s” here already.") % {"name": source.name}) from error
    return source


def update_source(
    actor: Actor, source: Source, values: Mapping[str, Any], *, expected: int | None = None
) -> versions.Changes:
    """Change name, switches, `settings` (those given; the others stay) or `secret` ("" takes it away).

    A secret that was meant for one place never goes to another: with another host or issuer it must be given again.
    Raises: Forbidden, ProofNeeded, BadSource, NameTaken, ChangedMeanwhile.
    """
    require_changing(actor, source)
    kind, wanted = source.kind_of, dict(values)
    fields: dict[str, Any] = {}
    if "name" in wanted:
        fields["name"] = _checked_name(wanted.pop("name"))
    if "settings" in wanted:
        fields["settings"] = kinds.clean(kind, {**_known(source), **wanted.pop("settings")})
        _require_whole_name(kind, source.scope, fields["settings"])
        leads_elsewhere = any(
            source.settings.get(each) != fields["settings"].get(each) for each in ("host", "port", "security", "issuer")
        )
        if leads_elsewhere and source.secret and not wanted.get("secret"):
            raise BadSource(_("It leads elsewhere now: give the password again."), field="secret")
    if "secret" in wanted:
        fields["secret"] = _checked_secret(wanted.pop("secret"))
    fields |= _checked_switches(actor, kind, source.scope, wanted)
    try:
        with transaction.atomic():
            if set(fields) - HARMLESS:
                fields |= {
                    "authority": authority_of(actor, source.scope),
                    "configured_by_label": actor.label[:300],
                }
            changes = versions.change(source, fields, expected=expected)
            if "is_enabled" in changes and not source.is_enabled:
                take_of(actor, source)
            if changes:
                audit.record(actor, "source.change", source, changes=_shown(changes))
    except IntegrityError as error:
        raise NameTaken(
            _("There is a source of this name here already."),
        ) from error
    return changes


def delete_source(actor: Actor, source: Source) -> None:
    """Delete one that nothing uses; what its groups gave goes with it. Raises: SourceInUse, Forbidden, ProofNeeded."""
    require_changing(actor, source)
    with transaction.atomic():
        found = Source.objects.select_for_update().get(pk=source.pk)
        used = [each.scope for each in found.choices.all()[:20]]
        if used:
            names = places.labels(used)
            said = ", ".join(names.get(each, _("the server")) for each in used)
            raise SourceInUse(_("Choose another one first for: %(places)s.") % {"places": said})
        take_of(actor, found)
        audit.record(actor, "source.delete", found, kind=found.kind, identities=found.identities.count())
        found.delete()


def choose_source(actor: Actor, obj: object, source: Source | None, *, inherit: bool = False) -> None:
    """What a scope's people sign in with: a source, passwords kept here (None), or as what lies above (inherit).

    Who chooses holds the right there and on the source, whose own scope must have this one in it. Whom another source
    served before loses what its groups gave.
    Raises: Forbidden, ProofNeeded, BadSource.
    """
    scope = places.scope_of(obj)
    require_configuring(actor, scope)
    if scope.level not in LEVELS:
        raise BadSource(_("A source is chosen for a domain, a customer or the server."), field="source")
    before = SourceChoice.objects.filter(level=scope.level, object_id=scope.id).select_related("source").first()
    if before is not None and before.source is not None:
        _require_authority(actor, before.source)  # whoever holds less doesn't undo it
    if source is not None:
        require_managing(actor, source)
        if source.scope not in places.chain(scope):
            raise BadSource(_("This source belongs elsewhere."), field="source")
    with transaction.atomic():
        if inherit:
            SourceChoice.objects.filter(level=scope.level, object_id=scope.id).delete()
        else:
            SourceChoice.objects.update_or_create(level=scope.level, object_id=scope.id, defaults={"source": source})
        new = None if inherit else _called(source)
        old = None if before is None else _called(before.source)
        if new != old:
            audit.record(actor, "source.choose", None if scope == SERVER else obj, changes={"source": (old, new)},
                         within=scope)  # fmt: skip
            take_unserved(actor, scope)


def release_identity(actor: Actor, source: Source, user: User) -> bool:
    """Unbind somebody from who they were at a source, so that whoever proves to have their address there may come in
    as them: after an account there was made anew. Who is in by it already is out. False where nothing was bound.

    Raises: Forbidden, ProofNeeded.
    """
    require_changing(actor, source)
    actor.require_over(Right.SET_PASSWORDS, user)
    with transaction.atomic():
        gone, _by = Identity.objects.filter(source=source, user=user).delete()
        if gone:
            end_sessions_by_source(actor, User.objects.filter(pk=user.pk))
            audit.record(actor, "source.release", user, source=source.name)
    return bool(gone)


def require_managing(actor: Actor, source: Source) -> None:
    """Who may change a source: in person, and nobody who holds less than whoever configured it. Raises: Forbidden."""
    _require(actor, source.scope)
    _require_authority(actor, source)


def require_changing(actor: Actor, source: Source) -> None:
    """The same with a fresh proof. Raises: Forbidden, ProofNeeded."""
    require_managing(actor, source)
    proving.require_recent(actor)


def require_configuring(actor: Actor, scope: ScopeRef) -> None:
    """Who may make and choose sources for a scope. Raises: Forbidden, ProofNeeded."""
    _require(actor, scope)
    proving.require_recent(actor)


def authority_of(actor: Actor, scope: ScopeRef) -> list[str] | None:
    """What a source that this actor configures may speak for; None for everything, on the server by one of its own
    administrators.
    """
    if scope == SERVER and actor.is_administrator:
        return None
    return sorted(right.value for right in actor.rights_on(scope) & rights_at(scope.level))


def _require(actor: Actor, scope: ScopeRef) -> None:
    actor.require_writing()
    if actor.acting is not None:
        raise Forbidden("no sources are configured while acting as somebody")
    for right in sorted(CONFIGURING):
        actor.require(right, scope)


def _require_authority(actor: Actor, source: Source) -> None:
    if source.authority is None:
        if not actor.is_administrator:
            raise Forbidden("a server administrator configured it, who holds more")
        return
    require_holding(actor, known_rights(source.authority), source.scope)


def _require_whole_name(kind: Kind, scope: ScopeRef, settings: Mapping[str, Any]) -> None:
    """That people of the same name in two domains stay two. Raises: BadSource."""
    field = "login_name" if kind == Kind.IMAP else "login_filter" if kind.is_directory else ""
    name = str(settings.get(field, ""))
    if field and scope.level != Level.DOMAIN and "{address}" not in name and "{domain}" not in name:
        text = _("Name {address}, or {domain} too: people of the same name in several domains would be one.")
        raise BadSource(text, field=field)


def _known(source: Source) -> dict[str, Any]:
    """Its settings, without those that no source has any more."""
    names = {each.name for each in kinds.SETTINGS[source.kind_of]}
    return {name: value for name, value in source.settings.items() if name in names}


def _called(source: Source | None) -> str:
    """What the audit trail calls it: also who configured it, so that whoever reads it knows whose word counts now."""
    return "local" if source is None else f"{source.name} ({source.configured_by_label})"


def _checked_name(name: str) -> str:
    name = " ".join(name.replace("\0", "").split())
    if not name or len(name) > 100 or not name.isprintable():
        raise BadSource(_("A source has a name of at most 100 characters."), field="name")
    return name


def _checked_secret(secret: str) -> str:
    if len(secret) > 1_000 or "\0" in secret:
        raise BadSource(_("This is too long."), field="secret")
    return secret


def _checked_switches(actor: Actor, kind: Kind, scope: ScopeRef, given: Mapping[str, Any]) -> dict[str, bool]:
    """Raises: BadSource."""
    unknown = sorted(set(given) - set(SWITCHES))
    if unknown:
        raise BadSource(_("There is no setting %(name)s.") % {"name": unknown[0][:100]}, field=unknown[0][:100])
    for name in _OF_FACTORS:
        if given.get(name) and not kind.is_web:
            raise BadSource(_("Only providers with a page of their own ask for one."), field=name)
        if given.get(name) and authority_of(actor, scope) is not None:
            text = _(
                "Only the server’s own sources, set up by its administrators, stand in for people’s second factors."
            )
            raise BadSource(text, field=name)
    if given.get("creates_people") and not actor.has(Right.MANAGE_USERS, scope):
        raise BadSource(_("You may not make people here yourself."), field="creates_people")
    if given.get("shows_button") and not (kind.is_web and scope == SERVER):
        # everybody sees that page: what stands there is the server's
        raise BadSource(_("Only the server’s own providers have a button there."), field="shows_button")
    return {name: bool(value) for name, value in given.items()}


def _shown(changes: versions.Changes) -> dict[str, tuple[object, object]]:
    """Changes without secrets, each setting by its name."""
    shown: dict[str, tuple[object, object]] = {}
    for name, (old, new) in changes.items():
        if name == "secret":
            shown[name] = ("••••••" if old else "", "••••••" if new else "")
        elif name == "settings" and isinstance(old, dict) and isinstance(new, dict):
            for each in sorted({*old, *new}):
                if old.get(each) != new.get(each):
                    shown[each] = ("…" if each == "ca_pem" else old.get(each), "…" if each == "ca_pem" else new[each])
        elif name != "authority":
            shown[name] = (old, new)
    return shown
