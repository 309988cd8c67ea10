"""Making stores, and the current one of everybody or of a customer.

Not for changing one (`store_changes`), attaching one (`attaching`), its upkeep (`maintenance`) or keys (`keys`), nor
for what happens inside a store: that is the engine's (`archive.store`).
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from pathlib import Path

from django.db import connection, transaction
from django.utils.translation import gettext as _

from accounts import audit
from accounts.actors import Actor
from accounts.permissions import Right
from archive import engines
from archive.errors import BadArguments, StoreProtected, StoreRefused, StoreUnavailable, StoreUnknown
from archive.models import Store, StoreState
from archive.services.store_places import Place, columns_for, require_objects_there
from archive.store.errors import StoreError, WrongFormat
from config.kit import secrets
from domains.models import Customer, Mailbox

FIRST_NAME = "Main"
_LOCK = 0x706B_0001  # pg_advisory_xact_lock: one maker of stores at a time


@dataclass(frozen=True, slots=True)
class NewStore:
    """What is asked for: a name, where it lies, whose mail it takes, and whether it becomes the current one."""

    name: str
    place: Place = field(default_factory=Place)
    customer: Customer | None = None
    state: str = ""


def current_store(actor: Actor, mailbox: Mailbox | None = None) -> Store:
    """The store a mailbox's new mail goes to: its customer's current one; everybody's where they have none.

    The first one, “Main”, is made on first use. Needs no right: whoever may import makes it, unknowingly. Two first
    importers at once get the same one. Raises: StoreProtected (their own store takes no mail now: it waits, and never
    goes among everybody's).
    """
    if mailbox is not None and mailbox.customer_id is not None:
        own = _own_store(mailbox.customer_id)
        if own is not None:
            return own
    current = Store.objects.filter(state=StoreState.CURRENT, customer=None, detached_at=None)
    return current.first() or _make_first(actor)


def closed_store(customer_id: int) -> Store | None:
    """The store for which new mail of a customer waits: none of theirs is current, and this one is out of use.

    Stores of theirs that are all normal say that new mail goes to everybody's.
    """
    theirs = list(Store.objects.filter(customer=customer_id).select_related("customer").order_by("pk"))
    if any(store.state == StoreState.CURRENT and store.detached_at is None for store in theirs):
        return None
    closed = [store for store in theirs if store.state != StoreState.NORMAL or store.detached_at is not None]
    attached = [store for store in closed if store.detached_at is None]
    return next(reversed(attached or closed), None)


def _own_store(customer_id: int) -> Store | None:
    """The current store of a customer, or None where everybody's takes their mail. Raises: StoreProtected."""
    own = Store.objects.filter(customer=customer_id, state=StoreState.CURRENT, detached_at=None).first()
    closed = closed_store(customer_id) if own is None else None
    if closed is None:
        return own
    state = _("detached") if closed.detached_at is not None else closed.get_state_display().lower()
    said = {"customer": closed.customer, "name": closed.name, "state": state}
    text = _("New mail of %(customer)s waits: their store “%(name)s” is %(state)s. Make a store of theirs the current "
             "one.")  # fmt: skip
    raise StoreProtected(text % said)


def create_store(actor: Actor, *, name: str, wanted: NewStore | None = None) -> Store:
    """A new store; everybody's current one if there is none yet. Raises: Forbidden, StoreRefused, BadArguments."""
    actor.require(Right.MANAGE_STORES)
    wanted = wanted or NewStore(name)
    with transaction.atomic():
        lock_stores()
        require_free_name(name)
        return make_store(actor, NewStore(name, wanted.place, wanted.customer, wanted.state))


def store_for_import(actor: Actor, name: str | None, mailbox: Mailbox | None = None) -> Store:
    """The named store, made if there is none of that name; without a name the current one.

    Raises: Forbidden (another than the current needs the right), StoreUnknown (it is switched off), StoreProtected
    (or the customer's own takes nothing now), StoreRefused (it is bound to another customer).
    """
    if name is None:
        found = current_store(actor, mailbox)
    else:
        actor.require(Right.MANAGE_STORES)
        with transaction.atomic():
            lock_stores()
            known = Store.objects.filter(name=name, detached_at=None).first()
            found = known or make_store(actor, NewStore(name))
    if not found.is_open:
        raise StoreUnknown(_("The store “%(name)s” is switched off.") % {"name": found.name})
    if not found.is_writable:
        raise StoreProtected(_("The store “%(name)s” is write-protected.") % {"name": found.name})
    if mailbox is not None:
        require_takes(found, mailbox)
    return found


def require_takes(store: Store, mailbox: Mailbox) -> None:
    """A store of a customer takes mail of that customer's mailboxes only. Raises: StoreRefused."""
    if store.customer_id is not None and store.customer_id != mailbox.customer_id:
        said = {"name": store.name, "customer": store.customer, "address": mailbox.address}
        raise StoreRefused(
            _("The store “%(name)s” is for mail of %(customer)s only; %(address)s is none of theirs.") % said
        )


def clean_store_name(name: str) -> str:
    """A name as people write it, made tidy. Raises: BadArguments."""
    name = " ".join(name.split())
    if not 0 < len(name) <= 100 or not name.isprintable():
        raise BadArguments(_("a store's name has 1 to 100 printable characters"))
    return name


def require_free_name(name: str, *, known: Store | None = None) -> None:
    """Raises: StoreRefused, BadArguments."""
    taken = Store.objects.filter(name=clean_store_name(name), detached_at=None)
    if taken.exclude(pk=known.pk if known else 0).exists():
        raise StoreRefused(_("There is a store of that name already."), field="name")


def lock_stores() -> None:
    """One at a time makes stores or says which is current; held until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])


def _make_first(actor: Actor) -> Store:
    with transaction.atomic():
        lock_stores()
        known = Store.objects.filter(state=StoreState.CURRENT, customer=None, detached_at=None).first()
        return known or make_store(actor, NewStore(_free_name(FIRST_NAME), state=StoreState.CURRENT))


def make_store(actor: Actor, wanted: NewStore) -> Store:
    """Make row and store, inside a transaction that holds the lock; who may is the caller's to ask.

    After a crash before its commit an empty store is left where it was made, and not used.
    Raises: StoreRefused, StoreUnavailable.
    """
    name = clean_store_name(wanted.name)
    current = Store.objects.filter(state=StoreState.CURRENT, customer=wanted.customer, detached_at=None)
    state = wanted.state or (StoreState.NORMAL if current.exists() or wanted.customer else StoreState.CURRENT)
    if state == StoreState.CURRENT:
        current.update(state=StoreState.NORMAL)
    store = Store.objects.create(
        name=name, state=state, customer=wanted.customer, **columns_for(wanted.place, name, making=True)
    )
    store.identity = _make_on_ground(store)
    store.save(update_fields=["identity"])
    engines.mark_protected(store)
    audit.record(actor, "store.create", store, folder=store.shown, kind=str(store.kind), state=str(store.state))
    store.refresh_from_db()
    return store


def _make_on_ground(store: Store) -> str:
    there = store.is_folder and _is_taken(store.root)
    try:
        if store.is_folder:
            store.root.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        require_objects_there(store, making=True)
        return engines.make_on_ground(store)
    except WrongFormat as error:
        if store.is_folder:
            raise StoreRefused(_("Something lies in that folder already."), field="content_path") from error
        raise StoreRefused(_("There is a store in that schema already."), field="schema_name") from error
    except StoreError as error:
        if there:
            raise StoreRefused(_("Something lies in that folder already."), field="content_path") from error
        raise StoreUnavailable(f"the store can't be made in {store.shown}: {error}") from error
    except (secrets.SecretsError, OSError) as error:
        if store.is_folder and not there:
            shutil.rmtree(store.root, ignore_errors=True)
        raise StoreUnavailable(f"the store can't be made in {store.shown}: {error}") from error


def _is_taken(root: Path) -> bool:
    return root.is_dir() and any(root.iterdir())


def _free_name(name: str) -> str:
    """A first store is called Main even if somebody named one so and switched it off."""
    taken = set(Store.objects.filter(detached_at=None).values_list("name", flat=True))
    return next(each for each in (name, *(f"{name} {n}" for n in range(2, 10_000))) if each not in taken)
