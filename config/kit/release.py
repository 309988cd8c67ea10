"""Which version of Postkeep this is: what pyproject.toml says."""

from __future__ import annotations

import functools
import tomllib

from config.kit import paths


@functools.cache
def version() -> str:
    """Such as 0.1.0; "unknown" where the file isn't there."""
    try:
        with (paths.BASE_DIR / "pyproject.toml").open("rb") as file:
            return str(tomllib.load(file)["project"]["version"])
    except (OSError, KeyError, tomllib.TOMLDecodeError):
        return "unknown"
