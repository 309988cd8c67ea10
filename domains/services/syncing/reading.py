"""A directory's entries in a temporary table, so that they are compared in sets and never held in memory.

`directory_entry` lives until `drop` or the end of the connection: the writes that follow are many transactions. `what`
says what becomes of an entry and is decided in `judging`; `here` and `home_id` are address and domain of the mailbox of
who is known; `goes_on`: made, and something is left to do as for who is known. Not for what entries mean
(`accounts.sources.entries`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from accounts.models import Source
from accounts.services.group_roles import describe, groups_that_count
from accounts.services.source_sign_in import directory_of
from accounts.sources.dn import folded
from accounts.sources.entries import Entry
from accounts.sources.ldap import Directory
from domains.services.importing import staging

_TABLE = """
CREATE TEMPORARY TABLE directory_entry (
    n serial PRIMARY KEY, subject text, digest bytea, dn text, local text, named text, others text[],
    text text NOT NULL DEFAULT '', domain_id bigint, name text, first_name text, last_name text, aliases text[],
    quota_bytes bigint, is_disabled boolean, groups text[], has_roles boolean, identity_id bigint, user_id bigint,
    mailbox_id bigint, here text NOT NULL DEFAULT '', home_id bigint, goes_on boolean NOT NULL DEFAULT false,
    what text NOT NULL DEFAULT '', reason text NOT NULL DEFAULT '')
"""
_COLUMNS = (
    "subject", "digest", "dn", "local", "named", "others", "name", "first_name", "last_name", "aliases", "quota_bytes",
    "is_disabled", "groups", "has_roles",
)  # fmt: skip


def make() -> None:
    """An empty table; one that an earlier run left goes."""
    drop()
    staging.execute(_TABLE)


def drop() -> None:
    staging.execute("DROP TABLE IF EXISTS directory_entry, directory_domain")


def read_all(source: Source, *, progress: Callable[[int], None], stop: Callable[[], None]) -> int:
    """Fill the table with everybody the directory has; how many.

    stop: called between pages; it raises to end. Raises: SourceUnavailable, SourceMisconfigured.
    """
    directory, count = directory_of(source), 0
    groups = _Groups(source, directory)
    for page in directory.everybody():
        stop()
        staging.copy("directory_entry", _COLUMNS, (groups.row(each) for each in page))
        count += len(page)
        progress(count)
    staging.execute("CREATE INDEX ON directory_entry (subject)", "ANALYZE directory_entry")
    return count


class _Groups:
    """The groups that give roles, and what somebody's come to."""

    def __init__(self, source: Source, directory: Directory) -> None:
        names = groups_that_count(source)
        self._by_folded: Mapping[str, str] = {folded(each): each for each in names}
        self._members = directory.members(names)
        self._roles = describe(source)

    def row(self, entry: Entry) -> Sequence[object]:
        groups = list(self._of(entry)) if self._by_folded else []
        roles = "|".join(self._roles[each] for each in groups)
        local, _at, domain = entry.address.rpartition("@")
        return (
            entry.id, entry.digest(roles), entry.dn, local, domain, list(entry.others), entry.name, entry.first_name,
            entry.last_name, list(entry.aliases), entry.quota_bytes, entry.is_disabled, groups, bool(groups),
        )  # fmt: skip

    def _of(self, entry: Entry) -> Iterable[str]:
        own = {folded(each) for each in entry.groups}
        return sorted({name for key, name in self._by_folded.items() if key in own} | self._members.groups_of(entry))
