"""Reads of the archive: every function takes the person and gives back only what they may see.

A user reads their own archive and the folders of others that were shared with them (`FolderGrant`). An administrator
also reads those they opened with a reason (`ArchiveAccess`). The console reads all. What somebody may not see does not
exist for them: MessageUnknown, ArchiveClosed, StoreUnknown, ExportGone, which the pages translate to 404.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Any
from uuid import UUID

from django.db.models import Count, QuerySet
from django.utils.translation import gettext as _

from accounts.actors import Actor
from accounts.addresses import parse_address
from accounts.errors import BadAddress, Forbidden
from accounts.models import AuditEvent, FolderGrant
from accounts.permissions import EndUserRight, Right
from archive import engines
from archive import store as engine
from archive.errors import ArchiveClosed, ExportGone, MessageUnknown, StoreUnavailable, StoreUnknown
from archive.models import ArchiveAccess, ArchiveRead, Export, Rejection, Store, StoreState
from archive.permissions import reads_everything
from archive.query.nodes import Node
from archive.store import Folder, Row
from archive.store.several import Part, Place, Wanted, search_several
from domains.models import Mailbox
from domains.selectors import mailbox_of
from jobs.models import Task

_MESSAGE_ID = re.compile(r"([1-9][0-9]{0,17}):([0-9]{1,18})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Archive:
    """One mailbox somebody may read, and why: it is their own, opened (`access`), or its folders are shared with them.

    grants: what was said of its folders for this person; of those that cover a folder the most specific one counts.
    """

    mailbox: Mailbox
    access: ArchiveAccess | None = None
    is_shared: bool = False
    grants: tuple[FolderGrant, ...] = ()

    @property
    def is_own(self) -> bool:
        return self.access is None and not self.is_shared

    @property
    def is_whole(self) -> bool:
        """Whether every folder of it may be read."""
        return not self.is_shared and all("read" in grant.privileges for grant in self.grants)

    def allows(self, path: str) -> bool:
        """Whether one folder may be read."""
        covering = [grant for grant in self.grants if grant.covers(path)]
        if not covering:
            return not self.is_shared
        return "read" in max(covering, key=lambda grant: len(grant.folder)).privileges

    def allowed(self, opened: engine.Store) -> dict[int, engine.Folder]:
        """The folders that may be read in one store, by number."""
        return {each.number: each for each in opened.folders(self.mailbox.pk) if self.allows(each.path)}


@dataclass(frozen=True, slots=True)
class Message:
    """One archived message as this person may see it."""

    store: Store
    engine: engine.Store
    row: Row
    archive: Archive | None  # None: the console
    folders: list[Folder]

    @property
    def public_id(self) -> str:
        return f"{self.store.pk}:{self.row.number}"


@dataclass(frozen=True, slots=True)
class Hit:
    """One line of a list."""

    store: Store
    row: engine.Row

    @property
    def public_id(self) -> str:
        return f"{self.store.pk}:{self.row.number}"

    @property
    def cursor(self) -> str:
        return f"{self.row.rank}.{self.store.pk}"


@dataclass(frozen=True, slots=True)
class Found:
    """One page of a search over all open stores: exact total, the lines, and whether there are more each way.

    `behind`: an index has not seen everything yet, so something may be missing. `missing`: stores that can't be opened
    just now; what they hold is neither found nor counted.
    """

    total: int
    milliseconds: float
    hits: list[Hit]
    newer: str = ""
    older: str = ""
    behind: bool = False
    missing: tuple[str, ...] = ()


# --- whose archive -----------------------------------------------------------------------------------------------


def readable_archives(actor: Actor) -> list[Archive]:
    """The person's own archive first, then folders shared with them, then archives opened to them just now.

    The console has none of its own; and none of their own has whose domain doesn't let its people read theirs.
    """
    if actor.user is None or not actor.may_read_mail:
        return []
    grants: dict[int, list[FolderGrant]] = {}
    for grant in FolderGrant.objects.filter(user=actor.user):
        grants.setdefault(grant.mailbox_id, []).append(grant)
    own = mailbox_of(actor.user)
    found = []
    if own is not None and actor.may(EndUserRight.SEARCH_ARCHIVE):
        found.append(Archive(own, grants=tuple(grants.get(own.pk, ()))))
    seen = {own.pk if own else 0}
    opened = _standing(actor).select_related("mailbox").order_by("mailbox__address", "-expires_at")
    accesses = [each for each in opened if actor.has(Right.READ_OTHERS_MAIL, each.mailbox)]
    reading = {each.mailbox_id for each in accesses}
    shared = [key for key, given in grants.items() if any("read" in each.privileges for each in given)]
    for mailbox in Mailbox.objects.filter(pk__in=shared).exclude(pk__in=seen | reading).order_by("address"):
        found.append(Archive(mailbox, is_shared=True, grants=tuple(grants[mailbox.pk])))
    for access in accesses:
        if access.mailbox_id not in seen:
            seen.add(access.mailbox_id)
            found.append(Archive(access.mailbox, access, grants=tuple(grants.get(access.mailbox_id, ()))))
    return found


def get_archive(actor: Actor, mailbox_id: int | None = None) -> Archive | None:
    """One readable archive; without a number the person's own (None when they have no mailbox yet).

    Raises: ArchiveClosed.
    """
    return choose_archive(readable_archives(actor), mailbox_id)


def choose_archive(archives: list[Archive], mailbox_id: int | None) -> Archive | None:
    """The same among those the caller has fetched. Raises: ArchiveClosed."""
    if mailbox_id is None:
        return next((each for each in archives if each.is_own), None)
    for each in archives:
        if each.mailbox.pk == mailbox_id:
            return each
    raise ArchiveClosed("this archive is not open to you")


def _standing(actor: Actor) -> QuerySet[ArchiveAccess]:
    """Accesses in force; none for somebody who has lost the right everywhere."""
    if actor.user is None or not actor.has_somewhere(Right.READ_OTHERS_MAIL):
        return ArchiveAccess.objects.none()
    return ArchiveAccess.objects.standing().filter(user=actor.user)


def list_accesses_to(actor: Actor) -> QuerySet[ArchiveAccess]:
    """Who opened the person's own archive, newest first, with the number of messages they read.

    Without those of which a case delays the notice still.
    """
    if actor.user is None or not actor.may_read_mail:  # it names what was read
        return ArchiveAccess.objects.none()
    own = ArchiveAccess.objects.noticed().filter(mailbox__user=actor.user)
    return own.select_related("user", "mailbox").annotate(read_count=Count("reads"))


def get_access_to(actor: Actor, access_id: int) -> ArchiveAccess:
    """One opening of the person's own archive. Raises: ArchiveClosed."""
    found = list_accesses_to(actor).filter(pk=access_id).first()
    if found is None:
        raise ArchiveClosed("no such access")
    return found


def list_reads(actor: Actor, access: ArchiveAccess) -> QuerySet[ArchiveRead]:
    """Which messages were opened under it; `access` comes from get_access_to."""
    return ArchiveRead.objects.filter(access=access).select_related("store")


def list_searches(actor: Actor, access: ArchiveAccess, *, limit: int = 100) -> list[str]:
    """What was searched for under it, newest first; results show pieces of messages that were never opened."""
    events = AuditEvent.objects.filter(
        object_type=Mailbox._meta.label_lower,
        object_id=str(access.mailbox_id),
        action="archive.search",
        actor=access.user,
        at__range=(access.created_at, access.ended_at),
    )
    queries = events.order_by("-pk").values_list("details__query", flat=True)
    return list(dict.fromkeys(str(query) for query in queries[:limit]))


def get_access(actor: Actor, access_id: int) -> ArchiveAccess:
    """One of the actor's own openings. Raises: ArchiveClosed."""
    found = ArchiveAccess.objects.filter(pk=access_id, user=actor.user).select_related("mailbox").first()
    if found is None or actor.user is None:
        raise ArchiveClosed("no such access")
    return found


# --- stores ------------------------------------------------------------------------------------------------------


def list_stores(actor: Actor) -> QuerySet[Store]:
    """Raises: Forbidden."""
    actor.require(Right.MANAGE_STORES)
    return Store.objects.filter(detached_at=None).select_related("customer").order_by("pk")


def get_store(actor: Actor, store_id: int) -> Store:
    """Raises: Forbidden, StoreUnknown."""
    actor.require(Right.MANAGE_STORES)
    found = Store.objects.filter(pk=store_id, detached_at=None).select_related("customer").first()
    if found is None:
        raise StoreUnknown(f"there is no store {store_id}")
    return found


def get_store_by_name(actor: Actor, name: str) -> Store:
    """Raises: Forbidden, StoreUnknown."""
    actor.require(Right.MANAGE_STORES)
    found = Store.objects.filter(name=name, detached_at=None).first()
    if found is None:
        raise StoreUnknown(f"there is no store named “{name}”")
    return found


def open_stores() -> list[Store]:
    """The stores that take part in search."""
    return list(Store.objects.filter(detached_at=None).exclude(state=StoreState.DISABLED).order_by("pk"))


def is_index_behind() -> bool:
    """Whether some store that can be opened has mail that its index has not seen, so that a search may miss it."""
    try:
        return any(opened.lag() > 0 for _store, opened in openable_stores(open_stores())[0])
    except StoreUnavailable:
        return False


def openable_stores(stores: list[Store]) -> tuple[list[tuple[Store, engine.Store]], list[str]]:
    """Those that can be opened, with their engines, and the names of those that can't just now.

    Raises: StoreUnavailable where none can.
    """
    opened, missing, why = [], [], None
    for store in stores:
        try:
            opened.append((store, engines.open_store(store)))
        except StoreUnavailable as error:
            missing.append(store.name)
            why = error
    if why is not None and not opened:
        raise why
    return opened, missing


# --- folders -----------------------------------------------------------------------------------------------------


def get_folder(actor: Actor, store_id: int, number: int) -> tuple[Archive, Store, engine.Folder]:
    """One folder of an archive this person may read. Raises: MessageUnknown."""
    store = Store.objects.filter(detached_at=None).exclude(state=StoreState.DISABLED).filter(pk=store_id).first()
    if store is not None:
        opened = engines.open_store(store)
        for archive in readable_archives(actor):
            folder = archive.allowed(opened).get(number)
            if folder is not None:
                return archive, store, folder
    raise MessageUnknown("no such folder")


# --- messages ----------------------------------------------------------------------------------------------------


def get_message(actor: Actor, public_id: str) -> Message:
    """One message by `<store>:<number>`. Raises: MessageUnknown (also when it is somebody else's)."""
    match = _MESSAGE_ID.fullmatch(public_id)
    if match is None:
        raise MessageUnknown(f"“{public_id}” is not a message id")
    store = Store.objects.filter(detached_at=None).exclude(state=StoreState.DISABLED).filter(pk=int(match[1])).first()
    if store is None:
        raise MessageUnknown("no such message")
    opened = engines.open_store(store)
    row = opened.row(int(match[2]))
    if row is None:
        raise MessageUnknown("no such message")
    archive = _reader(actor, opened, row)
    folders = {each.number: each for each in opened.folders(None)} if archive is None else archive.allowed(opened)
    return Message(store, opened, row, archive, [folders[f] for f, _ in row.placements if f in folders])


def _reader(actor: Actor, opened: engine.Store, row: engine.Row) -> Archive | None:
    """Through which of the person's archives they may read this; one's own before an opened one."""
    if reads_everything(actor):
        return None
    for archive in readable_archives(actor):
        placed = {folder for folder, mailbox in row.placements if mailbox == archive.mailbox.pk}
        if placed and (archive.is_whole or placed & archive.allowed(opened).keys()):
            return archive
    raise MessageUnknown("no such message")


# --- search ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Scope:
    """Where to search: `mailboxes` None = everything (the console), and possibly one folder of theirs, in every store.

    archive: whose folders may be read in part only; what can't be read is neither found nor counted.
    """

    mailboxes: frozenset[int] | None
    folder: str | None = None
    archive: Archive | None = None

    @classmethod
    def of(cls, archive: Archive, folder: str | None = None) -> Scope:
        """What may be read of one archive, or one folder of it."""
        return cls(frozenset([archive.mailbox.pk]), folder, None if archive.is_whole else archive)

    def folders_in(self, opened: engine.Store) -> set[int] | None:
        """The folders of a store to look into; None: all of the mailboxes."""
        wanted: set[int] | None = None
        if self.folder is not None:
            found = (opened.find_folder(mailbox, self.folder) for mailbox in self.mailboxes or ())
            wanted = {number for number in found if number is not None}
        if self.archive is None:
            return wanted
        allowed = set(self.archive.allowed(opened))
        return allowed if wanted is None else wanted & allowed


def search(
    scope: Scope,
    query: str | Node,
    *,
    limit: int = 50,
    before: str = "",
    after: str = "",
    offset: int = 0,
    order: str = "date",
    zone: tzinfo = UTC,
) -> Found:
    """One page of what matches, over all stores that are switched on.

    Newest first, `before`/`after` (cursors of lines) say where the page starts, in constant time; by relevance
    `offset` does. Raises: QueryError, StoreUnavailable.
    """
    stores, missing = openable_stores(open_stores())
    mailboxes = None if scope.mailboxes is None else set(scope.mailboxes)
    parts = [
        Part(store.pk, opened, folders)
        for store, opened in stores
        if (folders := scope.folders_in(opened)) is None or folders
    ]
    wanted = Wanted(limit, _place(before), _place(after), offset, order, zone)
    found = search_several(parts, query, mailboxes, wanted)
    by_key = {store.pk: store for store, _opened in stores}
    return Found(
        found.total,
        found.milliseconds,
        [Hit(by_key[key], row) for key, row in found.lines],
        newer=_cursor_of(found.newer),
        older=_cursor_of(found.older),
        behind=any(opened.lag() > 0 for _store, opened in stores),
        missing=tuple(missing),
    )


def _place(cursor: str) -> Place | None:
    """Where a page begins, from the cursor of a line. Raises: MessageUnknown."""
    if not cursor:
        return None
    match = re.fullmatch(r"([0-9]{1,20})\.([1-9][0-9]{0,17})", cursor, re.ASCII)
    if match is None:
        raise MessageUnknown("not a place in this list")
    return Place(int(match[1]), int(match[2]))


def _cursor_of(place: Place | None) -> str:
    return "" if place is None else f"{place.rank}.{place.key}"


def console_scope(actor: Actor, address: str | None) -> Scope:
    """Where the shell searches: one mailbox's archive, or everything. Raises: Forbidden, ArchiveClosed."""
    if not reads_everything(actor):
        raise Forbidden("searching all archives is for the shell")
    if address is None:
        return Scope(None)
    return Scope(frozenset([get_mailbox(address).pk]))


def get_mailbox(address: str) -> Mailbox:
    """A mailbox by what somebody typed; for callers who asked whether the actor may know. Raises: ArchiveClosed."""
    try:
        found = Mailbox.objects.exclude(status="purged").filter(address=str(parse_address(address))).first()
    except BadAddress as error:
        raise ArchiveClosed(str(error)) from error
    if found is None:
        raise ArchiveClosed(_("There is no mailbox “%(address)s”.") % {"address": address})
    return found


def describe(scope: Scope, hits: list[Hit]) -> list[dict[str, Any]]:
    """Lines as programs read them; `folder` is the path of the first placement in scope."""
    paths: dict[tuple[int, int], str] = {}
    for store in {hit.store.pk: hit.store for hit in hits}.values():
        opened = engines.open_store(store)
        for mailbox in scope.mailboxes if scope.mailboxes is not None else [None]:
            paths |= {(store.pk, each.number): each.path for each in opened.folders(mailbox)}
    return [_described(hit, paths) for hit in hits]


def _described(hit: Hit, paths: dict[tuple[int, int], str]) -> dict[str, Any]:
    row = hit.row
    placed = (paths.get((hit.store.pk, folder)) for folder, _ in row.placements)
    return {
        "id": hit.public_id,
        "date": datetime.fromtimestamp(row.date, UTC),
        "from": row.sender,
        "to": row.recipients,
        "subject": row.subject,
        "size_bytes": row.size,
        "folder": next((path for path in placed if path is not None), ""),
    }


def list_rejections(actor: Actor, task: Task) -> QuerySet[Rejection]:
    """What an import could not take; `task` comes from jobs' own selector, so the person may see it."""
    return Rejection.objects.filter(task=task).order_by("pk")


# --- exports -----------------------------------------------------------------------------------------------------


def list_exports(actor: Actor) -> QuerySet[Export]:
    """The person's own prepared downloads, newest first."""
    if not actor.may_read_mail:
        return Export.objects.none()
    return Export.objects.filter(user=actor.user, removed_at=None).select_related("mailbox").order_by("-created_at")


def get_export(actor: Actor, export_id: UUID) -> Export:
    """One of the person's own. Raises: ExportGone."""
    found = Export.objects.filter(pk=export_id, user=actor.user).select_related("mailbox").first()
    if found is None or actor.user is None or not actor.may_read_mail:
        raise ExportGone("no such export")
    return found


def get_download(actor: Actor, export_id: UUID) -> Export:
    """One of the person's own whose archive they may read now: what was prepared while another's archive stood open
    stays closed when that has ended. Raises: ExportGone, ArchiveClosed.
    """
    export = get_export(actor, export_id)
    if not export.available:
        raise ExportGone("the download has expired")
    if all(archive.mailbox != export.mailbox for archive in readable_archives(actor)):
        raise ArchiveClosed("the access has ended")
    return export
