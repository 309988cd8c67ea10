"""Whether what runs, what is installed and what the database has belong together.

Three things can differ: migrations that are installed and not applied, migrations that are applied and not installed
(an older version was put back), and a newer version on the disk than the one that this process has loaded.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.db import connection
from django.db.migrations.loader import MigrationLoader

from config.kit import release


@dataclass(frozen=True, slots=True)
class AppSchema:
    """An app's place in the database. applied: its newest migration there; installed: its newest one in the code."""

    app: str
    applied: str
    installed: str
    count: int


@dataclass(frozen=True, slots=True)
class State:
    """missing: installed and not applied; unknown: applied and not installed; both as `app.name`."""

    running: str
    installed: str
    schema: list[AppSchema]
    missing: list[str]
    unknown: list[str]

    @property
    def needs_restart(self) -> bool:
        """The next start loads what is installed, and applies what is missing."""
        return self.running != self.installed or bool(self.missing)

    @property
    def is_well(self) -> bool:
        return not self.needs_restart and not self.unknown


def look() -> State:
    """One query. Raises: DatabaseError."""
    loader = MigrationLoader(connection, ignore_no_migrations=True)
    installed, applied = set(loader.disk_migrations or ()), set(loader.applied_migrations)
    apps = sorted({app for app, _name in installed | applied})
    replaced = {key for each in (loader.disk_migrations or {}).values() for key in each.replaces}
    return State(
        running=release.version(),
        installed=release.installed(),
        schema=[_schema(app, installed, applied) for app in apps],
        missing=sorted(f"{app}.{name}" for app, name in installed - applied),
        unknown=sorted(f"{app}.{name}" for app, name in applied - installed - replaced),
    )


def _schema(app: str, installed: set[tuple[str, str]], applied: set[tuple[str, str]]) -> AppSchema:
    there, here = ([name for each, name in some if each == app] for some in (applied, installed))
    return AppSchema(app, max(there, default=""), max(here, default=""), len(there))
