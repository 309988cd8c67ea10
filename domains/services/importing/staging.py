"""The rows of a file in temporary tables, and what only the database can say of them: asked in sets, never row by row.

`import_row` lives until the transaction ends. Each question marks the rows it refuses; the first that speaks about a
row counts. Which questions are asked of which kind of file is the kinds' own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db import connection
from django.utils.translation import gettext as _

from accounts.actors import Actor
from accounts.membership import beyond
from accounts.models import User
from accounts.permissions import Right
from accounts.scopes import Reach
from config.kit.versions import ChangedMeanwhile
from domains.models import Customer, Domain
from domains.services import broker_limits
from domains.services.importing.results import Refused

# text: the address under its domain's own name
_ROW = (
    "line integer PRIMARY KEY, local text, named text, text text, domain_id bigint, customer_id bigint,"
    " wrong text NOT NULL DEFAULT '', reason text NOT NULL DEFAULT ''"
)


def make_tables(columns: str = "", **others: str) -> None:
    """`import_row` with these columns more, and other tables by name. The texts are written here, never given."""
    tables = {"import_row": f"{_ROW}, {columns}" if columns else _ROW, **others}
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE IF EXISTS {', '.join(tables)}")
        for name, inside in tables.items():
            cursor.execute(f"CREATE TEMPORARY TABLE {name} ({inside}) ON COMMIT DROP")


def copy(table: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Put rows into one of the tables."""
    with connection.cursor() as cursor, cursor.copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN") as into:
        for row in rows:
            into.write_row(row)


def execute(*statements: str, **values: Any) -> None:
    """Run these one after the other, with the same values."""
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement, values or None)


def update(statement: str, values: Sequence[Any]) -> None:
    """Run one statement with values by their place."""
    with connection.cursor() as cursor:
        cursor.execute(statement, list(values))


def fetch(statement: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, list(values) or None)
        return list(cursor.fetchall())


def analyze(*tables: str) -> None:
    """The planner knows nothing of tables that were filled a moment ago."""
    execute(*(f"ANALYZE {table}" for table in tables))


def index_lines(*tables: str) -> None:
    """Rows of these are looked for by their line."""
    execute(*(f"CREATE INDEX ON {table} (line)" for table in tables))


def mark(column: str, reason: str, where: str, values: Sequence[Any] = ()) -> None:
    """Refuse the rows for which `where` holds and that nothing refused before.

    In the reason {} is the row's address and {domain} the domain as it stands in the file. `where` is written here.
    """
    statement = (
        "UPDATE import_row SET wrong = %s, reason = replace(replace(%s, '{}', COALESCE(text, '')), '{domain}', named)"
        f" WHERE wrong = '' AND {where}"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, [column, reason, *values])


def refused(limit: int) -> list[Refused]:
    rows = fetch("SELECT line, wrong, reason FROM import_row WHERE wrong <> '' ORDER BY line LIMIT %s", [limit])
    return [Refused(*row) for row in rows]


def count_refused() -> int:
    return int(fetch("SELECT count(*) FROM import_row WHERE wrong <> ''")[0][0])


def domains_named() -> list[int]:
    """The domains that rows are for, in one order for locks."""
    return [row[0] for row in fetch("SELECT DISTINCT domain_id FROM import_row WHERE domain_id IS NOT NULL ORDER BY 1")]


def within(reach: Reach, alias: str = "") -> tuple[str, list[Any]]:
    """A condition on `domain_id` and `customer_id` (of a table's alias), true or false and never null."""
    if reach.everything:
        return "true", []
    dot = f"{alias}." if alias else ""
    condition = f"COALESCE({dot}domain_id = ANY(%s) OR {dot}customer_id = ANY(%s), false)"
    return condition, [list(reach.domains), list(reach.customers)]


def settle_domains(
    actor: Actor,
    right: Right,
    columns: Mapping[str, Right | None],
    heads: Iterable[str],
    given: Mapping[str, str],
    *,
    column: str = "email",
) -> None:
    """Which domain each row is for, if the actor holds the right there, and for each column in use the one it takes.

    given: the column and the condition that a row says something there. Which domains there are beside theirs isn't
    told. Locks what is counted.
    """
    condition, values = within(actor.reach(right), "d")
    condition = condition.replace("d.domain_id", "d.id")
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE import_row SET domain_id = d.id, customer_id = d.customer_id, text = local || '@' || d.name"
            " FROM domains_domainname n JOIN domains_domain d ON d.id = n.domain_id"
            f" WHERE n.name = import_row.named AND d.status <> 'purged' AND {condition}",
            values,
        )
    mark(
        column, _("%(domain)s is not a domain that you administer here.") % {"domain": "{domain}"}, "domain_id IS NULL"
    )
    deleted = "domain_id IN (SELECT id FROM domains_domain WHERE status = 'deleted')"
    mark(column, _("%(domain)s is deleted.") % {"domain": "{domain}"}, deleted)
    for name in set(heads) & set(given):
        needed = columns[name]
        if needed is not None and not actor.reach(needed).everything:
            there, values = within(actor.reach(needed))
            reason = _("You may not set the column %(column)s in %(domain)s.") % {"column": name, "domain": "{domain}"}
            mark(name, reason, f"NOT {there} AND {given[name]}", values)
    lock_domains()


def lock_domains() -> None:
    """Hold the rows of what is counted, in the order of `counting`. Raises: ChangedMeanwhile."""
    ids = domains_named()
    customers = Domain.objects.filter(pk__in=ids).values("customer_id")
    broker_limits.hold(*customers.values_list("customer_id", flat=True).distinct())
    list(Customer.objects.select_for_update().filter(pk__in=customers).order_by("pk").values_list("pk"))
    list(Domain.objects.select_for_update().filter(pk__in=ids).order_by("pk").values_list("pk"))
    moved = "d.id = r.domain_id AND d.customer_id IS DISTINCT FROM r.customer_id"
    if fetch(f"SELECT 1 FROM import_row r JOIN domains_domain d ON {moved} LIMIT 1"):
        raise ChangedMeanwhile("a domain went to another customer meanwhile")


def mark_twice(column: str = "email") -> None:
    """An address stands once in a file."""
    mark(
        column,
        _("This address stands in the file twice."),
        "line IN (SELECT line FROM (SELECT line, row_number() OVER (PARTITION BY domain_id, local ORDER BY line) AS n"
        " FROM import_row WHERE domain_id IS NOT NULL) AS seen WHERE n > 1)",
    )


def mark_taken(column: str = "email", *, but: str = "false") -> None:
    """What is claimed stays whose it is; but: a condition on the claim `a` that lets it be."""
    taken = _("%(address)s is taken.") % {"address": "{}"}
    claimed = "a.domain_id = import_row.domain_id AND a.local = import_row.local"
    mark(column, taken, f"EXISTS (SELECT 1 FROM domains_address a WHERE {claimed} AND NOT ({but}))")


def mark_somebodys(actor: Actor, column: str = "email") -> None:
    """As `claims.require_nobodys`: what somebody without a mailbox, who holds more, signs in with stays theirs."""
    found = fetch(
        "SELECT DISTINCT u.id FROM import_row r JOIN domains_domainname n ON n.domain_id = r.domain_id"
        " JOIN accounts_user u ON u.email = r.local || '@' || n.name"
        " WHERE NOT EXISTS (SELECT 1 FROM domains_mailbox m WHERE m.user_id = u.id)"
    )
    own = actor.user.pk if actor.user is not None else None
    people = [pk for (pk,) in found if pk != own]
    above = list(beyond(actor, people)) if people else []
    if above:
        emails = list(User.objects.filter(pk__in=above).values_list("email", flat=True))
        mark(
            column,
            _("Somebody signs in with this address already."),
            "EXISTS (SELECT 1 FROM domains_domainname n WHERE n.domain_id = import_row.domain_id"
            " AND import_row.local || '@' || n.name = ANY(%s))",
            [emails],
        )


def cut(column: str, limit: str, counted: str, numbers: str) -> None:
    """Rows beyond what a domain, a customer or a broker may have are refused, the last ones of the file.

    limit: the column with it; counted: the domain's counter. numbers: a query of (line, n), how many each row adds.
    """
    reason = _("%(name)s has reached its limit of %(limit)s. Raise the limit, or remove something first.")
    reason = reason % {"name": "{name}", "limit": "{limit}"}
    places = {
        "r.domain_id": f"SELECT id, name, {limit} AS most, {counted} AS used FROM domains_domain",
        "r.customer_id": f"SELECT c.id, c.name, c.{limit} AS most, (SELECT COALESCE(sum(d.{counted}), 0)"
        " FROM domains_domain d WHERE d.customer_id = c.id) AS used FROM domains_customer c",
        "(SELECT c.broker_id FROM domains_customer c WHERE c.id = r.customer_id)": f"SELECT b.id, b.name,"
        f" b.{limit} AS most, (SELECT COALESCE(sum(d.{counted}), 0) FROM domains_domain d JOIN domains_customer c"
        " ON c.id = d.customer_id WHERE c.broker_id = b.id) AS used FROM domains_broker b",
    }
    for owner, place in places.items():
        with connection.cursor() as cursor:
            cursor.execute(
                f"""
                UPDATE import_row
                SET wrong = %s, reason = replace(replace(%s, '{{name}}', over.name), '{{limit}}', over.most::text)
                FROM (SELECT added.line, p.name, p.most FROM (
                          SELECT r.line, {owner} AS owner, sum(n.n) OVER (PARTITION BY {owner} ORDER BY r.line)
                          AS total FROM ({numbers}) n JOIN import_row r USING (line) WHERE r.wrong = '') added
                      JOIN ({place}) p ON p.id = added.owner
                      WHERE p.most >= 0 AND added.total > GREATEST(0, p.most - p.used)) over
                WHERE import_row.line = over.line AND wrong = ''
                """,
                [column, reason],
            )
