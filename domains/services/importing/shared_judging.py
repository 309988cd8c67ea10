"""What only the database can say of groups and forwards to import, and what of them is there already."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.utils.translation import gettext as _

from accounts.permissions import Right
from domains.models import Address
from domains.services.groups import MAX_SENDERS
from domains.services.importing import staging
from domains.services.importing.running import Job
from domains.services.importing.shared_rows import FORWARD_COLUMNS, GROUP_COLUMNS, SharedRow
from domains.services.importing.staging import mark
from domains.services.recipients import AT_MOST

# kind: (columns, the column of recipients, the domain's counter, its limit)
KINDS = {
    Address.Kind.GROUP: (GROUP_COLUMNS, "members", "group_count", "max_groups"),
    Address.Kind.FORWARD: (FORWARD_COLUMNS, "targets", "forward_count", ""),
}
FIELDS = {"name": "name", "description": "description", "is_enabled": "status", "senders": "senders"}
_COLUMNS = ("line", "local", "named", "name", "description", "is_enabled", "senders")


def make_tables() -> None:
    """came: recipients that the address doesn't have yet; import_gone: those it has and the file doesn't."""
    staging.make_tables(
        "name text, description text, is_enabled boolean, senders text, address_id bigint,"
        " is_new boolean NOT NULL DEFAULT true, differs text NOT NULL DEFAULT '', first_line integer",
        import_member="line integer, local text, named text, email text, target_id bigint, came boolean DEFAULT true",
        import_sender="line integer, value text",
        import_gone="line integer, recipient_id bigint, email text",
    )


def stage(rows: Sequence[SharedRow]) -> None:
    staging.copy(
        "import_row",
        _COLUMNS,
        ((r.line, r.local, r.domain, r.name, r.description, r.is_enabled, r.senders) for r in rows),
    )
    members = ((row.line, local, domain) for row in rows for local, domain in row.recipients)
    staging.copy("import_member", ("line", "local", "named"), members)
    staging.copy("import_sender", ("line", "value"), ((row.line, value) for row in rows for value in row.allowed))


def judge(job: Job, kind: Address.Kind) -> None:
    """Mark what can't be; is_new and differs say what would happen with the rest."""
    columns, recipients, counted, limit = KINDS[kind]
    staging.index_lines("import_member", "import_sender", "import_gone")
    staging.analyze("import_row", "import_member", "import_sender")
    staging.settle_domains(job.actor, Right.MANAGE_ADDRESSES, columns, job.heads, {})
    join_rows(recipients, FIELDS)
    staging.mark_taken(but=f"a.kind = '{kind.value}'")
    _find_those_there(kind)
    staging.mark_somebodys(job.actor)
    _judge_recipients(job, kind, recipients)
    if kind == Address.Kind.GROUP:
        mark(
            "allowed_senders",
            _("At most %(count)s addresses fit here.") % {"count": MAX_SENDERS},
            f"line IN (SELECT line FROM import_sender GROUP BY line HAVING count(*) > {MAX_SENDERS})",
        )
    _compare(job, recipients)
    if limit:
        staging.cut("email", limit, counted, "SELECT line, 1 AS n FROM import_row WHERE wrong = '' AND is_new")


def join_rows(recipients: str, fields: Mapping[str, str]) -> None:
    """Rows of one address become one; those that contradict the first are refused. fields: of a row, their columns."""
    staging.execute(
        "UPDATE import_row SET first_line = f.line FROM (SELECT domain_id, local, min(line) AS line FROM import_row"
        " WHERE wrong = '' GROUP BY domain_id, local) f WHERE f.domain_id = import_row.domain_id"
        " AND f.local = import_row.local AND import_row.wrong = ''"
    )
    reason = _("Line %(line)s says something else about this address.") % {"line": "{line}"}
    for field, column in fields.items():
        staging.execute(
            f"UPDATE import_row SET wrong = %(column)s, reason = replace(%(reason)s, '{{line}}', f.line::text)"
            " FROM import_row f WHERE f.line = import_row.first_line AND f.line <> import_row.line"
            f" AND import_row.wrong = '' AND COALESCE(import_row.{field}::text, '') <> ''"
            f" AND import_row.{field} IS DISTINCT FROM f.{field}",
            column=column,
            reason=reason,
        )
    mark(
        recipients,
        _("This address stands in the file twice."),
        "first_line <> line AND NOT EXISTS (SELECT 1 FROM import_member m WHERE m.line = import_row.line)"
        " AND NOT EXISTS (SELECT 1 FROM import_sender s WHERE s.line = import_row.line)",
    )
    more = "import_row r WHERE r.line = {0}.line AND r.first_line <> r.line AND r.wrong = ''"
    staging.execute(
        f"UPDATE import_member SET line = r.first_line FROM {more.format('import_member')}",
        f"UPDATE import_sender SET line = r.first_line FROM {more.format('import_sender')}",
        "DELETE FROM import_row WHERE first_line <> line AND wrong = ''",
        "DELETE FROM import_sender s USING import_sender o WHERE s.line = o.line AND s.value = o.value"
        " AND s.ctid > o.ctid",
    )


def _find_those_there(kind: Address.Kind) -> None:
    """Which are there already; what their rows don't say stays as it is, held until the end."""
    staging.execute(
        "UPDATE import_row SET address_id = a.id, is_new = false, name = COALESCE(import_row.name, a.name),"
        " description = COALESCE(import_row.description, a.description),"
        " is_enabled = COALESCE(import_row.is_enabled, a.is_enabled),"
        " senders = COALESCE(import_row.senders, a.senders)"
        " FROM (SELECT * FROM domains_address WHERE kind = %(kind)s AND (domain_id, local) IN"
        " (SELECT domain_id, local FROM import_row WHERE wrong = '') ORDER BY id FOR UPDATE) a"
        " WHERE a.domain_id = import_row.domain_id AND a.local = import_row.local AND wrong = ''",
        "UPDATE import_row SET name = COALESCE(name, ''), description = COALESCE(description, ''),"
        " is_enabled = COALESCE(is_enabled, true), senders = COALESCE(senders, 'anyone')",
        kind=kind.value,
    )


# Under their domain's own name, by whatever name they were written; each once.
RESOLVE = (
    "UPDATE import_member SET email = local || '@' || COALESCE((SELECT d.name FROM domains_domainname n"
    " JOIN domains_domain d ON d.id = n.domain_id WHERE n.name = named AND d.status <> 'purged'), named)"
)
EACH_ONCE = (
    "DELETE FROM import_member m USING import_member o WHERE m.line = o.line AND m.email = o.email AND m.ctid > o.ctid"
)
TARGETS = "UPDATE import_member SET target_id = a.id FROM domains_address a WHERE a.text = import_member.email"


def _judge_recipients(job: Job, kind: Address.Kind, column: str) -> None:
    staging.execute(
        RESOLVE,
        TARGETS,
        EACH_ONCE,
    )
    staging.analyze("import_row", "import_member")
    itself = _("%(address)s can't deliver to itself.") % {"address": "{}"}
    mark(column, itself, "EXISTS (SELECT 1 FROM import_member m WHERE m.line = import_row.line AND m.email = text)")
    crowded = f"line IN (SELECT line FROM import_member GROUP BY line HAVING count(*) > {AT_MOST})"
    mark(column, _("At most %(count)s addresses fit here.") % {"count": AT_MOST}, crowded)
    if kind == Address.Kind.FORWARD and column in job.heads:
        nowhere = "NOT EXISTS (SELECT 1 FROM import_member m WHERE m.line = import_row.line)"
        mark(column, _("A forward needs somewhere to go."), nowhere)
    elif kind == Address.Kind.FORWARD:
        mark(column, _("A forward needs somewhere to go."), "is_new")


def _compare(job: Job, recipients: str) -> None:
    """What differs from what is there, in which columns; without leave to change it such rows are refused."""
    compare_recipients(with_gone=recipients in job.heads)
    sent = (
        "(SELECT array_agg(value ORDER BY value) FROM import_sender s WHERE s.line = r.line) IS DISTINCT FROM"
        " (SELECT array_agg(value::text ORDER BY value) FROM domains_allowedsender k WHERE k.address_id = a.id)"
    )
    differing = [
        f"CASE WHEN r.{field} IS DISTINCT FROM a.{field} THEN '{column}' END" for field, column in FIELDS.items()
    ]
    if "allowed_senders" in job.heads:
        differing.append(f"CASE WHEN {sent} THEN 'allowed_senders' END")
    differing.append(f"CASE WHEN {RECIPIENTS_DIFFER} THEN '{recipients}' END")
    staging.execute(
        f"UPDATE import_row SET differs = concat_ws(' ', {', '.join(differing)}) FROM import_row r"
        " JOIN domains_address a ON a.id = r.address_id WHERE r.line = import_row.line AND NOT r.is_new"
    )
    refuse_changes(job)


RECIPIENTS_DIFFER = (
    "(EXISTS (SELECT 1 FROM import_member m WHERE m.line = r.line AND m.came)"
    " OR EXISTS (SELECT 1 FROM import_gone g WHERE g.line = r.line))"
)


def compare_recipients(*, with_gone: bool) -> None:
    """Which recipients are there already; with_gone: and which are, that the file doesn't name."""
    staging.execute(
        "UPDATE import_member SET came = false FROM import_row r JOIN domains_recipient rc"
        " ON rc.address_id = r.address_id WHERE r.line = import_member.line AND rc.email = import_member.email"
    )
    if with_gone:
        staging.execute(
            "INSERT INTO import_gone SELECT r.line, rc.id, rc.email FROM import_row r JOIN domains_recipient rc"
            " ON rc.address_id = r.address_id LEFT JOIN import_member m ON m.line = r.line AND m.email = rc.email"
            " WHERE r.wrong = '' AND m.line IS NULL"
        )


def refuse_changes(job: Job) -> None:
    """Rows that would change what is there, where that isn't wanted; the first column that differs is named."""
    if not job.change:
        reason = _("%(address)s is there already, and differs. Choose to change what is there.") % {"address": "{}"}
        staging.execute(
            "UPDATE import_row SET wrong = split_part(differs, ' ', 1), reason = replace(%(reason)s, '{}', text)"
            " WHERE wrong = '' AND NOT is_new AND differs <> ''",
            reason=reason,
        )
