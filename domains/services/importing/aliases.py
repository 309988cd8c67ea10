"""Aliases of mailboxes from a CSV file. Columns: email (the alias), user (whose it is), status.

An alias lies in the mailbox's domain or in another of the same customer, as in the form; to change one is to lead it to
another mailbox, or to switch it on or off.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.permissions import Right
from config.kit.csv_reading import CsvRow
from domains.services.importing import cells, staging, trail
from domains.services.importing.running import Importer, Job
from domains.services.importing.shared_judging import refuse_changes
from domains.services.importing.shared_rows import enabled
from domains.services.importing.shared_writing import count
from domains.services.importing.staging import mark

COLUMNS: dict[str, Right | None] = dict.fromkeys(("email", "user", "status"))


@dataclass(slots=True)
class AliasRow:
    """A row that can be read."""

    line: int
    local: str
    domain: str
    user_local: str
    user_domain: str
    is_enabled: bool | None


def _read(row: CsvRow) -> AliasRow:
    """Raises: BadRow."""
    alias, user = cells.address(row["email"], "email"), cells.address(row["user"], "user")
    return AliasRow(row.line, *alias, *user, enabled(row))


def _make_tables() -> None:
    staging.make_tables(
        "user_local text, user_named text, is_enabled boolean, address_id bigint, mailbox_id bigint, claim_id bigint,"
        " claim_text text, is_new boolean NOT NULL DEFAULT true, differs text NOT NULL DEFAULT ''",
        # what the results of all addresses count
        import_member="line integer, came boolean",
        import_gone="line integer",
    )


def _stage(rows: Sequence[AliasRow]) -> None:
    staging.copy(
        "import_row",
        ("line", "local", "named", "user_local", "user_named", "is_enabled"),
        ((r.line, r.local, r.domain, r.user_local, r.user_domain, r.is_enabled) for r in rows),
    )


def _judge(job: Job) -> None:
    staging.analyze("import_row")
    staging.settle_domains(job.actor, Right.MANAGE_ADDRESSES, COLUMNS, job.heads, {})
    staging.mark_twice()
    staging.mark_taken(but="a.kind = 'alias'")
    staging.mark_somebodys(job.actor)
    _find_mailboxes(job)
    staging.execute(
        "UPDATE import_row SET address_id = a.id, is_new = false,"
        " is_enabled = COALESCE(import_row.is_enabled, a.is_enabled)"
        " FROM (SELECT * FROM domains_address WHERE kind = 'alias' AND (domain_id, local) IN"
        " (SELECT domain_id, local FROM import_row WHERE wrong = '') ORDER BY id FOR UPDATE) a"
        " WHERE a.domain_id = import_row.domain_id AND a.local = import_row.local AND wrong = ''",
        "UPDATE import_row SET is_enabled = COALESCE(is_enabled, true)",
        "UPDATE import_row SET differs = concat_ws(' ', CASE WHEN NOT EXISTS (SELECT 1 FROM domains_recipient rc"
        " WHERE rc.address_id = a.id AND rc.target_id = import_row.claim_id) THEN 'user' END,"
        " CASE WHEN a.is_enabled <> import_row.is_enabled THEN 'status' END)"
        " FROM domains_address a WHERE a.id = import_row.address_id AND NOT is_new",
    )
    refuse_changes(job)
    staging.cut(
        "email", "max_aliases", "alias_count", "SELECT line, 1 AS n FROM import_row WHERE wrong = '' AND is_new"
    )


def _find_mailboxes(job: Job) -> None:
    """Whose they are: mailboxes in the actor's reach, of the alias's customer. Others don't exist for them."""
    reach = job.actor.reach(Right.MANAGE_ADDRESSES)
    there, values = staging.within(reach, "m")
    with_users = f"({there} OR m.user_id = ANY(%s))" if reach.users else there
    staging.update(
        "UPDATE import_row SET mailbox_id = m.id, claim_id = c.id, claim_text = c.text"
        " FROM domains_domainname n JOIN domains_address c ON c.domain_id = n.domain_id"
        " JOIN domains_mailbox m ON m.claim_id = c.id WHERE n.name = import_row.user_named"
        f" AND c.local = import_row.user_local AND m.status <> 'purged' AND {with_users}",
        [*values, *([list(reach.users)] if reach.users else [])],
    )
    mark("user", _("There is no such user."), "mailbox_id IS NULL")
    mark(
        "user",
        _("An address stays with its customer."),
        "EXISTS (SELECT 1 FROM domains_mailbox m WHERE m.id = mailbox_id"
        " AND m.customer_id IS DISTINCT FROM import_row.customer_id)",
    )


def _write(job: Job) -> None:
    now = timezone.now()
    repointed = "NOT r.is_new AND 'user' = ANY(string_to_array(r.differs, ' '))"
    trail.record(job.actor, "mailbox.remove_alias", _LEFT.format(where=repointed))
    trail.record(job.actor, "alias.edit", _EDITED)
    staging.execute(_ADDRESSES, now=now)
    staging.execute(
        trail.FIND_CLAIMS,
        "UPDATE domains_address SET is_enabled = r.is_enabled, version = version + 1 FROM import_row r"
        " WHERE r.address_id = domains_address.id AND NOT r.is_new AND r.differs <> ''",
        "DELETE FROM domains_recipient USING import_row r WHERE domains_recipient.address_id = r.address_id"
        f" AND {repointed}",
    )
    staging.execute(_TARGETS.format(where=f"r.is_new OR ({repointed})"), now=now)
    staging.execute(trail.LEAD_HERE, _COUNT)
    trail.record(job.actor, "alias.create", _MADE)
    trail.record(job.actor, "mailbox.add_alias", _GOT.format(where=f"r.is_new OR ({repointed})"))
    trail.record_import(job.actor, "alias.import", job.result)


ALIASES: Importer[AliasRow] = Importer(
    name="aliases",
    columns=COLUMNS,
    required=("email", "user"),
    require=lambda actor: actor.require_somewhere(Right.MANAGE_ADDRESSES),
    make_tables=_make_tables,
    read=_read,
    stage=_stage,
    judge=_judge,
    count=count,
    write=_write,
)

_ADDRESSES = """
INSERT INTO domains_address (version, domain_id, customer_id, local, text, kind, name, description, is_enabled, senders,
                             keep_copy, recipient_count, created_at)
SELECT 1, domain_id, customer_id, local, text, 'alias', '', '', is_enabled, 'anyone', true, 1, %(now)s
FROM import_row WHERE is_new ORDER BY line
"""
_TARGETS = """
INSERT INTO domains_recipient (address_id, email, target_id, created_at)
SELECT r.address_id, r.claim_text, r.claim_id, %(now)s FROM import_row r WHERE {where} ORDER BY r.line
"""
_COUNT = """
UPDATE domains_domain SET alias_count = alias_count + made.count
FROM (SELECT domain_id, count(*) AS count FROM import_row WHERE is_new GROUP BY domain_id) AS made
WHERE domains_domain.id = made.domain_id
"""
_MADE = """
SELECT 'domains.address', r.address_id, r.text, jsonb_build_object('mailbox', r.claim_text), '{}'::jsonb, r.domain_id,
       r.customer_id, NULL::bigint
FROM import_row r WHERE r.is_new ORDER BY r.line
"""
_GOT = """
SELECT 'domains.mailbox', m.id, m.address, jsonb_build_object('alias', r.text), '{{}}'::jsonb, m.domain_id,
       m.customer_id, m.user_id
FROM import_row r JOIN domains_mailbox m ON m.id = r.mailbox_id WHERE {where} ORDER BY r.line
"""
_LEFT = """
SELECT 'domains.mailbox', m.id, m.address, jsonb_build_object('alias', r.text), '{{}}'::jsonb, m.domain_id,
       m.customer_id, m.user_id
FROM import_row r JOIN domains_recipient rc ON rc.address_id = r.address_id
JOIN domains_mailbox m ON m.claim_id = rc.target_id WHERE {where} ORDER BY r.line
"""
_EDITED = """
SELECT 'domains.address', a.id, a.text, '{}'::jsonb, e.changes, a.domain_id, a.customer_id, NULL::bigint
FROM import_row r JOIN domains_address a ON a.id = r.address_id
CROSS JOIN LATERAL (SELECT jsonb_strip_nulls(jsonb_build_object(
    'is_enabled', CASE WHEN a.is_enabled <> r.is_enabled THEN jsonb_build_array(a.is_enabled, r.is_enabled) END,
    'mailbox', CASE WHEN 'user' = ANY(string_to_array(r.differs, ' ')) THEN jsonb_build_array(
        (SELECT min(rc.email) FROM domains_recipient rc WHERE rc.address_id = a.id), r.claim_text) END)) AS changes) e
WHERE NOT r.is_new AND r.differs <> '' ORDER BY r.line
"""
