"""Catch-all addresses of domains from a CSV file. Columns: domain, catch_all (empty: unknown addresses are refused).

The same rules as in the form (`services.catch_alls`), over the whole file: what two rows say together may not go round
either.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from accounts.addresses import canonical_domain
from accounts.errors import BadAddress
from accounts.permissions import Right
from config.kit.csv_reading import CsvRow
from domains.services.importing import cells, staging, trail
from domains.services.importing.results import BadRow
from domains.services.importing.running import Importer, Job
from domains.services.importing.shared_judging import refuse_changes
from domains.services.importing.shared_writing import count
from domains.services.importing.staging import mark

COLUMNS: dict[str, Right | None] = dict.fromkeys(("domain", "catch_all"))


@dataclass(slots=True)
class CatchAllRow:
    """A row that can be read; without an address mail for unknown ones is refused."""

    line: int
    domain: str
    local: str = ""
    named: str = ""


def _read(row: CsvRow) -> CatchAllRow:
    """Raises: BadRow."""
    try:
        domain = canonical_domain(row["domain"])
    except BadAddress as error:
        raise BadRow("domain", str(error)) from error
    if not row["catch_all"]:
        return CatchAllRow(row.line, domain)
    return CatchAllRow(row.line, domain, *cells.address(row["catch_all"], "catch_all"))


def _make_tables() -> None:
    """catch_all: canonical, under the own name of its domain; target_domain: the domain of ours that it is in."""
    staging.make_tables(
        "catch_local text, catch_named text, catch_all text NOT NULL DEFAULT '', address_id bigint,"
        " target_domain bigint, is_new boolean NOT NULL DEFAULT false, differs text NOT NULL DEFAULT ''",
        import_member="line integer, came boolean",
        import_gone="line integer",
    )


def _stage(rows: Sequence[CatchAllRow]) -> None:
    staging.copy(
        "import_row",
        ("line", "local", "named", "catch_local", "catch_named"),
        ((r.line, "", r.domain, r.local, r.named) for r in rows),
    )


def _judge(job: Job) -> None:
    staging.analyze("import_row")
    staging.settle_domains(job.actor, Right.EDIT_DOMAINS, COLUMNS, job.heads, {}, column="domain")
    staging.execute("UPDATE import_row SET text = d.name FROM domains_domain d WHERE d.id = domain_id")
    mark(
        "domain",
        _("This domain stands in the file twice."),
        "line IN (SELECT line FROM (SELECT line, row_number() OVER (PARTITION BY domain_id ORDER BY line) AS n"
        " FROM import_row WHERE domain_id IS NOT NULL) AS seen WHERE n > 1)",
    )
    staging.execute(
        "UPDATE import_row SET catch_all = r.catch_local || '@' || COALESCE(d.name, r.catch_named),"
        " target_domain = d.id FROM import_row r LEFT JOIN (domains_domainname n JOIN domains_domain d"
        " ON d.id = n.domain_id AND d.status <> 'purged') ON n.name = r.catch_named"
        " WHERE r.line = import_row.line AND r.catch_local <> ''",
        "UPDATE import_row SET address_id = a.id FROM domains_address a WHERE a.text = catch_all",
        "UPDATE import_row SET differs = 'catch_all', is_new = d.catch_all = '' FROM domains_domain d"
        " WHERE d.id = domain_id AND d.catch_all <> import_row.catch_all",
    )
    _judge_targets(job)
    _judge_loops()
    refuse_changes(job)


def _judge_targets(job: Job) -> None:
    """An address of ours must be there; of domains that the actor may not see it isn't told whether it is."""
    seen, values = staging.within(job.actor.reach(Right.VIEW_DOMAINS), "d")
    mark(
        "catch_all",
        _("There is no %(address)s here. Make it first.") % {"address": "{address}"},
        "catch_all <> '' AND address_id IS NULL AND (target_domain = domain_id OR EXISTS (SELECT 1 FROM"
        " domains_domain d"
        f" WHERE d.id = target_domain AND {seen.replace('d.domain_id', 'd.id')}))",
        values,
    )
    staging.execute("UPDATE import_row SET reason = replace(reason, '{address}', catch_all) WHERE wrong <> ''")


def _judge_loops() -> None:
    """Mail for unknown addresses may not come back as such, with all that the file says in force.

    From each catch-all address through claims to the domains whose unknown addresses it reaches: one query. Then from
    domain to domain, which are few.
    """
    after = "(SELECT d.id, COALESCE(r.catch_all, d.catch_all) AS catch_all FROM domains_domain d"
    after += " LEFT JOIN import_row r ON r.domain_id = d.id AND r.wrong = '' WHERE d.status <> 'purged')"
    reached = staging.fetch(_WALK.format(after=after))
    leads: dict[int, set[int]] = {}
    for domain_id, target in reached:
        leads.setdefault(domain_id, set()).add(target)
    mine = [row[0] for row in staging.fetch("SELECT domain_id FROM import_row WHERE wrong = '' AND catch_all <> ''")]
    loops = [domain_id for domain_id in mine if _comes_back(leads, domain_id)]
    loop = _("%(address)s leads back to unknown addresses of %(domain)s, and mail would go round for ever.")
    mark("catch_all", loop % {"address": "{address}", "domain": "{domain}"}, "domain_id = ANY(%s)", [loops])
    staging.execute("UPDATE import_row SET reason = replace(reason, '{address}', catch_all) WHERE wrong <> ''")


def _comes_back(leads: dict[int, set[int]], start: int) -> bool:
    seen: set[int] = set()
    waiting = list(leads.get(start, ()))
    while waiting:
        each = waiting.pop()
        if each == start:
            return True
        if each not in seen:
            seen.add(each)
            waiting += leads.get(each, ())
    return False


def _write(job: Job) -> None:
    trail.record(job.actor, "domain.edit", _EDITED)
    staging.execute(
        "UPDATE domains_domain SET catch_all = r.catch_all, version = version + 1 FROM import_row r"
        " WHERE r.domain_id = domains_domain.id AND r.differs <> ''"
    )
    trail.record_import(job.actor, "catch_all.import", job.result)


CATCH_ALLS: Importer[CatchAllRow] = Importer(
    name="catch-alls",
    columns=COLUMNS,
    required=("domain", "catch_all"),
    require=lambda actor: actor.require_somewhere(Right.EDIT_DOMAINS),
    make_tables=_make_tables,
    read=_read,
    stage=_stage,
    judge=_judge,
    count=count,
    write=_write,
)

# (domain, domain whose unknown addresses its catch-all reaches through claims)
_WALK = """
WITH RECURSIVE after AS {after},
walk (start, email) AS (
    SELECT DISTINCT catch_all, catch_all FROM after WHERE catch_all <> ''
    UNION
    SELECT w.start, COALESCE(t.text, rc.email)
    FROM walk w JOIN domains_address a ON a.text = w.email JOIN domains_recipient rc ON rc.address_id = a.id
    LEFT JOIN domains_address t ON t.id = rc.target_id)
SELECT DISTINCT o.id, d.id FROM walk w
JOIN domains_domainname n ON n.name = substring(w.email FROM '[^@]*$')
JOIN domains_domain d ON d.id = n.domain_id AND d.status <> 'purged'
JOIN after o ON o.catch_all = w.start
WHERE NOT EXISTS (SELECT 1 FROM domains_address a WHERE a.domain_id = d.id
                  AND a.local = substring(w.email FROM '^(.*)@'))
"""
_EDITED = """
SELECT 'domains.domain', d.id, d.name, '{}'::jsonb,
       jsonb_build_object('catch_all', jsonb_build_array(d.catch_all, r.catch_all)), d.id, d.customer_id, NULL::bigint
FROM import_row r JOIN domains_domain d ON d.id = r.domain_id WHERE r.differs <> '' ORDER BY r.line
"""
