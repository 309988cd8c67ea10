"""Sources of identity: directories, mail servers and identity providers, what places chose, and synchronisation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from django.db.models import QuerySet
from pydantic import Field

from accounts import places
from accounts.actors import Actor
from accounts.models import Source
from accounts.permissions import Level, Right
from accounts.scopes import SERVER, ScopeRef
from accounts.selectors.sources import choice_of, get_source, list_sources
from accounts.services.source_sign_in import try_source
from accounts.services.sources import choose_source, create_source, delete_source, require_managing, update_source
from accounts.sources.kinds import SETTINGS, Kind
from api import filters
from api.listing import Listing
from api.operations import Created, Group
from api.schemas import Answer, Body, Id, Moment, left_out
from api.v1 import subjects
from domains.models import DirectoryRun

group = Group(
    "Sources of identity",
    "Where people prove who they are when their password isn't kept here, and whom a directory brings along.",
    names={"object_id": "objectId"},
)

Scope = Literal["server", "customer", "domain"]
KindName: Any = Literal.__getitem__(tuple(each.value for each in Kind))
Settings = Annotated[
    dict[str, str | int | bool],
    Field(
        description="By their names: " + "; ".join(f"{k.value}: {', '.join(s.name for s in SETTINGS[k])}" for k in Kind)
    ),
]


class SourceAnswer(Answer):
    """A source. Its password or client secret is never answered, only whether there is one."""

    id: int
    name: str
    kind: str
    scope: str
    object_id: int | None
    is_enabled: bool
    settings: dict[str, Any]
    has_secret: bool
    creates_people: bool
    asks_second_factor: bool
    meets_demands: bool
    local_for_administrators: bool
    shows_button: bool
    speaks_for_server_administrators: bool
    configured_by: str
    created_at: Moment


class SourceChange(Body):
    """Fields left out stay; of `settings` too. With another host or issuer the secret must be given again."""

    name: Annotated[str, Field(min_length=1, max_length=100)] = left_out()
    is_enabled: bool = left_out()
    settings: Settings = left_out()
    secret: Annotated[str, Field(max_length=1000)] = left_out()
    creates_people: bool = left_out()
    asks_second_factor: bool = left_out()
    meets_demands: Annotated[
        bool, Field(description="Its second factor counts where one is demanded; of the server's own providers.")
    ] = left_out()
    local_for_administrators: bool = left_out()
    shows_button: bool = left_out()


class SourceAdd(SourceChange):
    """A new one of a place."""

    name: Annotated[str, Field(min_length=1, max_length=100, examples=["Head office"])]
    kind: KindName
    scope: Scope
    object_id: Annotated[Id | None, Field(description="Not for the server.")] = None
    settings: Settings


class SourceTrial(Body):
    """Somebody to try it with; nothing: only whether it answers."""

    email: Annotated[str, Field(max_length=254)] = ""
    password: Annotated[str, Field(max_length=1000)] = ""


class SyncStepAnswer(Answer):
    """One step of a trial."""

    name: str
    is_well: bool
    said: str


class ChoiceAnswer(Answer):
    """What a place signs in with. sourceId: null for passwords kept here; isInherited: it chose nothing itself."""

    source_id: int | None
    name: str | None
    is_inherited: bool


class ChoiceSet(Body):
    """Null for passwords kept here; `inherit` for what lies above."""

    source_id: Id | None = None
    inherit: bool = False


class SyncRunAnswer(Answer):
    """One synchronisation. counts: by kind of change."""

    id: int
    started_at: Moment
    ended_at: Moment | None
    is_dry: bool
    entries: int
    known: int
    leavers: int
    counts: dict[str, int]
    problem: str
    needs_confirmation: bool


def present(row: Source) -> SourceAnswer:
    return SourceAnswer(
        id=row.pk,
        name=row.name,
        kind=row.kind,
        scope=row.level,
        object_id=row.object_id or None,
        is_enabled=row.is_enabled,
        settings=row.settings,
        has_secret=bool(row.secret),
        creates_people=row.creates_people,
        asks_second_factor=row.asks_second_factor,
        meets_demands=row.meets_demands,
        local_for_administrators=row.local_for_administrators,
        shows_button=row.shows_button,
        speaks_for_server_administrators=row.speaks_for_all,
        configured_by=row.configured_by_label,
        created_at=row.created_at,
    )


def _present_all(actor: Actor, rows: Sequence[Source]) -> list[SourceAnswer]:
    return [present(row) for row in rows]


SOURCES = Listing(
    SourceAnswer,
    _present_all,
    sorts={"name": "name", "id": "pk"},
    default="name",
    filters={"name": filters.text("name", "The source's name.")},
)


@group.list("/sources", SOURCES)
def source_list(actor: Actor) -> QuerySet[Source]:
    """List sources of identity."""
    return list_sources(actor)


@group.post("/sources", admit=subjects.somewhere(Right.MANAGE_SOURCES))
def source_create(actor: Actor, body: SourceAdd) -> Created[SourceAnswer]:
    """Set up a source.

    It speaks for nobody who holds more than whoever sets it up: through a token never for server administrators.
    """
    scope = SERVER if body.scope == "server" else ScopeRef(Level(body.scope), body.object_id or 0)
    obj = subjects.named("objectId", lambda: places.get(actor, scope, Right.MANAGE_SOURCES))
    given = body.changes()
    for name in ("kind", "scope", "object_id"):
        given.pop(name, None)
    made = create_source(actor, obj, kind=body.kind, **given)
    return Created(present(made), f"/sources/{made.pk}")


def _seen(actor: Actor, source_id: int) -> Source:
    return get_source(actor, source_id)


def _managed(actor: Actor, source_id: int) -> Source:
    source = get_source(actor, source_id)
    require_managing(actor, source)
    return source


@group.get("/sources/{int:sourceId}", admit=_seen)
def source_detail(actor: Actor, source: Source) -> SourceAnswer:
    """Read a source."""
    return present(source)


@group.patch("/sources/{int:sourceId}", admit=_managed)
def source_change(actor: Actor, source: Source, body: SourceChange) -> None:
    """Change a source.

    Only by who holds all that it speaks for.
    """
    update_source(actor, source, body.changes())


@group.delete("/sources/{int:sourceId}", admit=_managed)
def source_delete(actor: Actor, source: Source) -> None:
    """Delete a source that no place has chosen.

    409 while one has.
    """
    delete_source(actor, source)


@group.post("/sources/{int:sourceId}/trials", admit=_managed)
def source_try(actor: Actor, source: Source, body: SourceTrial) -> list[SyncStepAnswer]:
    """Try a source.

    Nothing is changed. With a password it counts as a guess at it.
    """
    steps = try_source(actor, source, address=body.email.strip().lower(), password=body.password)
    return [SyncStepAnswer(name=each.name, is_well=each.is_well, said=each.said) for each in steps]


@group.get("/sources/{int:sourceId}/runs", admit=_seen)
def source_runs(actor: Actor, source: Source) -> list[SyncRunAnswer]:
    """List the last synchronisations.

    A new one is the command SyncUsersWithDirectoryServices, with `source`, `dryRun` and `confirm`.
    """
    return [_run(each) for each in source.runs.all()[:20]]


def _run(row: DirectoryRun) -> SyncRunAnswer:
    return SyncRunAnswer(
        id=row.pk,
        started_at=row.started_at,
        ended_at=row.ended_at,
        is_dry=row.is_dry,
        entries=row.entries,
        known=row.known,
        leavers=row.leavers,
        counts=row.counts,
        problem=row.problem,
        needs_confirmation=row.needs_confirmation,
    )


def _place(actor: Actor, scope: ScopeRef) -> ScopeRef:
    places.get(actor, scope, Right.MANAGE_SOURCES)
    return scope


def _domain(actor: Actor, domain_id: int) -> ScopeRef:
    return _place(actor, ScopeRef(Level.DOMAIN, domain_id))


def _customer(actor: Actor, customer_id: int) -> ScopeRef:
    return _place(actor, ScopeRef(Level.CUSTOMER, customer_id))


def _server(actor: Actor) -> ScopeRef:
    return _place(actor, SERVER)


def _choice(scope: ScopeRef) -> ChoiceAnswer:
    chosen, _above = choice_of(scope)
    source = chosen.source
    return ChoiceAnswer(
        source_id=source.pk if source else None,
        name=source.name if source else None,
        is_inherited=scope != SERVER and chosen.at != scope,
    )


def _choose(actor: Actor, scope: ScopeRef, body: ChoiceSet) -> None:
    wanted = body.source_id
    source = None if wanted is None else subjects.named("sourceId", lambda: get_source(actor, wanted))
    obj = SERVER if scope == SERVER else places.get(actor, scope, Right.MANAGE_SOURCES)
    choose_source(actor, obj, source, inherit=body.inherit)


@group.get("/domains/{int:domainId}/source", admit=_domain)
def domain_source(actor: Actor, scope: ScopeRef) -> ChoiceAnswer:
    """Read what a domain's people sign in with."""
    return _choice(scope)


@group.put("/domains/{int:domainId}/source", admit=_domain)
def domain_source_set(actor: Actor, scope: ScopeRef, body: ChoiceSet) -> None:
    """Set what a domain's people sign in with."""
    _choose(actor, scope, body)


@group.get("/customers/{int:customerId}/source", admit=_customer)
def customer_source(actor: Actor, scope: ScopeRef) -> ChoiceAnswer:
    """Read what a customer's people sign in with."""
    return _choice(scope)


@group.put("/customers/{int:customerId}/source", admit=_customer)
def customer_source_set(actor: Actor, scope: ScopeRef, body: ChoiceSet) -> None:
    """Set what a customer's people sign in with."""
    _choose(actor, scope, body)


@group.get("/server/source", admit=_server)
def server_source(actor: Actor, scope: ScopeRef) -> ChoiceAnswer:
    """Read what people sign in with where their domain says nothing."""
    return _choice(scope)


@group.put("/server/source", admit=_server)
def server_source_set(actor: Actor, scope: ScopeRef, body: ChoiceSet) -> None:
    """Set what people sign in with where their domain says nothing."""
    _choose(actor, scope, body)
