"""Which version of Postkeep this is: what pyproject.toml says."""

from __future__ import annotations

import functools
import tomllib

from config.kit import paths


@functools.cache
def version() -> str:
    """That of the process, such as 0.1.0; "unknown" where the file isn't there."""
    return installed()


def installed() -> str:
    """That on the disk now: another one than `version` after an update, until the next start."""
    try:
        with (paths.BASE_DIR / "pyproject.toml").open("rb") as file:
            return str(tomllib.load(file)["project"]["version"])
    except (OSError, KeyError, tomllib.TOMLDecodeError):
        return "unknown"
