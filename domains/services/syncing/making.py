"""Mailboxes for people who are new in a directory, made in sets by what imports users from files.

What can't be (a limit, an address that somebody signs in with) becomes a conflict of its entry; the others are made.
Aliases that this can't make (taken, in another domain) are left to `changing`, which tries each and says what is wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.db import transaction

from accounts.actors import Actor
from accounts.models import Source, User
from accounts.services.group_roles import apply_groups
from domains.errors import DomainsError
from domains.models import Status
from domains.services.importing import staging
from domains.services.importing.results import ImportResult
from domains.services.importing.running import Job
from domains.services.importing.user_rows import UserRow
from domains.services.importing.users import USERS
from domains.services.syncing.judging import conflict
from domains.services.syncing.telling import Telling

BATCH = 2_500
_NO_FILE = Path("/dev/null")
_HEADS = frozenset({"email", "name", "first_name", "last_name", "status", "quota_mb", "aliases"})


def make_new(actor: Actor, source: Source, telling: Telling, *, stop: Callable[[], None]) -> None:
    """Everybody who is to be made, some thousand in a transaction."""
    last = 0
    while True:
        stop()
        rows = staging.fetch(
            "SELECT n, local, split_part(text, '@', 2), name, first_name, last_name, aliases, quota_bytes, is_disabled"
            " FROM directory_entry WHERE what = 'create' AND n > %s ORDER BY n LIMIT %s",
            [last, BATCH],
        )
        if not rows:
            return
        last = rows[-1][0]
        _make_what_can_be(actor, source, rows)
        telling.note_made(rows[0][0], last)
        _give_roles(source, rows[0][0], last)


def _make_what_can_be(actor: Actor, source: Source, rows: list[tuple[Any, ...]]) -> None:
    """All of them at once, else by halves: what can't be (no room for a quota in a domain) keeps nobody else out."""
    try:
        with transaction.atomic():
            _make(actor, source, rows)
    except DomainsError as error:
        if len(rows) == 1:
            conflict(rows[0][0], str(error))
            return
        half = len(rows) // 2
        _make_what_can_be(actor, source, rows[:half])
        _make_what_can_be(actor, source, rows[half:])


def _make(actor: Actor, source: Source, rows: list[tuple[Any, ...]]) -> None:
    job = Job(actor, _NO_FILE, _HEADS, ImportResult(kind="users"))
    USERS.make_tables()
    USERS.stage([_user_row(*row) for row in rows])
    staging.index_lines("import_alias")
    staging.execute("CREATE INDEX ON import_alias (local)")
    staging.analyze("import_row", "import_alias")
    staging.execute(_FREE_ALIASES)
    USERS.judge(job)
    staging.execute(
        "UPDATE directory_entry SET what = 'conflict', reason = left(r.reason, 500) FROM import_row r"
        " WHERE r.line = n AND r.wrong <> ''",
        "DELETE FROM import_alias WHERE line IN (SELECT line FROM import_row WHERE wrong <> '')",
        "DELETE FROM import_row WHERE wrong <> ''",
    )
    if staging.fetch("SELECT 1 FROM import_row LIMIT 1"):
        staging.execute(
            "UPDATE import_row r SET distinguished_name = left(e.dn, 500) FROM directory_entry e WHERE e.n = r.line"
        )
        USERS.count(job)
        USERS.write(job)
        staging.execute(_BIND, source=source.pk)


def _user_row(
    n: int,
    local: str,
    domain: str,
    name: str,
    first_name: str,
    last_name: str,
    aliases: list[str],
    quota_bytes: int | None,
    is_disabled: bool,
) -> UserRow:
    own = [each.rpartition("@")[0] for each in aliases if each.endswith(f"@{domain}")]
    status = Status.DISABLED if is_disabled else Status.ENABLED  # also where nobody can say
    return UserRow(n, local, domain, name, first_name, last_name, "", str(status), "", quota_bytes, "", own)


def _give_roles(source: Source, first: int, last: int) -> None:
    found = staging.fetch(
        "SELECT user_id, groups FROM directory_entry WHERE n BETWEEN %s AND %s AND what = 'create' AND has_roles"
        " AND user_id IS NOT NULL",
        [first, last],
    )
    people = User.objects.in_bulk([key for key, _groups in found])
    for key, groups in found:
        apply_groups(source, people[key], groups)


# An alias that is taken, stands twice, or is somebody's own address keeps nobody from being made.
_FREE_ALIASES = """
DELETE FROM import_alias i USING import_row r, domains_domainname d
WHERE r.line = i.line AND d.name = r.named AND (
    EXISTS (SELECT 1 FROM domains_address a WHERE a.domain_id = d.domain_id AND a.local = i.local)
    OR EXISTS (SELECT 1 FROM import_row o WHERE o.named = r.named AND o.local = i.local)
    OR EXISTS (SELECT 1 FROM directory_entry e WHERE e.domain_id = d.domain_id AND e.local = i.local)
    OR EXISTS (SELECT 1 FROM accounts_user u WHERE u.email = i.local || '@' || r.named)
    OR EXISTS (SELECT 1 FROM import_alias b JOIN import_row s ON s.line = b.line
               WHERE s.named = r.named AND b.local = i.local AND b.line < i.line))
"""
_BIND = """
WITH own AS (
    SELECT line, count(*) AS n, array_agg(i.local || '@' || r.named) AS texts
    FROM import_alias i JOIN import_row r USING (line) GROUP BY line
), made AS (
    UPDATE directory_entry e
    SET user_id = r.user_id, mailbox_id = r.mailbox_id, goes_on = cardinality(e.aliases) > COALESCE(own.n, 0)
    FROM import_row r LEFT JOIN own USING (line) WHERE r.line = e.n
    RETURNING e.subject, e.digest, e.is_disabled, e.user_id, e.goes_on, own.texts
)
INSERT INTO accounts_identity (source_id, subject, user_id, digest, shut, aliases, created_at)
SELECT %(source)s, m.subject, m.user_id, CASE WHEN m.goes_on THEN ''::bytea ELSE m.digest END,
       CASE WHEN m.is_disabled THEN 'disabled' ELSE '' END, COALESCE(m.texts, '{}'), now()
FROM made m
"""
