"""Importing mail: from a source on disk into one mailbox's archive, streaming, with a result that adds up.

The same code for the page's import (the worker runs it) and the shell's. Memory stays flat: messages go to the engine
one by one, outcomes are taken as they come, rejections go to the database and to a sink. Not for reading sources
(`archive.sources`) nor for keeping messages (`archive.store`).

Killed at any moment: what was acknowledged is there, a second run on the same source finds it as duplicates (I2).
"""

from __future__ import annotations

import contextlib
import os
import stat
import time
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast
from uuid import UUID

from django.utils.translation import gettext as _

from accounts import audit
from accounts.actors import Actor
from accounts.addresses import parse_address
from accounts.errors import BadAddress, Forbidden
from accounts.permissions import Right
from archive import engines, sources
from archive import store as engine
from archive.counting import Counter
from archive.errors import BadArguments, ImportIncomplete, PathRefused
from archive.models import KEPT_REJECTIONS, Rejection, Store, Upload, UploadState
from archive.permissions import require_import
from archive.services.autocreate import create_where_due
from archive.services.places import path_of
from archive.services.stores import clean_store_name, store_for_import
from archive.services.uploads import remove_upload, upload_paths
from archive.store.errors import Stopped
from config.kit import paths
from domains.errors import Invalid
from domains.models import Mailbox
from domains.services.mailboxes import ensure_mailbox, require_served
from jobs.running import TaskRun

DEFAULT_FOLDER = "Inbox"
MBOX_KINDS = ("rd", "o", "cl", "cl2")
_WRITE_REJECTIONS = 500

Item = dict[str, object]


@dataclass(frozen=True, slots=True)
class ImportArguments:
    """`paths` lie on the server; or `upload` names files sent before. `user` is the address whose archive grows."""

    user: str
    paths: list[str] = field(default_factory=list)
    upload: str | None = None
    folder: str | None = None
    store: str | None = None
    mbox: str = "rd"


# --- what may be imported ----------------------------------------------------------------------------------------


def import_roots() -> list[Path]:
    """Folders that imports asked for by a page may read: POSTKEEP_IMPORT_ROOTS, else HOME/import."""
    configured = [each for each in os.environ.get("POSTKEEP_IMPORT_ROOTS", "").split(os.pathsep) if each]
    return [Path(each) for each in configured] or [paths.home() / "import"]


def check_import(actor: Actor, arguments: ImportArguments) -> list[Path]:
    """What will be read, checked: rights first, then that every path is there and may be read.

    Raises: BadAddress, Forbidden, BadArguments, PathRefused.
    """
    address = parse_address(arguments.user)
    require_import(actor, arguments.user)
    try:
        require_served(actor, address)
    except Invalid as error:
        raise BadAddress(str(error)) from error
    if arguments.store is not None:
        actor.require(Right.MANAGE_STORES)
        clean_store_name(arguments.store)
    if arguments.mbox not in MBOX_KINDS:
        raise BadArguments(f"mbox is one of {', '.join(MBOX_KINDS)}")
    if arguments.folder is not None:
        clean_folder(arguments.folder)
    if arguments.upload is not None:
        return upload_paths(get_upload(actor, arguments.upload))
    if not arguments.paths:
        raise BadArguments(_("Name a file or a folder to import."))
    actor.require(Right.IMPORT_MAIL)
    return [_readable(_allowed(actor, each)) for each in arguments.paths]


def get_upload(actor: Actor, upload_id: str) -> Upload:
    """One's own upload whose files are still there. Raises: Forbidden, BadArguments."""
    found = Upload.objects.filter(pk=upload_id).first() if is_uuid(upload_id) else None
    if found is not None and actor.kind == "user" and found.user_id != getattr(actor.user, "pk", None):
        raise Forbidden("somebody else's upload")
    if found is None or found.state != UploadState.KEPT:
        raise BadArguments(_("The uploaded files are gone; send them again."))
    return found


def is_uuid(text: str) -> bool:
    """Whether a task's argument can be the key of an upload or an export."""
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def clean_folder(path: str) -> str:
    """A folder path as people write it, made tidy. Raises: BadArguments."""
    parts = [" ".join(part.split()) for part in path.split("/")]
    parts = [part for part in parts if part]
    if not parts or len(parts) > 32 or any(len(part) > 200 or not part.isprintable() for part in parts):
        raise BadArguments(_("A folder is one to 32 names, separated by “/”."))
    return "/".join(parts)


def _allowed(actor: Actor, text: str) -> Path:
    """The path, inside the configured roots after resolving links; the shell may read what its user may."""
    path = path_of(text)
    if actor.kind != "user":
        return path
    try:
        real = path.resolve(strict=False)
        roots = [root.resolve() for root in import_roots()]
    except (OSError, RuntimeError, ValueError) as error:
        raise PathRefused(_("“%(path)s” is no usable path.") % {"path": text}) from error
    if not any(real == root or root in real.parents for root in roots):
        where = ", ".join(str(root) for root in import_roots())
        raise PathRefused(
            _("“%(path)s” is outside the folders for imports (%(roots)s).") % {"path": text, "roots": where}
        )
    return real


def _readable(path: Path) -> Path:
    try:
        if path.is_dir():
            next(os.scandir(path), None)
        elif stat.S_ISREG(path.stat().st_mode):  # opening a pipe would wait for its writer; reading names it
            with path.open("rb"):
                pass
    except FileNotFoundError as error:
        raise PathRefused(_("“%(path)s” does not exist.") % {"path": path}) from error
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise PathRefused(_("“%(path)s” can't be read: %(why)s.") % {"path": path, "why": why}) from error
    return path


# --- the import --------------------------------------------------------------------------------------------------

_sink: ContextVar[Callable[[Item], None] | None] = ContextVar("rejections_sink", default=None)


@contextlib.contextmanager
def every_rejection_to(sink: Callable[[Item], None]) -> Iterator[None]:
    """While inside, an import in this thread hands every rejection to `sink` too; the database keeps 10,000."""
    token = _sink.set(sink)
    try:
        yield
    finally:
        _sink.reset(token)


@dataclass(slots=True)
class Tally:
    """What became of the source so far."""

    archived: int = 0
    duplicates: int = 0
    rejected: int = 0
    bytes: int = 0

    @property
    def seen(self) -> int:
        return self.archived + self.duplicates + self.rejected


def import_mail(actor: Actor, run: TaskRun, arguments: ImportArguments) -> dict[str, object]:
    """Archive every message of a source in one mailbox, and say what was skipped and why.

    Raises: Forbidden, BadArguments, PathRefused, BadAddress, StoreUnknown, StoreError, ImportIncomplete; Cancelled
    with the partial result.
    """
    started = time.monotonic()
    found = check_import(actor, arguments)
    if arguments.store is not None:
        store_for_import(actor, arguments.store)  # before a mailbox is made for nothing
    mailbox, created = ensure_mailbox(actor, arguments.user)
    create_where_due(Actor.system())
    store = store_for_import(actor, arguments.store, mailbox)
    created = created and mailbox.user is not None and not mailbox.user.has_usable_password()
    if created:
        run.log(f"{mailbox.address} is new: made without a password, can't sign in until invited")
    result = _Import(run, arguments, found, store, mailbox).run()
    result |= {"seconds": round(time.monotonic() - started, 3), "mailbox": mailbox.address, "mailbox_created": created}
    audit.record(
        actor,
        "mail.import",
        mailbox,
        archived=result["archived"],
        duplicates=result["duplicates"],
        rejected=result["rejected"],
    )
    if run.stopping() and result["source"] is None:
        raise run.cancelled(result)
    _require_complete(result)
    if arguments.upload is not None:
        remove_upload(get_upload(actor, arguments.upload))
    return result


def _require_complete(result: dict[str, object]) -> None:
    """Source = archived + duplicates + rejected, and all archived are found by the index; else say so loudly."""
    seen = sum(int(str(result[key])) for key in ("archived", "duplicates", "rejected"))
    if result["source"] != seen:
        text = f"the source holds {result['source']} messages by an independent count, but {seen} were seen"
    elif result["indexed"] != result["archived"]:
        text = f"{result['archived']} messages were archived, but the index finds {result['indexed']} of them"
    else:
        return
    error = ImportIncomplete(f"{text}; nothing is lost, but this import is not complete")
    error.result = result  # type: ignore[attr-defined]  # jobs keeps it with the failed task
    raise error


class _Import:
    """One run: the loop between source and engine, and its tally."""

    def __init__(
        self, run: TaskRun, arguments: ImportArguments, found: list[Path], store: Store, mailbox: Mailbox
    ) -> None:
        self._run = run
        self._mbox = arguments.mbox
        self._folder = None if arguments.folder is None else clean_folder(arguments.folder)
        self._paths = found
        self._store = store
        self._mailbox = mailbox
        self._prefixes = _shown_prefixes(arguments, found)
        self._tally = Tally()
        self._waiting: list[Rejection] = []
        self._total: int | None = None

    def run(self) -> dict[str, object]:
        opened = engines.open_writable(self._store)
        opened.mailbox(self._mailbox.pk, self._mailbox.address)
        self._run.progress(0, None, unit="bytes", note=_("Looking at the source"))
        self._total = sources.estimate(self._paths)
        ingest = engine.Ingest(opened, self._mailbox.pk, index="feed", stop=self._run.stopping)
        with Counter(self._paths, self._mbox) as counter:
            try:
                # Stopped: asked to end while waiting for the index; all that was taken is kept (I2).
                with contextlib.suppress(Stopped), ingest:
                    self._read(ingest)
                    self._progress(None, _("Indexing"))
            except Exception as error:
                self._take(ingest)
                error.result = self._result(None, 0)  # type: ignore[attr-defined]  # jobs keeps it with the failed task
                raise
            finally:
                self._take(ingest)
                self._keep_rejections(all_of_them=True)
            source = None if self._run.stopping() else self._count(counter)
        self._progress(None if source is None else self._total)
        return self._result(source, ingest.indexed)

    def _result(self, source: int | None, indexed: int) -> dict[str, object]:
        return {
            "task": self._run.task_id,
            "source": source,
            "archived": self._tally.archived,
            "duplicates": self._tally.duplicates,
            "rejected": self._tally.rejected,
            "indexed": indexed,
            "bytes": self._tally.bytes,
            "store": self._store.name,
        }

    def _read(self, ingest: engine.Ingest) -> None:
        spool = paths.uploads_dir() / "spool"
        spool.mkdir(mode=0o700, parents=True, exist_ok=True)
        for each in sources.read(
            self._paths, mbox=cast(sources.MboxKind, self._mbox), spool_dir=spool, stop=self._run.stopping
        ):
            if isinstance(each, sources.Rejected):
                self._reject(each.path, each.offset, each.reason)
            else:
                ingest.put(
                    self._folder or each.folder or DEFAULT_FOLDER,
                    content=each.content,
                    spool=each.spool,
                    received_at=each.received_at,
                )
            self._take(ingest)
            self._progress(each.consumed)

    def _count(self, counter: Counter) -> int | None:
        self._progress(None, _("Counting the source again"))
        return counter.result(self._run.stopping)

    def _take(self, ingest: engine.Ingest) -> None:
        for outcome in ingest.outcomes():
            self._tally.bytes += outcome.size
            if outcome.state == "archived":
                self._tally.archived += 1
            else:
                self._tally.duplicates += 1

    def _reject(self, path: str, offset: int | None, reason: str) -> None:
        for prefix in self._prefixes:
            path = path.removeprefix(prefix)
        self._tally.rejected += 1
        sink = _sink.get()
        if sink is not None:
            sink({"path": path, "offset": offset, "reason": reason})
        if self._tally.rejected <= KEPT_REJECTIONS:
            clean = (path.replace("\x00", "\N{REPLACEMENT CHARACTER}"), reason.replace("\x00", ""))
            self._waiting.append(Rejection(task_id=self._run.task_id, path=clean[0], offset=offset, reason=clean[1]))
        self._keep_rejections(all_of_them=False)

    def _keep_rejections(self, *, all_of_them: bool) -> None:
        if self._waiting and (all_of_them or len(self._waiting) >= _WRITE_REJECTIONS):
            Rejection.objects.bulk_create(self._waiting)
            self._waiting = []

    def _progress(self, done: int | None, note: str = "") -> None:
        tally = self._tally
        self._run.progress(
            done,
            self._total,
            "bytes",
            note,
            archived=tally.archived,
            duplicates=tally.duplicates,
            rejected=tally.rejected,
        )


def _shown_prefixes(arguments: ImportArguments, found: list[Path]) -> list[str]:
    """For an upload the result names files as the person does, not where they lie here."""
    if arguments.upload is None:
        return []
    return [f"{path.parent}/" for path in found]
