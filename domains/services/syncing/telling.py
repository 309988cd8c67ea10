"""What a synchronisation did, or would do: numbers, and a list whose rows are kept aside until the run's end, so that a
dry run can take everything back but its list.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import closing

from django.utils.translation import gettext as _

from domains.models import DirectoryChange, DirectoryRun
from domains.services.importing import staging

BATCH = 2_000
SPOOLED_BYTES = 4 << 20
KINDS = ("create", "bind", "change", "move", "disable", "enable", "conflict")
NAMED = 1_000  # of those who are left alone, so many are named; the others are counted


class Telling:
    """Counts by kind, and the rows: (kind, address, detail)."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = dict.fromkeys((*KINDS, "same", "left", "elsewhere"), 0)
        self._rows = tempfile.SpooledTemporaryFile(max_size=SPOOLED_BYTES, mode="w+t", encoding="utf-8")  # noqa: SIM115

    def add(self, kind: str, address: str, detail: str = "") -> None:
        self.counts[kind] += 1
        self._note(kind, address, detail)

    def _note(self, kind: str, address: str, detail: str) -> None:
        self._rows.write(json.dumps([kind, address, detail]) + "\n")

    def note_made(self, first: int, last: int) -> None:
        """The entries of one batch that were made."""
        made = "SELECT text FROM directory_entry WHERE n BETWEEN %s AND %s AND what = 'create' ORDER BY n"
        for (address,) in staging.fetch(made, [first, last]):
            self.add("create", address)

    def note_threatened(self, addresses: Iterable[str]) -> None:
        """Named and not counted: those whom a run that stopped would have shut out."""
        for address in addresses:
            self._note("disable", address, _("would be"))

    def note_conflicts(self) -> None:
        """All of them at the end, and what was left alone: its numbers, and the first of them by name."""
        last = 0
        while rows := staging.fetch(
            "SELECT n, COALESCE(NULLIF(text, ''), NULLIF(local || '@' || named, '@'), dn), reason FROM directory_entry"
            " WHERE what = 'conflict' AND n > %s ORDER BY n LIMIT %s",
            [last, BATCH],
        ):
            for _n, address, reason in rows:
                self.add("conflict", address, reason)
            last = rows[-1][0]
        for what, count in staging.fetch(
            "SELECT what, count(*) FROM directory_entry WHERE what IN ('same', 'left', 'elsewhere') GROUP BY what"
        ):
            self.counts[what] = count
            if what != "same":
                for address, dn in staging.fetch(
                    "SELECT local || '@' || named, dn FROM directory_entry WHERE what = %s ORDER BY n LIMIT %s",
                    [what, NAMED],
                ):
                    self._note(what, address, dn)

    def keep(self, run: DirectoryRun) -> None:
        """Write the list beside its run."""
        self._rows.seek(0)
        with closing(self._rows):
            while batch := list(_some(self._rows, BATCH)):
                DirectoryChange.objects.bulk_create(
                    DirectoryChange(run=run, kind=kind, address=address[:320], detail=detail[:500])
                    for kind, address, detail in batch
                )


def _some(lines: Iterator[str], most: int) -> Iterator[list[str]]:
    for _number, line in zip(range(most), lines, strict=False):
        yield json.loads(line)
