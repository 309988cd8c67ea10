"""What only the database can say of the rows to import: asked in sets, over a temporary table, never row by row.

The table `import_row` lives until the transaction ends. Each question marks the rows it refuses; the first that speaks
about a row counts.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db import connection
from django.utils.translation import gettext as _

from accounts.actors import Actor
from accounts.permissions import Right
from config.kit.versions import ChangedMeanwhile
from domains.limits import allows
from domains.models import Customer, Domain, DomainName, Status
from domains.services.importing.rows import UserRow

_TABLES = """
DROP TABLE IF EXISTS import_row, import_alias, import_group;
CREATE TEMPORARY TABLE import_row (
    line integer PRIMARY KEY, local text, named text, name text, first_name text, last_name text, language text,
    status text, has_password boolean, quota_bytes bigint, policy text, domain_id bigint, policy_id bigint, text text,
    wrong text NOT NULL DEFAULT '', reason text NOT NULL DEFAULT '', user_id bigint, address_id bigint,
    mailbox_id bigint
) ON COMMIT DROP;
CREATE TEMPORARY TABLE import_alias (line integer, local text) ON COMMIT DROP;
CREATE TEMPORARY TABLE import_group (line integer, local text, group_id bigint) ON COMMIT DROP;
"""
_COPY = (
    "COPY import_row (line, local, named, name, first_name, last_name, language, status, has_password, quota_bytes,"
    " policy) FROM STDIN"
)


@dataclass(frozen=True, slots=True)
class Refused:
    """A row that can't be imported: where, in which column, and why."""

    line: int
    column: str
    reason: str


def make_tables() -> None:
    with connection.cursor() as cursor:
        cursor.execute(_TABLES)


def stage(rows: Iterable[UserRow]) -> int:
    """Put rows into the tables; how many. Nothing of passwords goes there but whether there is one."""
    aliases: list[tuple[int, str]] = []
    groups: list[tuple[int, str]] = []
    count = 0
    with connection.cursor() as cursor:
        with cursor.copy(_COPY) as copy:
            for row in rows:
                count += 1
                copy.write_row(
                    (row.line, row.local, row.domain, row.name, row.first_name, row.last_name, row.language, row.status,
                     bool(row.password), row.quota_bytes, row.policy)
                )  # fmt: skip
                aliases += [(row.line, local) for local in row.aliases]
                groups += [(row.line, local) for local in row.groups]
        for statement, pairs in (
            ("COPY import_alias (line, local) FROM STDIN", aliases),
            ("COPY import_group (line, local) FROM STDIN", groups),
        ):
            if pairs:
                with cursor.copy(statement) as copy:
                    for pair in pairs:
                        copy.write_row(pair)
    return count


def judge(actor: Actor, columns: dict[str, Right | None], heads: set[str]) -> None:
    """Mark what can't be. columns: the right each takes; heads: the columns the file has."""
    _settle_domains(actor, columns, heads)
    taken = _("%(address)s is taken.") % {"address": "{}"}
    twice = _("This address stands in the file twice.")
    signs_in = _("Somebody signs in with this address already.")
    _mark("email", twice, "line IN (SELECT line FROM (SELECT line, row_number() OVER (PARTITION BY domain_id, local"
          " ORDER BY line) AS n FROM import_row WHERE domain_id IS NOT NULL) AS seen WHERE n > 1)")  # fmt: skip
    _mark("email", taken, "EXISTS (SELECT 1 FROM domains_address a WHERE a.domain_id = import_row.domain_id"
          " AND a.local = import_row.local)")  # fmt: skip
    _mark("email", signs_in, "EXISTS (SELECT 1 FROM domains_domainname n JOIN accounts_user u"
          " ON u.email = import_row.local || '@' || n.name WHERE n.domain_id = import_row.domain_id)")  # fmt: skip
    _judge_aliases()
    _judge_groups()
    _judge_policies()
    _judge_limits()


def refused(limit: int) -> list[Refused]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT line, wrong, reason FROM import_row WHERE wrong <> '' ORDER BY line LIMIT %s", [limit])
        return [Refused(*row) for row in cursor.fetchall()]


def count_refused() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM import_row WHERE wrong <> ''")
        return int(cursor.fetchone()[0])


def domains_named() -> list[int]:
    """The domains that rows are for, in one order for locks."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT domain_id FROM import_row WHERE domain_id IS NOT NULL ORDER BY 1")
        return [row[0] for row in cursor.fetchall()]


def _mark(column: str, reason: str, where: str) -> None:
    """Refuse the rows for which `where` holds and that nothing refused before; {} in the reason is the row's address.

    `where` is written here, never given.
    """
    statement = f"UPDATE import_row SET wrong = %s, reason = replace(%s, '{{}}', text) WHERE wrong = '' AND {where}"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(statement, [column, reason])


def _settle_domains(actor: Actor, columns: dict[str, Right | None], heads: set[str]) -> None:
    """Each name of a domain once: whether it is one that the actor may make users in, with these columns."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT named FROM import_row")
        names = [row[0] for row in cursor.fetchall()]
    rows = DomainName.objects.filter(name__in=names).exclude(domain__status=Status.PURGED)
    known = {row.name: row.domain for row in rows.select_related("domain__customer")}
    taken: dict[str, Domain] = {}
    for name in names:
        domain = known.get(name)
        if domain is None or not actor.has(Right.MANAGE_USERS, domain):
            _refuse_domain(name, "email", _("%(domain)s is not a domain that you administer here.") % {"domain": name})
        elif domain.status == Status.DELETED:
            _refuse_domain(name, "email", _("%(domain)s is deleted.") % {"domain": domain.display_name})
        else:
            taken[name] = domain
    _take_domains(taken)
    for name, domain in taken.items():
        for column, right in columns.items():
            if right is not None and column in heads and not actor.has(right, domain):
                reason = _("You may not set the column %(column)s in %(domain)s.")
                values = {"column": column, "domain": domain.display_name}
                _refuse_domain(name, column, reason % values, given=column)


def _take_domains(taken: dict[str, Domain]) -> None:
    """All rows whose domain is known, at once."""
    own = [(name, domain.pk, domain.name) for name, domain in taken.items()]
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE import_row SET domain_id = d.id, text = local || '@' || d.own"
            " FROM unnest(%s::text[], %s::bigint[], %s::text[]) AS d (named, id, own)"
            " WHERE import_row.named = d.named",
            [list(each) for each in zip(*own, strict=True)] or [[], [], []],
        )


_GIVEN = {
    "password": "has_password",
    "quota_mb": "quota_bytes IS NOT NULL",
    "policy": "policy <> ''",
    "aliases": "line IN (SELECT line FROM import_alias)",
    "groups": "line IN (SELECT line FROM import_group)",
}


def _refuse_domain(name: str, column: str, reason: str, *, given: str = "") -> None:
    where = f" AND {_GIVEN[given]}" if given else ""
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE import_row SET wrong = %s, reason = %s WHERE wrong = '' AND named = %s{where}",  # noqa: S608
            [column, reason, name],
        )


def _judge_aliases() -> None:
    _mark("aliases", _("An alias is taken."), "line IN (SELECT i.line FROM import_alias i JOIN import_row r"
          " ON r.line = i.line JOIN domains_address a ON a.domain_id = r.domain_id AND a.local = i.local)")  # fmt: skip
    _mark("aliases", _("An alias stands in the file twice, or is the address of another row."),
          "line IN (SELECT line FROM (SELECT i.line, count(*) OVER (PARTITION BY r.domain_id, i.local) AS n, EXISTS"
          " (SELECT 1 FROM import_row o WHERE o.domain_id = r.domain_id AND o.local = i.local) AS own"
          " FROM import_alias i JOIN import_row r ON r.line = i.line) AS seen WHERE n > 1 OR own)")  # fmt: skip
    _mark("aliases", _("Somebody signs in with this address already."),
          "line IN (SELECT i.line FROM import_alias i JOIN import_row r ON r.line = i.line"
          " JOIN domains_domainname n ON n.domain_id = r.domain_id"
          " JOIN accounts_user u ON u.email = i.local || '@' || n.name)")  # fmt: skip


def _judge_groups() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE import_group i SET group_id = a.id FROM import_row r JOIN domains_address a"
            " ON a.domain_id = r.domain_id AND a.kind = 'group' WHERE r.line = i.line AND a.local = i.local"
        )
    _mark("groups", _("There is no such group."), "line IN (SELECT line FROM import_group WHERE group_id IS NULL)")


def _judge_policies() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE import_row SET policy_id = p.id FROM domains_policy p"
            " WHERE p.domain_id = import_row.domain_id AND p.name = import_row.policy AND import_row.policy <> ''"
        )
    _mark("policy", _("The domain has no policy of this name."), "policy <> '' AND policy_id IS NULL")


def _judge_limits() -> None:
    """Rows beyond what a domain or customer may have are refused, the last ones of the file. Locks what it counts."""
    counts = {"mailbox_count": ("max_mailboxes", "email"), "alias_count": ("max_aliases", "aliases")}
    named = Domain.objects.filter(pk__in=domains_named()).order_by("pk")
    customers = {key for key in named.values_list("customer_id", flat=True) if key is not None}
    list(Customer.objects.select_for_update().filter(pk__in=customers).order_by("pk"))
    domains = list(named.select_for_update())
    if {domain.customer_id for domain in domains} - {*customers, None}:
        raise ChangedMeanwhile("a domain went to another customer meanwhile")
    for counted, (limit, column) in counts.items():
        for domain in domains:
            _cut(column, "domain_id = %s", [domain.pk], getattr(domain, limit), getattr(domain, counted), str(domain))
        for customer in Customer.objects.filter(pk__in=customers).exclude(**{limit: None}):
            used = sum(Domain.objects.filter(customer=customer).values_list(counted, flat=True))
            where = "domain_id IN (SELECT id FROM domains_domain WHERE customer_id = %s)"
            _cut(column, where, [customer.pk], getattr(customer, limit), used, str(customer))


def _cut(column: str, where: str, values: list[int], limit: int | None, used: int, name: str) -> None:
    if allows(limit, 1 << 60) or limit is None:
        return
    room = max(0, limit - used)
    reason = _("%(name)s has reached its limit of %(limit)s. Raise the limit, or remove something first.")
    rows = (
        "SELECT line, 1 AS n FROM import_row"
        if column == "email"
        else ("SELECT import_row.line, count(*) AS n FROM import_row JOIN import_alias USING (line)")
    )
    group = "" if column == "email" else " GROUP BY import_row.line"
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            UPDATE import_row SET wrong = %s, reason = %s WHERE wrong = '' AND line IN (
                SELECT line FROM (SELECT line, sum(n) OVER (ORDER BY line) AS total
                                  FROM ({rows} WHERE wrong = '' AND {where}{group}) AS each) AS added
                WHERE total > %s)
            """,  # noqa: S608
            [column, reason % {"name": name, "limit": limit}, *values, room],
        )
