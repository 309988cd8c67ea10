"""Places on the server's disk that profiles may read and write: below configured folders, after resolving links."""

from __future__ import annotations

import os
from pathlib import Path

from django.utils.translation import gettext as _

from archive.errors import BadProfile
from archive.services.imports import import_roots
from archive.services.places import path_of
from config.kit import paths


def export_roots() -> list[Path]:
    """Folders that exporting profiles may write below: POSTKEEP_EXPORT_ROOTS, else HOME/exported."""
    configured = [each for each in os.environ.get("POSTKEEP_EXPORT_ROOTS", "").split(os.pathsep) if each]
    return [Path(each) for each in configured] or [paths.home() / "exported"]


def check_path(text: str, *, writes: bool = False) -> Path:
    """The path with its links resolved, when it lies below a root; it need not be there. Raises: BadProfile."""
    try:
        real = path_of(text).resolve(strict=False)
        roots = [root.resolve() for root in (export_roots() if writes else import_roots())]
    except (OSError, RuntimeError, ValueError) as error:
        raise BadProfile(_("“%(path)s” is no usable path.") % {"path": text}, field="path") from error
    if not path_of(text).is_absolute() or not any(real == root or root in real.parents for root in roots):
        where = ", ".join(str(root) for root in roots)
        raise BadProfile(
            _("“%(path)s” is outside the folders for this (%(roots)s).") % {"path": text, "roots": where}, field="path"
        )
    return real
