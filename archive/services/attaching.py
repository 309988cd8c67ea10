"""Attaching a store folder that lies on this machine: one of ours that was detached, a copy, or one from elsewhere.

First it is looked at in a place of its own: its journal is replayed and every message must have its bytes
(`archive.store.operations.attach`). A folder that was copied while it was written is refused with what is missing, or
taken with `recover`, which says what is lost. A store of another installation is locked until its recovery key opens it
(`unlock_store`); its mailboxes are then told apart by their addresses: those that are here get their mail, the others'
mail is kept under numbers that nobody here has.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from accounts import audit
from accounts.actors import Actor
from accounts.permissions import Right
from archive import engines
from archive import store as engine
from archive.errors import StoreRefused, StoreUnavailable
from archive.models import Store, StoreState
from archive.services import retention_dates
from archive.services.store_changes import read_state
from archive.services.store_places import check_content, check_work, kept_as
from archive.services.stores import NewStore, closed_store, lock_stores, require_free_name
from archive.store.errors import Busy, Damaged, KeyRefused, StoreError, WrongFormat
from archive.store.keys import unwrap
from archive.store.layout import read_head
from archive.store.operations import attach, recover, unlock, upgrade
from archive.store.operations.report import Report
from config.kit import paths, secrets
from domains.models import Mailbox

# Numbers of mailboxes that are nobody's here; a mailbox's own number never comes near.
ELSEWHERE = 1 << 40
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


def look_at(actor: Actor, content: str) -> Found:
    """What attaching a folder would bring; changes nothing that stays. Raises: Forbidden, StoreRefused."""
    actor.require(Right.MANAGE_STORES)
    root = check_content(content)
    found = _head(root)
    if found.is_locked:
        return found
    work = _place_to_look(found.identity)
    try:
        with _open(root, work, repair=False) as opened:
            found.report = attach.run(opened, attach.plan(opened))
            mapping = {} if found.known_as else owners_here(opened)
            found.mailboxes_here, found.mailboxes_elsewhere = _told_apart(opened, mapping)
            found.problem = found.report.problems[0].what if found.report.problems else ""
    except Damaged as error:
        found.problem = str(error)
    except (StoreError, OSError) as error:
        raise StoreRefused(str(error), field="content_path") from error
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return found


def attach_store(actor: Actor, attachment: Attachment, *, tell: Tell = lambda text: None) -> Store:
    """Attach a folder as a store. One that our keys don't open is attached locked, and waits for `unlock_store`.

    Raises: Forbidden, BadArguments, StoreRefused (its name, its place, or what it lacks), StoreUnavailable.
    """
    actor.require(Right.MANAGE_STORES)
    wanted = attachment.wanted
    require_free_name(wanted.name)
    root = check_content(wanted.place.content)
    places = check_work(wanted.place.database, "database_path"), check_work(wanted.place.index, "index_path")
    state = read_state(wanted.state or "normal")
    found = _head(root)
    work = Path(places[0]) if places[0] else _place_to_look(found.identity)
    if not found.is_locked:
        _settle(root, work, is_ours=bool(found.known_as), recovering=attachment.recover, tell=tell)
    store = _keep(actor, wanted, root, places, state, found)
    if not places[0]:
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

    Raises: Forbidden, SecretsError (mistyped), StoreRefused (not this store's key, or what the folder lacks).
    """
    actor.require(Right.MANAGE_STORES)
    private = secrets.parse_recovery_key(passphrase)
    was_locked = bool(engines.problem_of(store)) or not store.is_open
    try:
        unlock.run(store.root, engines.keys(), private)
    except KeyRefused as error:
        raise StoreRefused(_("This is not the recovery key of this store."), field="passphrase") from error
    except StoreError as error:
        raise StoreRefused(str(error)) from error
    engines.close_store(store)
    if was_locked:
        (store.work / engine.PROTECTED).unlink(missing_ok=True)
        _settle(store.root, store.work, is_ours=False, recovering=False, tell=tell)
        engines.mark_protected(store)
        retention_dates.begin_anew(store)
    audit.record(actor, "store.unlock", store)
    return store


def owners_here(opened: engine.Store) -> dict[int, int]:
    """Which number each mailbox of a foreign store gets here: that of its address, else one of nobody's.

    Never two the same: ownership isn't merged, so of two with one address the later one stays nobody's.
    """
    labels = opened.catalogue.mailboxes()
    numbers = sorted({folder.mailbox for folder in opened.folders()} | set(labels))
    here = dict(
        Mailbox.objects.exclude(status="purged").filter(address__in=set(labels.values())).values_list("address", "pk")
    )
    mapping: dict[int, int] = {}
    for number in reversed(numbers):  # the newest holder of an address is whom it means now
        own = here.pop(labels.get(number, ""), None)
        mapping[number] = own if own is not None else number if number >= ELSEWHERE else ELSEWHERE + number
    while len(set(mapping.values())) < len(mapping):
        taken: set[int] = set()
        for number, new in mapping.items():
            mapping[number] = max(taken) + 1 if new in taken else new
            taken.add(mapping[number])
    return {old: new for old, new in sorted(mapping.items()) if old != new}


def _head(root: Path) -> Found:
    """Raises: StoreRefused (no store, in use, attached already)."""
    backend = engines.engine_folder(str(root))
    try:
        head = read_head(backend)
        with backend.lock("writer.lock", wait=False):
            pass
    except Busy as error:
        raise StoreRefused(_("Somebody is writing to this store just now."), field="content_path") from error
    except StoreError as error:
        raise StoreRefused(str(error), field="content_path") from error
    found = Found(head.identity, head.format)
    known = Store.objects.filter(identity=head.identity).first()
    if known is not None and known.detached_at is None:
        said = {"name": known.name}
        raise StoreRefused(_("This is the store “%(name)s”, or a copy of it.") % said, field="content_path")
    found.known_as = known.name if known is not None else ""
    try:
        unwrap((root / "keys.json").read_bytes(), head.identity, engines.keys().master)
    except KeyRefused:
        found.is_locked = True
    except (StoreError, OSError) as error:
        raise StoreRefused(_("Its keys can't be read: %(why)s") % {"why": error}, field="content_path") from error
    return found


def _place_to_look(identity: str) -> Path:
    work = paths.work_dir() / f"attach-{identity}"
    shutil.rmtree(work, ignore_errors=True)
    return work


def _open(root: Path, work: Path, *, repair: bool) -> engine.Store:
    return engine.Store.open(root, work, engines.keys(), repair=repair)


def _settle(root: Path, work: Path, *, is_ours: bool, recovering: bool, tell: Tell) -> None:
    """Replay, look, recover if that is wanted, and tell its mailboxes apart. Raises: StoreRefused, StoreUnavailable."""
    try:
        with _open(root, work, repair=recovering) as opened:
            if recovering:
                report = recover.run(opened, recover.plan(opened))
                for note in report.notes:
                    tell(note)
                for problem in report.problems:
                    tell(f"{problem.what}: {problem.messages_total}")
            else:
                _require_whole(attach.run(opened, attach.plan(opened)))
            mapping = {} if is_ours else owners_here(opened)
            if mapping:
                if opened.format < 2:
                    upgrade.run(opened, upgrade.plan(opened))
                with opened.writer_lease():
                    opened.commit([["own", [[old, new] for old, new in mapping.items()]]])
                tell(f"mailboxes that have other numbers here: {len(mapping)}")
    except (Damaged, WrongFormat) as error:
        text = _("The folder is damaged, or was copied while it was written: %(why)s") % {"why": error}
        raise StoreRefused(text, field="content_path") from error
    except (StoreError, secrets.SecretsError, OSError) as error:
        raise StoreUnavailable(str(error)) from error


def _require_whole(report: Report) -> None:
    if report.ok:
        return
    lost = sum(problem.messages_total for problem in report.problems)
    said = {"why": f"{report.problems[0].where}: {report.problems[0].what}", "count": lost}
    text = _("The folder lacks something, as one does that was copied while it was written: %(why)s. Messages "
             "concerned: %(count)d. Copy it again, or attach it with recovery, which says what is lost.")  # fmt: skip
    raise StoreRefused(text % said, field="content_path")


def _told_apart(opened: engine.Store, mapping: dict[int, int]) -> tuple[int, list[str]]:
    """(how many mailboxes are here, the addresses of those that aren't)."""
    labels = opened.catalogue.mailboxes()
    numbers = {folder.mailbox for folder in opened.folders()} | set(labels)
    after = {number: mapping.get(number, number) for number in numbers}
    ours = [number for number in after.values() if number < ELSEWHERE]
    here = set(Mailbox.objects.filter(pk__in=ours).values_list("pk", flat=True))
    elsewhere = sorted(labels.get(number, f"#{number}") for number, new in after.items() if new not in here)
    return len(numbers) - len(elsewhere), elsewhere


def _keep(
    actor: Actor, wanted: NewStore, root: Path, places: tuple[str, str], state: StoreState, found: Found
) -> Store:
    with transaction.atomic():
        lock_stores()
        require_free_name(wanted.name)
        values: dict[str, Any] = {
            "name": wanted.name, "path": kept_as(root), "work_path": places[0], "index_path": places[1],
            "state": state, "customer": wanted.customer, "detached_at": None, "figures": {}, "verified_at": None,
            "verified_ok": None, "verified_by": None,
        }  # fmt: skip
        if state == StoreState.CURRENT:
            current = Store.objects.filter(state=StoreState.CURRENT, customer=wanted.customer, detached_at=None)
            current.update(state=StoreState.NORMAL)
        store, _made = Store.objects.update_or_create(identity=found.identity, defaults=values)
        audit.record(actor, "store.attach", store, folder=str(root), locked=found.is_locked, state=str(state))
    return store
