"""The commands that make, attach, change, list and detach stores, and the one about the master key."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.actors import Actor
from accounts.permissions import Right
from archive import storefacts
from archive.commands.store_places import PlaceArguments, objects_of, place_of, type_of
from archive.errors import StoreRefused
from archive.models import Store
from archive.selectors import get_store, list_stores
from archive.services import attaching, autocreate, keys, store_changes, stores
from archive.services.stores import NewStore
from domains.models import Customer
from jobs.commands import JsonObject, NoArguments, Secret, command
from jobs.dry_runs import Plan
from jobs.running import TaskRun

Result = dict[str, object]
NEEDS = Right.MANAGE_STORES


@dataclass(frozen=True, slots=True, kw_only=True)
class NewStoreArguments(PlaceArguments):
    """A new store: its name, where it lies, its state afterwards, and the customer it is bound to."""

    name: str
    requested_state: str | None = None
    customer: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachArguments(NewStoreArguments):
    """A folder or a schema that is a store already. recover: take it although it is damaged, and say what is lost."""

    recover: bool = False


def new_store(arguments: NewStoreArguments) -> NewStore:
    """Raises: StoreRefused."""
    state = store_changes.read_state(arguments.requested_state).value if arguments.requested_state else ""
    return NewStore(arguments.name, place_of(arguments), customer_named(arguments.customer), state)


def customer_named(name: str | None) -> Customer | None:
    """Raises: StoreRefused."""
    if not name:
        return None
    found = Customer.objects.filter(name=name).first()
    if found is None:
        raise StoreRefused(_("There is no customer “%(name)s”.") % {"name": name}, field="customer")
    return found


def told(store: Store, *, with_size: bool = False) -> Result:
    """A store as programs read it."""
    line = storefacts.store_line(store)
    shown: Result = {
        "id": store.pk,
        "name": store.name,
        "type": type_of(store),
        "requestedState": store_changes.state_name(store.state),
        "state": "error" if line.problem else store_changes.state_name(store.state),
        "error": line.problem or None,
        "contentPath": str(store.root) if store.is_folder else store.objects_path or None,
        "databasePath": str(store.work),
        "indexPath": str(store.index),
        "customer": store.customer.name if store.customer else None,
        "identity": store.identity,
        "messages": line.messages,
        "indexSelected": store.is_index_selected,
    }
    if not store.is_folder:
        shown |= {
            "database": store.database_shown, "schemaName": store.schema, "objects": objects_of(store),
            "objectsPlace": store.objects_shown,
        }  # fmt: skip
    return shown | {"rawBytes": line.raw_bytes, "sizeBytes": line.stored_bytes} if with_size else shown


@command("CreateStore", needs=NEEDS, arguments=NewStoreArguments, label=gettext_lazy("New store"))
def create_store(actor: Actor, run: TaskRun, arguments: NewStoreArguments) -> Result:
    """Make a new store and attach it."""
    return told(stores.create_store(actor, name=arguments.name, wanted=new_store(arguments)))


@command("AttachStore", needs=NEEDS, arguments=AttachArguments, label=gettext_lazy("Store attached"))
def attach_store(actor: Actor, run: TaskRun, arguments: AttachArguments) -> Result:
    """Attach a store that lies in a folder of this machine or in a database; nothing of it is taken on trust."""
    attachment = attaching.Attachment(new_store(arguments), arguments.recover)
    return told(attaching.attach_store(actor, attachment, tell=run.log))


@dataclass(frozen=True, slots=True)
class ListArguments:
    """Whether sizes are told too, which takes a look at every file."""

    include_size: bool = True


@command("GetStores", needs=NEEDS, arguments=ListArguments, label=gettext_lazy("List of stores"))
def get_stores(actor: Actor, run: TaskRun, arguments: ListArguments) -> Result:
    """List the stores with their state, and their size where that is wanted."""
    return {"stores": [told(store, with_size=arguments.include_size) for store in list_stores(actor)]}


@dataclass(frozen=True, slots=True)
class StoreIdArguments:
    """Which store."""

    id: int


@dataclass(frozen=True, slots=True)
class RenameArguments:
    """Which store, and its new name."""

    id: int
    name: str


@command("RenameStore", needs=NEEDS, arguments=RenameArguments, label=gettext_lazy("New name of a store"))
def rename_store(actor: Actor, run: TaskRun, arguments: RenameArguments) -> Result:
    """Give a store another name."""
    return told(store_changes.rename_store(actor, get_store(actor, arguments.id), name=arguments.name))


@dataclass(frozen=True, slots=True, kw_only=True)
class PropertiesArguments(PlaceArguments):
    """Which store, and where its parts lie now."""

    id: int


@command("SetStoreProperties", needs=NEEDS, arguments=PropertiesArguments, label=gettext_lazy("Place of a store"))
def set_store_properties(actor: Actor, run: TaskRun, arguments: PropertiesArguments) -> Result:
    """Say where a store's parts lie now; nothing is moved."""
    store = get_store(actor, arguments.id)
    return told(store_changes.set_place(actor, store, place_of(arguments, store)))


@dataclass(frozen=True, slots=True)
class StateArguments:
    """Which store, and which state: current, normal, writeProtected or disabled."""

    id: int
    requested_state: str = "normal"


@command("SetStoreRequestedState", needs=NEEDS, arguments=StateArguments, label=gettext_lazy("State of a store"))
def set_store_requested_state(actor: Actor, run: TaskRun, arguments: StateArguments) -> Result:
    """Make a store the current one, a normal one, write-protected, or switch it off."""
    return told(store_changes.set_state(actor, get_store(actor, arguments.id), arguments.requested_state))


@dataclass(frozen=True, slots=True)
class BindArguments:
    """Which store, and the name of the customer it is for; none: for everybody."""

    id: int
    customer: str | None = None


@command("BindStore", needs=NEEDS, arguments=BindArguments, label=gettext_lazy("Customer of a store"))
def bind_store(actor: Actor, run: TaskRun, arguments: BindArguments) -> Result:
    """Let a store take mail of one customer's mailboxes only, or of everybody's."""
    store = get_store(actor, arguments.id)
    return told(store_changes.bind_store(actor, store, customer_named(arguments.customer)))


def plan_detaching(actor: Actor, arguments: StoreIdArguments) -> Plan:
    store = get_store(actor, arguments.id)
    store_changes.require_detachable(store)
    line = storefacts.store_line(store)
    numbers = [(line.messages or 0, _("messages nobody finds any more")), (line.lag or 0, _("of them not indexed yet"))]
    shown = [(count, what) for count, what in numbers if count]
    return Plan(store.name, shown, None, _("What it holds stays where it is and can be attached again."))


@command(
    store_changes.DETACH,
    needs=NEEDS,
    arguments=StoreIdArguments,
    label=gettext_lazy("Detaching of a store"),
    two_people=plan_detaching,
)
def detach_store(actor: Actor, run: TaskRun, arguments: StoreIdArguments) -> Result:
    """Let a store go; its journal and packs stay as they are."""
    store = store_changes.detach_store(actor, get_store(actor, arguments.id), approved=run.approved)
    return {"id": store.pk, "name": store.name, "contentPath": store.shown}


@dataclass(frozen=True, slots=True)
class UnlockArguments:
    """Which store, and the recovery key of the installation it came from."""

    id: int
    passphrase: Secret


@command(
    "UnlockStore", needs=NEEDS, arguments=UnlockArguments, label=gettext_lazy("Unlocking of a store"), plannable=False
)
def unlock_store(actor: Actor, run: TaskRun, arguments: UnlockArguments) -> Result:
    """Open a store of another installation with that one's recovery key; from then on ours opens it."""
    store = get_store(actor, arguments.id)
    return told(attaching.unlock_store(actor, store, passphrase=arguments.passphrase, tell=run.log))


@command("RetryOpenStores", needs=NEEDS, arguments=NoArguments, label=gettext_lazy("Stores tried again"))
def retry_open_stores(actor: Actor, run: TaskRun, arguments: NoArguments) -> Result:
    """Try the stores again that could not be opened."""
    failed = store_changes.retry_open_stores(actor)
    return {"failed": [{"store": name, "error": why} for name, why in failed.items()]}


@command(
    "GetStoreAutoCreateConfiguration",
    needs=NEEDS,
    arguments=NoArguments,
    label=gettext_lazy("Automatic making of stores"),
)
def get_store_auto_create_configuration(actor: Actor, run: TaskRun, arguments: NoArguments) -> Result:
    """Read when a new store is made by itself, and where; the size is in bytes on disk."""
    return autocreate.get_configuration(actor)


@dataclass(frozen=True, slots=True)
class AutoCreateArguments:
    """The configuration, as GetStoreAutoCreateConfiguration gives it."""

    config: JsonObject


@command(
    "SetStoreAutoCreateConfiguration",
    needs=NEEDS,
    arguments=AutoCreateArguments,
    label=gettext_lazy("Automatic making of stores changed"),
)
def set_store_auto_create_configuration(actor: Actor, run: TaskRun, arguments: AutoCreateArguments) -> Result:
    """Set when a new store is made by itself, and where."""
    return autocreate.set_configuration(actor, arguments.config)


def plan_renewing(actor: Actor, arguments: NoArguments) -> Plan:
    numbers = keys.plan_renewal(actor)
    shown = [
        (numbers["stores"], _("stores whose keys are wrapped anew")),
        (numbers["secrets"], _("keys of stored secrets wrapped anew")),
        (numbers["detached"], _("detached stores that only their recovery key opens then")),
    ]
    return Plan(str(_("master key")), [(count, what) for count, what in shown if count])


@command(
    keys.RENEW,
    needs=Right.MANAGE_SERVER,
    arguments=NoArguments,
    label=gettext_lazy("Renewal of the master key"),
    two_people=plan_renewing,
    resumable=True,
)
def renew_master_key(actor: Actor, run: TaskRun, arguments: NoArguments) -> Result:
    """Give the installation another master key, under which all keys are wrapped anew."""
    return keys.renew_master_key(actor, approved=run.approved, tell=run.log)
