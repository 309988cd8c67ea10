"""Writes of lists of known passwords: taking an uploaded file, making it searchable, and removing it.

For who may change the server. A file is kept as it came until a task has made an index of it, beside the one that
counts; a file that POSTKEEP_BREACH_LIST names stays where it is and is only read.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import audit
from accounts.actors import Actor
from accounts.breach_list import indexing, lists
from accounts.breach_list.indexing import Made, NothingInIt
from accounts.errors import BadBreachList
from accounts.permissions import Right
from accounts.scopes import SERVER

MOST_BYTES = 1 << 30  # beyond that a path is the better way
ROOM = 4  # so many times a file's size are needed while it is indexed
NAME_MAX = 200


def take_upload(actor: Actor, pieces: Iterable[bytes], *, name: str) -> int:
    """Keep a file until it is indexed, in the place of one that waits; its size in bytes.

    pieces: the file, a piece at a time. Raises: Forbidden, BadBreachList (too large, empty, no room).
    """
    actor.require_writing()
    actor.require(Right.MANAGE_SERVER)
    lists.folder().mkdir(mode=0o700, parents=True, exist_ok=True)
    partial, size = lists.folder() / f"partial-{os.urandom(6).hex()}", 0
    try:
        with partial.open("wb") as file:
            for piece in pieces:
                size += len(piece)
                if size > MOST_BYTES:
                    raise BadBreachList(_("The file is larger than 1 GiB; name it by POSTKEEP_BREACH_LIST instead."))
                file.write(piece)
        if not size:
            raise BadBreachList(_("The file is empty."))
        _require_room(partial)
        about = {"name": _clean(name), "by": actor.label}
        lists.incoming_note().write_text(json.dumps(about))
        partial.replace(lists.incoming())
    except OSError as error:
        raise BadBreachList(_("The file can't be kept: %(why)s.") % {"why": error.strerror}) from error
    finally:
        partial.unlink(missing_ok=True)
    audit.record(actor, "breachlist.upload", SERVER, file=about["name"], bytes=size)
    return size


def index_lists(actor: Actor, *, progress: Callable[[int], None], stop: Callable[[], bool]) -> dict[str, Made]:
    """Make searchable what waits: the uploaded file, and the configured one where it has changed; by place.

    progress: told how many bytes of the file at hand were read. Raises: Forbidden, BadBreachList (nothing of a file
    could be used), Stopped, OSError.
    """
    actor.require_writing()
    actor.require(Right.MANAGE_SERVER)
    made: dict[str, Made] = {}
    lists.folder().mkdir(mode=0o700, parents=True, exist_ok=True)
    with _alone():
        return _index_all(actor, made, progress, stop)


def _index_all(
    actor: Actor, made: dict[str, Made], progress: Callable[[int], None], stop: Callable[[], bool]
) -> dict[str, Made]:
    about = lists.about_incoming()
    if lists.incoming().exists():  # out of the way of the next upload
        lists.incoming().replace(lists.taken())
    if lists.taken().exists():
        try:
            made[lists.UPLOADED] = _index(actor, lists.taken(), lists.UPLOADED, about, progress, stop)
        finally:
            if not stop():
                lists.taken().unlink(missing_ok=True)
    source = lists.configured()
    waiting = any(
        each.place == lists.CONFIGURED and each.problem in (lists.WAITS, lists.STALE) for each in lists.there()
    )
    if source is not None and waiting:
        _require_room(source)
        about = {"path": str(source), "fingerprint": lists.fingerprint(source)}
        made[lists.CONFIGURED] = _index(actor, source, lists.CONFIGURED, about, progress, stop)
    return made


def remove_upload(actor: Actor) -> bool:
    """Forget the uploaded list, and one that waits; False where there was none. Raises: Forbidden."""
    actor.require_writing()
    actor.require(Right.MANAGE_SERVER)
    index = lists.index_of(lists.UPLOADED)
    was = index.exists() or lists.waits()
    _drop_incoming()
    index.unlink(missing_ok=True)
    if was:
        audit.record(actor, "breachlist.remove", SERVER)
    return was


def _index(
    actor: Actor,
    source: Path,
    place: str,
    about: dict[str, object],
    progress: Callable[[int], None],
    stop: Callable[[], bool],
) -> Made:
    about = about | {"at": timezone.now().isoformat()}
    try:
        made = indexing.build(source, lists.index_of(place), about, progress=progress, stop=stop)
    except NothingInIt as error:
        raise BadBreachList(_("No line of the file is a SHA-1 hash or a word.")) from error
    audit.record(
        actor, "breachlist.index", SERVER,
        file=about.get("name") or about.get("path"), entries=made.entries, refused=made.refused,
    )  # fmt: skip
    return made


@contextmanager
def _alone() -> Iterator[None]:
    """One at a time on this node; the kernel frees the lock with the process. Raises: BadBreachList."""
    with (lists.folder() / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise BadBreachList(_("A list is being made searchable already; try again when that is done.")) from error
        yield


def _require_room(file: Path) -> None:
    """Raises: BadBreachList."""
    if shutil.disk_usage(lists.folder()).free < ROOM * file.stat().st_size:
        raise BadBreachList(_("There is too little room on the disk to make the file searchable."))


def _drop_incoming() -> None:
    lists.incoming().unlink(missing_ok=True)
    lists.taken().unlink(missing_ok=True)
    lists.incoming_note().unlink(missing_ok=True)


def _clean(name: str) -> str:
    """A file's name as people may read it: no path, nothing that can't be printed."""
    plain = "".join(sign for sign in name.replace("\\", "/").rsplit("/", 1)[-1] if sign.isprintable())
    return plain[:NAME_MAX] or "list"
