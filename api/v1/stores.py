"""Archive stores: list, make, attach, change; what takes time is a task, what takes two people a request."""

from __future__ import annotations

from typing import Annotated, Any

from django.http import Http404
from django.utils.translation import gettext as _
from pydantic import ConfigDict, Field

from accounts.actors import Actor
from accounts.permissions import Right
from api.operations import Created, Group, holding
from api.schemas import Answer, Body, Id, Moment
from api.v1.tasks import TaskAnswer
from api.v1.tasks import present as present_task
from archive import selectors, storefacts
from archive.commands.store_places import PlaceArguments, objects_of, place_of, type_of
from archive.commands.stores import AttachArguments, UnlockArguments, customer_named
from archive.commands.upkeep import OneStoreArguments, RecoverArguments, VerifyAllArguments, VerifyArguments
from archive.errors import StoreRefused, StoreUnknown
from archive.models import Store
from archive.services import autocreate, indexes, store_changes, stores
from archive.services.merging import MergeArguments
from archive.services.stores import NewStore
from jobs.services import submit

group = Group("Stores", "The archive stores: where mail is kept, their states, their upkeep.")
manage = holding(Right.MANAGE_STORES)
OPERATIONS = {
    "verification": "VerifyStore",
    "compaction": "CompactStore",
    "recovery": "RecoverStore",
    "repair": "RepairStoreDatabase",
    "journal-recreation": "RecreateRecoveryRecords",
    "index-rebuild": "RebuildIndex",
    "upgrade": "UpgradeStore",
    "sealing": "SealStorePacks",
}


class StoreAnswer(Answer):
    """A store. `state` is `error` where it can't be opened; sizes are in bytes."""

    id: Id
    name: str
    requested_state: str
    state: str
    error: str | None
    type: Annotated[str, Field(description="FileSystemInternal or PostgreSQL")]
    content_path: Annotated[str, Field(description="Its folder; of a store in a database that of its packs, or empty.")]
    database_path: str
    index_path: str
    database: Annotated[str | None, Field(description="Which database, without its password; null: it is a folder.")]
    schema_name: str | None
    objects: Annotated[str | None, Field(description="Where sealed packs go: database, folder or s3.")]
    objects_place: str | None
    customer_id: Id | None
    identity: str
    messages: int | None
    raw_bytes: int | None
    stored_bytes: int | None
    lag: Annotated[int | None, Field(description="Journal records that the search index has not seen.")]
    verified_at: Moment | None
    verified_ok: bool | None
    created_at: Moment


class PlaceBody(Body):
    """Where a store lies. Folders lie below the configured roots.

    Of type PostgreSQL it is a schema of Postkeep's own database, or of that of `dsn`. The password and the secret key
    are written and never answered.
    """

    type: Annotated[str, Field(description="FileSystemInternal or PostgreSQL")] | None = None
    content_path: Annotated[str, Field(max_length=1000)] | None = None
    database_path: Annotated[str, Field(max_length=1000)] | None = None
    index_path: Annotated[str, Field(max_length=1000)] | None = None
    dsn: Annotated[str, Field(max_length=1000, description="Without it or own: Postkeep's own database.")] | None = None
    password: Annotated[str, Field(max_length=500)] | None = None
    schema_name: Annotated[str, Field(max_length=63)] | None = None
    objects: Annotated[str, Field(description="Where sealed packs go: database, folder or s3.")] | None = None
    objects_path: Annotated[str, Field(max_length=1000)] | None = None
    endpoint: Annotated[str, Field(max_length=500)] | None = None
    bucket: Annotated[str, Field(max_length=63)] | None = None
    prefix: Annotated[str, Field(max_length=300)] | None = None
    region: Annotated[str, Field(max_length=60)] | None = None
    access_key: Annotated[str, Field(max_length=200)] | None = None
    secret_key: Annotated[str, Field(max_length=500)] | None = None


class StoreBody(PlaceBody):
    """A new store. Where it lies is chosen where nothing is named."""

    model_config = ConfigDict(json_schema_extra={"example": {"contentPath": "main", "name": "Main"}})

    name: Annotated[str, Field(max_length=100)]
    requested_state: Annotated[str, Field(description="current, normal, writeProtected or disabled")] | None = None
    customer: Annotated[str, Field(description="The name of the customer it is bound to.")] | None = None


class AttachBody(StoreBody):
    """A folder or a schema that is a store already."""

    recover: Annotated[bool, Field(description="Take it although it is damaged; the task says what is lost.")] = False


class StoreUpdate(PlaceBody):
    """What is named is changed. Places say where the parts lie now; nothing is moved."""

    name: Annotated[str, Field(max_length=100)] | None = None
    requested_state: Annotated[str, Field(description="current, normal, writeProtected or disabled")] | None = None
    customer: Annotated[str, Field(description="Empty: for everybody.")] | None = None


class VerifyBody(Body):
    include_indexes: bool = True
    deep: Annotated[bool, Field(description="Also read every message and replay the catalogue.")] = False


class UnlockBody(Body):
    passphrase: Annotated[
        str, Field(min_length=1, max_length=500, description="The recovery key of the installation it came from.")
    ]


class RecoverBody(Body):
    recover_deleted_messages: bool = False


class MergeBody(Body):
    source_id: Annotated[Id, Field(description="The store whose messages come.")]


class IndexAnswer(Answer):
    """The search index of a store."""

    store_id: Id
    path: str
    documents: int
    size_bytes: int
    lag: int
    is_selected: Annotated[bool, Field(description="Marked to be built anew.")]
    error: str | None


class AutoCreation(Answer):
    """When a new current store is made by itself, and where."""

    size_threshold: Annotated[int | None, Field(description="Bytes on disk; null: never.")]
    database_base_directory: str
    content_base_directory: str
    index_base_directory: str


class AutoCreationUpdate(Body):
    size_threshold: int | None = None
    database_base_directory: str | None = None
    content_base_directory: str | None = None
    index_base_directory: str | None = None


def store(actor: Actor, store_id: int) -> Store:
    """For who manages stores; what isn't attached isn't there."""
    try:
        return selectors.get_store(actor, store_id)
    except StoreUnknown as error:
        raise Http404(str(error)) from error


def _present(found: Store) -> StoreAnswer:
    line = storefacts.store_line(found)
    return StoreAnswer(
        id=found.pk,
        name=found.name,
        requested_state=store_changes.state_name(found.state),
        state="error" if line.problem else store_changes.state_name(found.state),
        error=line.problem or None,
        type=type_of(found),
        content_path=str(found.root) if found.is_folder else found.objects_path,
        database_path=str(found.work),
        index_path=str(found.index),
        database=None if found.is_folder else found.database_shown,
        schema_name=None if found.is_folder else found.schema,
        objects=None if found.is_folder else objects_of(found),
        objects_place=None if found.is_folder else found.objects_shown,
        customer_id=found.customer_id,
        identity=found.identity or "",
        messages=line.messages,
        raw_bytes=line.raw_bytes,
        stored_bytes=line.stored_bytes,
        lag=line.lag,
        verified_at=found.verified_at,
        verified_ok=found.verified_ok,
        created_at=found.created_at,
    )


def _task(actor: Actor, command: str, arguments: object) -> Created[TaskAnswer]:
    task = submit(actor, command, arguments)
    return Created(present_task(task), f"/tasks/{task.pk}")


@group.get("/stores", admit=manage)
def store_list(actor: Actor) -> list[StoreAnswer]:
    """List the attached stores, with their figures."""
    return [_present(each) for each in selectors.list_stores(actor)]


@group.post("/stores", admit=manage)
def store_create(actor: Actor, body: StoreBody) -> Created[StoreAnswer]:
    """Make a new store and attach it."""
    made = stores.create_store(actor, name=body.name, wanted=_wanted(body))
    return Created(_present(made), f"/stores/{made.pk}")


def _wanted(body: StoreBody) -> NewStore:
    state = store_changes.read_state(body.requested_state).value if body.requested_state else ""
    return NewStore(body.name, place_of(_place(body)), customer_named(body.customer), state)


def _place(body: PlaceBody) -> PlaceArguments:
    """What it says of a place, as the commands have it."""
    return PlaceArguments(**body.model_dump(include=set(PlaceBody.model_fields)))


@group.post("/stores/attachments", admit=manage, status=202)
def store_attach(actor: Actor, body: AttachBody) -> Created[TaskAnswer]:
    """Attach a store that lies in a folder of the server or in a database, as a task.

    Its journal is replayed first, and every message must have its bytes. A store that our keys don't open is attached
    locked, and waits for its recovery key (`POST /stores/{storeId}/unlock`).
    """
    given: dict[str, Any] = body.model_dump()
    place = place_of(_place(body))
    if place.postgres is None and not place.content:
        raise StoreRefused(_("Name a folder."), field="content_path")
    return _task(actor, "AttachStore", AttachArguments(**given))


@group.get("/stores/{int:storeId}", admit=store)
def store_detail(actor: Actor, found: Store) -> StoreAnswer:
    """Read a store, with its figures."""
    return _present(found)


@group.patch("/stores/{int:storeId}", admit=store)
def store_change(actor: Actor, found: Store, body: StoreUpdate) -> StoreAnswer:
    """Change a store's name, state, customer, or say where its parts lie now."""
    given = body.model_fields_set
    if body.name is not None:
        store_changes.rename_store(actor, found, name=body.name)
    if "customer" in given:
        store_changes.bind_store(actor, found, customer_named(body.customer))
    if given & set(PlaceBody.model_fields):
        store_changes.set_place(actor, found, place_of(_place(body), found))
    if body.requested_state is not None:
        store_changes.set_state(actor, found, body.requested_state)
    return _present(found)


@group.delete("/stores/{int:storeId}", admit=store)
def store_detach(actor: Actor, found: Store) -> None:
    """Detach a store; its journal and packs stay as they are.

    This takes two people: where that rule is in force, ask with `POST /approvals` (`DetachStore`).
    """
    store_changes.detach_store(actor, found)


@group.post("/stores/{int:storeId}/verification", admit=store, status=202)
def store_verify(actor: Actor, found: Store, body: VerifyBody | None) -> Created[TaskAnswer]:
    """Read everything back and compare it with what was written, as a task."""
    body = body or VerifyBody()
    arguments = VerifyArguments(id=found.pk, include_indexes=body.include_indexes, deep=body.deep)
    return _task(actor, OPERATIONS["verification"], arguments)


@group.post("/stores/verification", admit=manage, status=202)
def store_verify_all(actor: Actor, body: VerifyBody | None) -> Created[TaskAnswer]:
    """Read every store back and compare it with what was written, as a task."""
    body = body or VerifyBody()
    return _task(actor, "VerifyStores", VerifyAllArguments(body.include_indexes, body.deep))


@group.post("/stores/{int:storeId}/unlock", admit=store, status=202)
def store_unlock(actor: Actor, found: Store, body: UnlockBody) -> Created[TaskAnswer]:
    """Open a store of another installation with that one's recovery key, as a task; from then on ours opens it.

    The key is kept sealed until the task has run, and is answered nowhere.
    """
    return _task(actor, "UnlockStore", UnlockArguments(found.pk, body.passphrase))


@group.post("/stores/{int:storeId}/compaction", admit=store, status=202)
def store_compact(actor: Actor, found: Store) -> Created[TaskAnswer]:
    """Give back the room of deleted messages, as a task."""
    return _task(actor, OPERATIONS["compaction"], OneStoreArguments(id=found.pk))


@group.post("/stores/{int:storeId}/recovery", admit=store, status=202)
def store_recover(actor: Actor, found: Store, body: RecoverBody | None) -> Created[TaskAnswer]:
    """Make the catalogue anew and mend a damaged journal, as a task; deleted messages too where that is wanted."""
    deleted = bool(body and body.recover_deleted_messages)
    return _task(actor, OPERATIONS["recovery"], RecoverArguments(id=found.pk, recover_deleted_messages=deleted))


@group.post("/stores/{int:storeId}/repair", admit=store, status=202)
def store_repair(actor: Actor, found: Store) -> Created[TaskAnswer]:
    """Mend the catalogue, as a task."""
    return _task(actor, OPERATIONS["repair"], OneStoreArguments(id=found.pk))


@group.post("/stores/{int:storeId}/journal-recreation", admit=store, status=202)
def store_recreate_journal(actor: Actor, found: Store) -> Created[TaskAnswer]:
    """Write a damaged journal anew, as a task; its result says what could not be rebuilt."""
    return _task(actor, OPERATIONS["journal-recreation"], OneStoreArguments(id=found.pk))


@group.post("/stores/{int:storeId}/index-rebuild", admit=store, status=202)
def store_rebuild_index(actor: Actor, found: Store) -> Created[TaskAnswer]:
    """Build the search index anew, as a task; the old one answers meanwhile."""
    return _task(actor, OPERATIONS["index-rebuild"], OneStoreArguments(id=found.pk))


@group.post("/stores/{int:storeId}/upgrade", admit=store, status=202)
def store_upgrade(actor: Actor, found: Store) -> Created[TaskAnswer]:
    """Bring a store to the newest format, as a task."""
    return _task(actor, OPERATIONS["upgrade"], OneStoreArguments(id=found.pk))


@group.post("/stores/{int:storeId}/sealing", admit=store, status=202)
def store_seal(actor: Actor, found: Store) -> Created[TaskAnswer]:
    """Move sealed packs of a store in PostgreSQL to their folder or bucket, as a task."""
    return _task(actor, OPERATIONS["sealing"], OneStoreArguments(id=found.pk))


@group.post("/stores/{int:storeId}/merge", admit=store, status=202)
def store_merge(actor: Actor, found: Store, body: MergeBody) -> Created[TaskAnswer]:
    """Bring all messages of another store into this one, as a task; then the other one is switched off."""
    return _task(actor, "MergeStore", MergeArguments(found.pk, body.source_id))


@group.get("/store-indexes", admit=manage)
def index_list(actor: Actor) -> list[IndexAnswer]:
    """List the search indexes of the stores."""
    return [
        IndexAnswer(
            store_id=each.store.pk,
            path=str(each.store.index),
            documents=each.documents,
            size_bytes=each.size_bytes,
            lag=each.lag,
            is_selected=each.store.is_index_selected,
            error=each.problem or None,
        )
        for each in indexes.list_indexes(actor)
    ]


@group.get("/stores/auto-creation", admit=manage)
def auto_creation(actor: Actor) -> AutoCreation:
    """Read when a new store is made by itself."""
    return _configuration(autocreate.get_configuration(actor))


@group.patch("/stores/auto-creation", admit=manage)
def auto_creation_change(actor: Actor, body: AutoCreationUpdate) -> AutoCreation:
    """Set when a new store is made by itself; what isn't named stays."""
    given = body.model_dump(by_alias=True, exclude_unset=True)
    return _configuration(autocreate.set_configuration(actor, given))


def _configuration(found: dict[str, Any]) -> AutoCreation:
    return AutoCreation(
        size_threshold=found["sizeThreshold"],
        database_base_directory=found["databaseBaseDirectory"],
        content_base_directory=found["contentBaseDirectory"],
        index_base_directory=found["indexBaseDirectory"],
    )
