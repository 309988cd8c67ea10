"""Where stores may lie on this machine: below configured roots, after resolving links, and never inside each other.

POSTKEEP_STORE_ROOTS names the roots (separated like PATH), else it is HOME/stores; catalogues and indexes may also lie
below HOME/work. The same for everybody, the shell included: the service must reach what it is given.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from django.utils.text import slugify
from django.utils.translation import gettext as _

from archive.errors import StoreRefused
from archive.models import Store
from config.kit import paths


@dataclass(frozen=True, slots=True)
class Place:
    """Folders as people name them; empty = chosen by us. A relative one is meant below the first root."""

    content: str = ""
    database: str = ""
    index: str = ""


def store_roots() -> list[Path]:
    configured = [each for each in os.environ.get("POSTKEEP_STORE_ROOTS", "").split(os.pathsep) if each]
    return [Path(each) for each in configured] or [paths.stores_dir()]


def work_roots() -> list[Path]:
    return [*store_roots(), paths.work_dir()]


def check_content(text: str, *, known: Store | None = None) -> Path:
    """The folder of a store's content. Raises: StoreRefused."""
    path = _inside(text, store_roots(), "content_path")
    for other in Store.objects.filter(detached_at=None):
        if known is None or other.pk != known.pk:
            _require_apart(path, other, "content_path")
    return path


def check_work(text: str, field: str, *, known: Store | None = None) -> str:
    """The folder of a catalogue or an index; empty stays empty. Raises: StoreRefused."""
    if not text.strip():
        return ""
    path = _inside(text, work_roots(), field)
    for other in Store.objects.filter(detached_at=None):
        if known is None or other.pk != known.pk:
            _require_apart(path, other, field)
    return str(path)


def _inside(text: str, roots: list[Path], field: str) -> Path:
    if not text.strip() or "\x00" in text:
        raise StoreRefused(_("Name a folder."), field=field)
    path = roots[0] / text.strip()
    try:
        real = path.resolve(strict=False)
        allowed = [root.resolve() for root in roots]
    except (OSError, RuntimeError, ValueError) as error:
        raise StoreRefused(_("“%(path)s” is no usable path.") % {"path": text}, field=field) from error
    if not any(root in real.parents for root in allowed):
        where = ", ".join(str(root) for root in roots)
        said = {"path": text, "roots": where}
        raise StoreRefused(_("“%(path)s” is not below the folders for stores (%(roots)s).") % said, field=field)
    return real


def _require_apart(path: Path, other: Store, field: str) -> None:
    for taken in {other.root.resolve(), other.work.resolve(), other.index.resolve()}:
        if path == taken or path in taken.parents or taken in path.parents:
            said = {"path": path, "name": other.name}
            raise StoreRefused(_("“%(path)s” is taken by the store “%(name)s”.") % said, field=field)


def kept_as(path: Path) -> str:
    """How a content folder is kept: below the stores folder as a name, so that HOME can move; else whole."""
    home = paths.stores_dir().resolve()
    return str(path.relative_to(home)) if home in path.parents else str(path)


def free_folder(name: str, base: Path | None = None) -> Path:
    """A folder nobody has, in the database or on disk, below a base (else the stores folder)."""
    base = (base or paths.stores_dir()).resolve()
    stem = slugify(name)[:40] or "store"
    taken = {store.root.resolve() for store in Store.objects.all()}
    candidates = (base / stem, *(base / f"{stem}-{n}" for n in range(2, 10_000)))
    return next(each for each in candidates if each not in taken and not each.exists())
