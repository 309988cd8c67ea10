"""Who gets in where: synchronisation with a directory."""

from __future__ import annotations

from accounts.models import Source
from accounts.permissions import Right
from domains.models import DirectoryRun, Domain
from tests.access import AnyRow, Args, Cast, in_domain
from tests.accounts.access import a_source_in


def a_run(cast: Cast, domain: Domain) -> Args:
    (key,) = a_source_in(cast, domain)
    source = Source.objects.get(pk=str(key))
    return (source.pk, DirectoryRun.objects.create(source=source).pk)


ROWS: list[AnyRow] = [
    in_domain("domains:source-sync", see=Right.MANAGE_SOURCES, args=a_source_in),
    in_domain(
        "domains:source-sync", 303, method="POST", see=Right.MANAGE_SOURCES, args=a_source_in, data={"mode": "try"}
    ),
    in_domain("domains:directory-run", see=Right.MANAGE_SOURCES, args=a_run),
]
