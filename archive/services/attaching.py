"""Attaching a store that is there already, in a folder of this machine or in a database: one of ours that was detached,
a copy, or one from elsewhere.

First it is looked at in a place of its own: its journal is replayed and every message must have its bytes
(`archive.store.operations.attach`). A folder that was copied while it was written is refused with what is missing, or
taken with `recover`, which says what is lost. A store of another installation is locked until its recovery key opens it
(`unlock_store`); its mailboxes are then told apart by their addresses: those that are here get their mail, the others'
mail is kept under numbers that nobody here has. Until then nobody reads it (`Store.is_locked`), whatever key opens it.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from accounts import audit
from accounts.actors import Actor
from accounts.permissions import Right
from archive import engines, grounds
from archive import store as engine
from archive.errors import StoreRefused, StoreUnavailable
from archive.models import Store, StoreKind, StoreState
from archive.owners import ELSEWHERE, address_of, is_passing, label_of, owner_of, passing
from archive.services import retention_dates
from archive.services.store_changes import others_of, read_state, remove_catalogue, require_no_others
from archive.services.store_places import Place, columns_for, require_objects_there
from archive.services.stores import NewStore, closed_store, lock_stores, require_free_name
from archive.store.errors import Busy, Damaged, KeyRefused, StoreError, WrongFormat
from archive.store.keys import unwrap, unwrap_with_recovery
from archive.store.layout import read_head, read_whole
from archive.store.operations import attach, recover, unlock, upgrade
from archive.store.operations.report import Report
from archive.store.postgres.backend import PACK_BYTES
from archive.store.sqlite_catalogue import SqliteCatalogue
from config.kit import paths, secrets
from domains.models import Customer, Mailbox

Tell = Callable[[str], None]


@dataclass(slots=True)
class Found:
    """What lies in a folder: its identity and format, whether our keys open it, and by the replay what is in it."""

    identity: str
    format: int
    is_locked: bool = False
    known_as: str = ""
    report: Report | None = None
    mailboxes_here: int = 0
    mailboxes_elsewhere: list[str] = field(default_factory=list)
    problem: str = ""

    @property
    def numbers(self) -> dict[str, int]:
        return {} if self.report is None else self.report.numbers


@dataclass(frozen=True, slots=True)
class Attachment:
    """How a folder is to be attached: under which name, and whether what is damaged is recovered first."""

    wanted: NewStore
    recover: bool = False


def look_at(actor: Actor, place: Place, customer: Customer | None = None) -> Found:
    """What attaching a store would bring, for one customer or all; changes nothing that stays.

    Raises: Forbidden, StoreRefused.
    """
    actor.require(Right.MANAGE_STORES)
    there = Store(name="", **columns_for(place, "", making=False))
    found = _head(there)
    if found.is_locked:
        _require_tellable(customer)
        return found
    work, others = _place_to_look(found.identity), list[str]()
    try:
        with _looking(there, work, found.identity) as opened:
            found.report = attach.run(opened, attach.plan(opened))
            mapping = {} if found.known_as else owners_here(opened)
            found.mailboxes_here, found.mailboxes_elsewhere = _told_apart(opened, mapping)
            others = others_of(opened, customer, mapping) if customer is not None else []
            found.problem = found.report.problems[0].what if found.report.problems else ""
    except Damaged as error:
        found.problem = str(error)
    except (StoreError, OSError) as error:
        raise StoreRefused(str(error), field=_field(there)) from error
    finally:
        shutil.rmtree(work, ignore_errors=True)
    if customer is not None:
        require_no_others(others, customer)
    return found


def attach_store(actor: Actor, attachment: Attachment, *, tell: Tell = lambda text: None) -> Store:
    """Attach what lies there as a store. One that our keys don't open is attached locked, and waits for `unlock_store`.

    Raises: Forbidden, BadArguments, StoreRefused (its name, its place, what it lacks, or mail of others than the
    customer it is to be bound to), StoreUnavailable.
    """
    actor.require(Right.MANAGE_STORES)
    wanted = attachment.wanted
    require_free_name(wanted.name)
    columns = columns_for(wanted.place, wanted.name, making=False)
    there = Store(name=wanted.name, **columns)
    state = read_state(wanted.state or "normal")
    found = _head(there)
    if found.is_locked:
        _require_tellable(wanted.customer)
    require_objects_there(there)
    work = Path(there.work_path) if there.work_path else _place_to_look(found.identity)
    with _nothing_left(there, work, found.identity):
        if not found.is_locked:
            settling = _Settling(bool(found.known_as), wanted.customer, attachment.recover)
            _settle(there, work, settling, tell)
        store = _keep(actor, wanted, columns, state, found)
    if not store.work_path:
        shutil.rmtree(store.work, ignore_errors=True)
        if work.exists():
            work.rename(store.work)
    engines.close_store(store)
    engines.mark_protected(store)
    if wanted.customer is not None and closed_store(wanted.customer.pk) is not None:
        text = _("No store of %(customer)s is current now: their new mail waits.")
        tell(text % {"customer": wanted.customer})
    if not found.is_locked:
        retention_dates.begin_anew(store)
    return store


def unlock_store(actor: Actor, store: Store, *, passphrase: str, tell: Tell = lambda text: None) -> Store:
    """Open a store that came from elsewhere, by that installation's recovery key; from then on our keys open it.

    Raises: Forbidden, StoreRefused (mistyped, not this store's key, what it lacks, or others' mail).
    """
    actor.require(Right.MANAGE_STORES)
    try:
        private = secrets.parse_recovery_key(passphrase)
    except secrets.SecretsError as error:
        raise StoreRefused(_("This is not the recovery key of this store."), field="passphrase") from error
    open_by_recovery_key(store, private, tell=tell)
    audit.record(actor, "store.unlock", store)
    return store


def open_by_recovery_key(store: Store, private: bytes, *, tell: Tell = lambda text: None) -> None:
    """The same, for services that asked for the right. Raises: StoreRefused, StoreUnavailable."""
    try:
        with grounds.files_of(store) as files:
            key = unwrap_with_recovery(read_whole(files, "keys.json"), read_head(files).identity, private)
        if store.is_locked or engines.problem_of(store) or not store.is_open:
            tell_apart(store, key=key, tell=tell)
        with grounds.files_of(store) as files:
            unlock.run(files, engines.keys(), private)
    except KeyRefused as error:
        raise StoreRefused(_("This is not the recovery key of this store."), field="passphrase") from error
    except StoreError as error:
        raise StoreRefused(str(error)) from error
    _open_up(store)


def tell_apart(store: Store, *, key: bytes | None = None, tell: Tell = lambda text: None) -> None:
    """Look whether a store that waits is whole, and whose its mailboxes are here.

    key: the store's own, while ours don't open it.
    Raises: StoreRefused (what it lacks, or others' mail in a customer's), StoreUnavailable.
    """
    engines.close_store(store)
    (store.work / engine.PROTECTED).unlink(missing_ok=True)
    try:
        _settle(store, store.work, _Settling(not store.is_locked, store.customer, key=key), tell)
    finally:
        engines.mark_protected(store)


def open_with_own_keys(store: Store, *, tell: Tell = lambda text: None) -> None:
    """Let a store that waited be read, once our keys open it. Raises: StoreRefused, StoreUnavailable."""
    if store.is_locked:
        tell_apart(store, tell=tell)
        _open_up(store)


def _open_up(store: Store) -> None:
    if store.is_locked:
        store.is_locked = False
        store.save(update_fields=["is_locked"])
    engines.close_store(store)
    retention_dates.begin_anew(store)


def owners_here(opened: engine.Store) -> dict[int, int]:
    """Which number each mailbox of a foreign store gets here: that of its address, else one of nobody's.

    Never two the same: ownership isn't merged, so of two with one address the later one stays nobody's.
    """
    labels = opened.catalogue.mailboxes()
    numbers = sorted({folder.mailbox for folder in opened.folders()} | set(labels))
    addresses = {address_of(label) for label in labels.values()}
    here = _numbers_here(addresses)
    mapping: dict[int, int] = {}
    for number in reversed(numbers):  # the newest holder of an address is whom it means now
        own = here.pop(labels.get(number, ""), None)
        mapping[number] = own if own is not None else _elsewhere(number)
    while len(set(mapping.values())) < len(mapping):
        taken: set[int] = set()
        for number, new in mapping.items():
            mapping[number] = max(taken) + 1 if new in taken else new
            taken.add(mapping[number])
    return {old: new for old, new in sorted(mapping.items()) if old != new}


def _numbers_here(addresses: set[str]) -> dict[str, int]:
    """By the labels of archives and of passing copies: the numbers these have here."""
    found = Mailbox.objects.exclude(status="purged").filter(address__in=addresses).values_list("address", "pk")
    here = {}
    for address, pk in found:
        here[address] = pk
        here[label_of(passing(pk), address)] = passing(pk)
    return here


def _elsewhere(number: int) -> int:
    own = owner_of(number)
    own = own if own >= ELSEWHERE else ELSEWHERE + own
    return passing(own) if is_passing(number) else own


def _head(there: Store) -> Found:
    """Raises: StoreRefused (no store, in use, attached already, the database can't be reached)."""
    try:
        with grounds.files_of(there) as files:
            head = read_head(files)
            with files.lock("writer.lock", wait=False):
                pass
            found = Found(head.identity, head.format)
            _require_unknown(found, _field(there))
            try:
                unwrap(read_whole(files, "keys.json"), head.identity, engines.keys().master)
            except KeyRefused:
                found.is_locked = True
            except StoreError as error:
                text = _("Its keys can't be read: %(why)s") % {"why": error}
                raise StoreRefused(text, field=_field(there)) from error
    except Busy as error:
        raise StoreRefused(_("Somebody is writing to this store just now."), field=_field(there)) from error
    except (StoreError, secrets.SecretsError) as error:
        raise StoreRefused(str(error), field=_field(there)) from error
    return found


def _require_unknown(found: Found, field: str) -> None:
    """Raises: StoreRefused."""
    known = Store.objects.filter(identity=found.identity).first()
    if known is not None and known.detached_at is None:
        said = {"name": known.name}
        raise StoreRefused(_("This is the store “%(name)s”, or a copy of it.") % said, field=field)
    # One that was let go before it was unlocked is as foreign as it was.
    found.known_as = known.name if known is not None and not known.is_locked else ""


def _field(there: Store) -> str:
    """Which field of a form says where it lies."""
    return "content_path" if there.is_folder else "schema_name"


def _place_to_look(identity: str) -> Path:
    work = paths.work_dir() / f"attach-{identity}"
    shutil.rmtree(work, ignore_errors=True)
    return work


def _require_tellable(customer: Customer | None) -> None:
    """Raises: StoreRefused."""
    if customer is not None:
        text = _("Our keys don't open this store, so nobody can tell whose mail is in it. Attach it for everybody, "
                 "unlock it, and bind it to %(customer)s then.")  # fmt: skip
        raise StoreRefused(text % {"customer": customer}, field="customer")


@contextlib.contextmanager
def _nothing_left(there: Store, work: Path, identity: str) -> Iterator[None]:
    """What was made of a journal is plain text: it goes again when the store isn't attached after all."""
    try:
        yield
    except BaseException:
        if not Store.objects.filter(identity=identity, detached_at=None).exists():  # by somebody else meanwhile
            remove_catalogue(there)
        if not there.work_path:
            shutil.rmtree(work, ignore_errors=True)
        raise


@contextlib.contextmanager
def _looking(there: Store, work: Path, identity: str, key: bytes | None = None) -> Iterator[engine.Store]:
    """The store with a catalogue that is made of its journal here, also where there is one in its database.

    Raises: StoreError, SecretsError.
    """
    if there.is_folder:
        with engines.open_on_ground(there, work, key=key) as opened:
            yield opened
        return
    backend = grounds.database_backend(there)
    with contextlib.closing(backend):
        key = key or unwrap(read_whole(backend, "keys.json"), identity, engines.keys().master)
        work.mkdir(mode=0o700, parents=True, exist_ok=True)
        own = SqliteCatalogue(work / "looking")
        with engine.Store(backend, work, key, identity, pack_bytes=PACK_BYTES, catalogue=own) as opened:
            opened.refresh()
            yield opened


@dataclass(frozen=True, slots=True)
class _Settling:
    """What is known of a store that is looked at: whether its mailboxes are numbered as here, whose it is to be."""

    is_ours: bool
    customer: Customer | None = None
    recovering: bool = False
    key: bytes | None = None


def _settle(there: Store, work: Path, known: _Settling, tell: Tell) -> None:
    """Replay, look, recover if that is wanted, and tell its mailboxes apart. Raises: StoreRefused, StoreUnavailable."""
    try:
        repair = known.recovering or not there.is_folder
        with engines.open_on_ground(there, work, repair=repair, key=known.key) as opened:
            if known.recovering:
                report = recover.run(opened, recover.plan(opened))
                for note in report.notes:
                    tell(note)
                for problem in report.problems:
                    tell(f"{problem.what}: {problem.messages_total}")
            else:
                _require_whole(_compared(there, opened, known.key), _field(there))
            mapping = {} if known.is_ours else owners_here(opened)
            if known.customer is not None:
                require_no_others(others_of(opened, known.customer, mapping), known.customer)
            if mapping:
                if opened.format < 2:
                    upgrade.run(opened, upgrade.plan(opened))
                with opened.writer_lease():
                    opened.commit([["own", [[old, new] for old, new in mapping.items()]]])
                tell(f"mailboxes that have other numbers here: {len(mapping)}")
    except (Damaged, WrongFormat) as error:
        text = _("The store is damaged, or was copied while it was written: %(why)s") % {"why": error}
        raise StoreRefused(text, field=_field(there)) from error
    except (StoreError, secrets.SecretsError, OSError) as error:
        raise StoreUnavailable(str(error)) from error


def _compared(there: Store, opened: engine.Store, key: bytes | None) -> Report:
    """What the store lacks; a catalogue that lay in its database is replaced by one that is made of the journal."""
    if there.is_folder:
        return attach.run(opened, attach.plan(opened))
    own = opened.work / "own"
    try:
        with _looking(there, own, opened.identity, key) as looking:
            report = attach.run(looking, attach.plan(looking))
        if report.ok:
            with opened.writer_lease():
                opened.replace_catalogue(own / "looking")
    finally:
        shutil.rmtree(own, ignore_errors=True)
    return report


def _require_whole(report: Report, field: str) -> None:
    if report.ok:
        return
    lost = sum(problem.messages_total for problem in report.problems)
    said = {"why": f"{report.problems[0].where}: {report.problems[0].what}", "count": lost}
    text = _("The store lacks something, as one does that was copied while it was written: %(why)s. Messages "
             "concerned: %(count)d. Copy it again, or attach it with recovery, which says what is lost.")  # fmt: skip
    raise StoreRefused(text % said, field=field)


def _told_apart(opened: engine.Store, mapping: dict[int, int]) -> tuple[int, list[str]]:
    """(how many mailboxes are here, the addresses of those that aren't)."""
    labels = opened.catalogue.mailboxes()
    there = {folder.mailbox for folder in opened.folders()} | set(labels)
    numbers = {number for number in there if not is_passing(number)}
    after = {number: mapping.get(number, number) for number in numbers}
    ours = [owner_of(number) for number in after.values() if owner_of(number) < ELSEWHERE]
    here = set(Mailbox.objects.filter(pk__in=ours).values_list("pk", flat=True))
    elsewhere = sorted(labels.get(number, f"#{number}") for number, new in after.items() if owner_of(new) not in here)
    return len(numbers) - len(elsewhere), elsewhere


def _keep(actor: Actor, wanted: NewStore, columns: dict[str, Any], state: StoreState, found: Found) -> Store:
    with transaction.atomic():
        lock_stores()
        require_free_name(wanted.name)
        _require_unknown(found, "content_path" if columns["kind"] == StoreKind.FOLDER else "schema_name")
        values: dict[str, Any] = {
            "name": wanted.name, **columns, "state": state, "customer": wanted.customer, "detached_at": None,
            "is_locked": found.is_locked and not found.known_as, "figures": {}, "verified_at": None,
            "verified_ok": None, "verified_by": None,
        }  # fmt: skip
        if state == StoreState.CURRENT:
            current = Store.objects.filter(state=StoreState.CURRENT, customer=wanted.customer, detached_at=None)
            current.update(state=StoreState.NORMAL)
        store, _made = Store.objects.update_or_create(identity=found.identity, defaults=values)
        audit.record(
            actor, "store.attach", store, folder=store.shown, kind=str(store.kind), locked=found.is_locked,
            state=str(state),
        )  # fmt: skip
        store.refresh_from_db()
    return store
