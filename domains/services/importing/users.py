"""Users from a CSV file: read (`user_rows`), judged (`user_judging`), made (`user_writing`)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from accounts.actors import Actor
from accounts.permissions import Right
from domains.services.importing import user_judging, user_writing
from domains.services.importing.results import ImportResult
from domains.services.importing.running import Importer, Progress, run_import
from domains.services.importing.user_rows import COLUMNS, REQUIRED, UserRow, read_row

USERS: Importer[UserRow] = Importer(
    name="users",
    columns=COLUMNS,
    required=REQUIRED,
    require=lambda actor: actor.require_somewhere(Right.MANAGE_USERS),
    make_tables=user_judging.make_tables,
    read=read_row,
    stage=user_judging.stage,
    judge=user_judging.judge,
    count=user_writing.count,
    write=user_writing.write,
    changes=False,
)


def import_users(
    actor: Actor,
    path: Path,
    *,
    dry_run: bool = False,
    invite: bool = False,
    progress: Progress = lambda _done, _note: None,
    stop: Callable[[], None] = lambda: None,
) -> ImportResult:
    """Make the users of a file; what is there already is refused. Raises: as `running.run_import`."""
    return run_import(USERS, actor, path, dry_run=dry_run, invite=invite, progress=progress, stop=stop)
