"""Making the users of a file: all of them in one transaction, set-based, or none.

A dry run does the same and takes it back, so what it says is what would happen. Who came without a password is invited
afterwards; clear-text passwords are sealed and hashed by a task, and their people sign in after that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from pathlib import Path

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper
from django.db.models import Q
from django.utils import timezone

from accounts import audit
from accounts.actors import Actor
from accounts.permissions import Right
from config.kit.csv_reading import CsvError, CsvFile
from domains import inheritance
from domains.errors import DomainsError, LimitReached
from domains.models import Domain, PendingPassword
from domains.services import quotas
from domains.services.importing import judging
from domains.services.importing.judging import Refused
from domains.services.importing.rows import COLUMNS, REQUIRED, BadRow, UserRow, read_row

BATCH = 5_000
SHOWN = 200
Progress = Callable[[int, str], None]


class ImportRefused(DomainsError):
    """Some rows can't be: nothing was made. `result` says which."""

    def __init__(self, result: ImportResult) -> None:
        super().__init__(f"{result.refused} of {result.rows} rows are refused; nothing was imported")
        self.result = result.as_dict()


@dataclass
class ImportResult:
    """What an import came to, or would."""

    rows: int = 0
    created: int = 0
    aliases: int = 0
    invited: int = 0
    passwords: int = 0
    refused: int = 0
    dry_run: bool = False
    per_domain: dict[str, int] = field(default_factory=dict)
    problems: list[Refused] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, object]:
        problems = [{"line": each.line, "column": each.column, "reason": each.reason} for each in self.problems]
        return {**self.__dict__, "problems": problems}


def import_users(
    actor: Actor,
    path: Path,
    *,
    dry_run: bool = False,
    progress: Progress = lambda _done, _note: None,
    stop: Callable[[], None] = lambda: None,
) -> ImportResult:
    """Read, judge and make. stop: called between batches; it raises to end, and nothing is left.

    Raises: Forbidden (no right to make users anywhere), CsvError, ImportRefused, LimitReached.
    """
    actor.require_somewhere(Right.MANAGE_USERS)
    actor.require_writing()
    result = ImportResult(dry_run=dry_run)
    with path.open("rb") as file, transaction.atomic():
        table = CsvFile.open(file, known=COLUMNS, required=REQUIRED)
        result.notices = list(table.notices)
        judging.make_tables()
        bad = _stage(table, result, progress, stop)
        judging.judge(actor, COLUMNS, set(table.heads))
        in_table = judging.refused(SHOWN)
        result.problems = sorted([*bad[:SHOWN], *in_table], key=lambda each: each.line)[:SHOWN]
        result.refused = len(bad) + judging.count_refused()
        _count(result)
        stop()
        if not result.refused:
            progress(result.rows, "writing")
            _write(actor, path, result)
        if dry_run:
            transaction.set_rollback(True)
        elif result.refused:
            raise ImportRefused(result)
    return result


def _stage(table: CsvFile, result: ImportResult, progress: Progress, stop: Callable[[], None]) -> list[Refused]:
    bad: list[Refused] = []

    def read() -> Iterator[UserRow]:
        for row in table:
            result.rows += 1
            try:
                yield read_row(row)
            except BadRow as error:
                bad.append(Refused(row.line, error.column, error.reason))

    rows = read()
    while judging.stage(islice(rows, BATCH)):
        stop()
        progress(result.rows, "reading")
    return bad


def _count(result: ImportResult) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT d.name, count(*) FROM import_row r JOIN domains_domain d ON d.id = r.domain_id"
            " WHERE r.wrong = '' GROUP BY d.name ORDER BY 2 DESC LIMIT 50"
        )
        result.per_domain = dict(cursor.fetchall())
        cursor.execute(
            "SELECT count(*), count(*) FILTER (WHERE has_password),"
            " count(*) FILTER (WHERE NOT has_password AND status = 'enabled') FROM import_row WHERE wrong = ''"
        )
        result.created, result.passwords, result.invited = cursor.fetchone()
        cursor.execute("SELECT count(*) FROM import_alias JOIN import_row USING (line) WHERE wrong = ''")
        (result.aliases,) = cursor.fetchone()


def _write(actor: Actor, path: Path, result: ImportResult) -> None:
    now = timezone.now()
    with connection.cursor() as cursor:
        cursor.execute(_NUMBER)
        cursor.execute("ANALYZE import_row")
        _speak(cursor)
        for statement in (_USERS, _ADDRESSES, _MAILBOXES):
            cursor.execute(statement, {"now": now})
        cursor.execute(_ALIASES, {"now": now})
        cursor.execute(_ALIAS_TARGETS, {"now": now})
        cursor.execute(_MEMBERS, {"now": now})
        cursor.execute(_LEAD_HERE)
        cursor.execute(_RECOUNT)
        cursor.execute(_EVENTS, _event_values(actor, now))
        cursor.execute(_COUNT_DOMAINS)
        cursor.execute(_COUNT_CUSTOMERS)
    quotas.refresh_fill_of("SELECT mailbox_id FROM import_row")
    limited = Q(max_quota_bytes__isnull=False) | Q(max_bytes__isnull=False) | Q(customer__max_bytes__isnull=False)
    for domain in Domain.objects.filter(limited, pk__in=judging.domains_named()):
        quotas.check_room(domain)
    if result.passwords and not result.dry_run:
        _keep_passwords(path)
    audit.record(
        actor, "user.import", None, created=result.created, aliases=result.aliases, domains=list(result.per_domain)
    )


def _speak(cursor: CursorWrapper) -> None:
    """People without a language get their domain's."""
    domains = list(Domain.objects.filter(pk__in=judging.domains_named()).select_related("customer"))
    languages = [told["default_language"].value for told in inheritance.settings_of_many(domains)]
    cursor.execute(
        "UPDATE import_row SET language = d.language FROM unnest(%s::bigint[], %s::text[]) AS d (id, language)"
        " WHERE import_row.domain_id = d.id AND import_row.language = ''",
        [[domain.pk for domain in domains], languages],
    )


def _keep_passwords(path: Path) -> None:
    """Seal the clear-text passwords beside their people; read from the file again, so that they lie nowhere else."""
    with path.open("rb") as file:
        table = CsvFile.open(file, known=COLUMNS, required=REQUIRED)
        rows = (read_row(row) for row in table if row["password"])
        while batch := list(islice(rows, 500)):
            by_line = {row.line: row.password for row in batch}
            with connection.cursor() as cursor:
                cursor.execute("SELECT line, user_id FROM import_row WHERE line = ANY(%s)", [list(by_line)])
                people = cursor.fetchall()
            PendingPassword.objects.bulk_create(
                PendingPassword(user_id=user_id, password=by_line[line]) for line, user_id in people
            )


def _event_values(actor: Actor, now: datetime) -> dict[str, datetime | int | str | None]:
    event = audit.build(actor, "mailbox.create")
    return {
        "at": now,
        "actor": event.actor_id,
        "label": event.actor_label,
        "address": event.address,
        "via": event.via or "import",
        "reason": event.reason,
    }


# Numbers beforehand, so that what is made needn't be looked up again.
_NUMBER = """
UPDATE import_row SET user_id = nextval(pg_get_serial_sequence('accounts_user', 'id')),
                      address_id = nextval(pg_get_serial_sequence('domains_address', 'id')),
                      mailbox_id = nextval(pg_get_serial_sequence('domains_mailbox', 'id'))
"""
_USERS = """
INSERT INTO accounts_user (id, version, password, email, name, first_name, last_name, is_administrator, is_active,
                           language, theme, created_at, home_domain_id, home_customer_id, privileges, denied_rights,
                           authentication, distinguished_name)
SELECT r.user_id, 1, '!' || replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''), r.text, r.name,
       r.first_name, r.last_name, false, r.status = 'enabled', r.language, 'system', %(now)s, r.domain_id,
       d.customer_id, '{}', '{}', 'integrated', ''
FROM import_row r JOIN domains_domain d ON d.id = r.domain_id ORDER BY r.line
"""
_ADDRESSES = """
INSERT INTO domains_address (id, version, domain_id, customer_id, local, text, kind, name, description, is_enabled,
                             senders, keep_copy, recipient_count, created_at)
SELECT r.address_id, 1, r.domain_id, d.customer_id, r.local, r.text, 'mailbox', '', '', r.status = 'enabled',
       'anyone', true, 0, %(now)s
FROM import_row r JOIN domains_domain d ON d.id = r.domain_id ORDER BY r.line
"""
_MAILBOXES = """
INSERT INTO domains_mailbox (id, version, domain_id, customer_id, claim_id, address, user_id, status, status_before,
                             name, quota_bytes, used_bytes, used_messages, fill_permille, transport, policy_id,
                             policy_values, created_at)
SELECT r.mailbox_id, 1, r.domain_id, d.customer_id, r.address_id, r.text, r.user_id, r.status, '',
       COALESCE(NULLIF(r.name, ''), btrim(r.first_name || ' ' || r.last_name)), r.quota_bytes, 0, 0, 0, '', r.policy_id,
       '{}', %(now)s
FROM import_row r JOIN domains_domain d ON d.id = r.domain_id ORDER BY r.line
"""
_ALIASES = """
INSERT INTO domains_address (version, domain_id, customer_id, local, text, kind, name, description, is_enabled, senders,
                             keep_copy, recipient_count, created_at)
SELECT 1, r.domain_id, d.customer_id, i.local, i.local || '@' || d.name, 'alias', '', '', true, 'anyone', true, 1,
       %(now)s
FROM import_alias i JOIN import_row r USING (line) JOIN domains_domain d ON d.id = r.domain_id
"""
_ALIAS_TARGETS = """
INSERT INTO domains_recipient (address_id, email, target_id, created_at)
SELECT a.id, r.text, r.address_id, %(now)s
FROM import_alias i JOIN import_row r USING (line)
JOIN domains_address a ON a.domain_id = r.domain_id AND a.local = i.local
"""
_MEMBERS = """
INSERT INTO domains_recipient (address_id, email, target_id, created_at)
SELECT DISTINCT i.group_id, r.text, r.address_id, %(now)s::timestamptz
FROM import_group i JOIN import_row r USING (line)
"""
# Recipients elsewhere that named these addresses lead to them from now on, as with every claim.
_LEAD_HERE = """
UPDATE domains_recipient SET target_id = r.address_id, email = r.text
FROM import_row r JOIN domains_domainname n ON n.domain_id = r.domain_id
WHERE domains_recipient.target_id IS NULL AND domains_recipient.email = r.local || '@' || n.name
  AND NOT EXISTS (SELECT 1 FROM domains_recipient own
                  WHERE own.address_id = domains_recipient.address_id AND own.email = r.text
                    AND own.id <> domains_recipient.id)
"""
_RECOUNT = """
UPDATE domains_address SET recipient_count = found.count
FROM (SELECT address_id, count(*) AS count FROM domains_recipient
      WHERE address_id IN (SELECT DISTINCT group_id FROM import_group) GROUP BY address_id) AS found
WHERE domains_address.id = found.address_id
"""
_EVENTS = """
INSERT INTO accounts_auditevent (at, actor_id, actor_label, action, object_type, object_id, object_label, details,
                                 changes, reason, address, via, domain_id, customer_id, about_user_id)
SELECT %(at)s, %(actor)s, %(label)s, 'mailbox.create', 'domains.mailbox', r.mailbox_id::text, r.text,
       jsonb_build_object('status', r.status), '{}', %(reason)s, %(address)s, %(via)s, r.domain_id, d.customer_id,
       r.user_id
FROM import_row r JOIN domains_domain d ON d.id = r.domain_id ORDER BY r.line
"""
# The domains and customers were locked when limits were judged.
_COUNT_DOMAINS = """
UPDATE domains_domain SET mailbox_count = mailbox_count + made.mailboxes, active_count = active_count + made.active,
                          alias_count = alias_count + made.aliases
FROM (SELECT r.domain_id, count(*) AS mailboxes, count(*) FILTER (WHERE r.status = 'enabled') AS active,
             COALESCE(sum(i.aliases), 0) AS aliases
      FROM import_row r LEFT JOIN (SELECT line, count(*) AS aliases FROM import_alias GROUP BY line) i USING (line)
      GROUP BY r.domain_id) AS made
WHERE domains_domain.id = made.domain_id
"""
_COUNT_CUSTOMERS = """
UPDATE domains_customer SET mailbox_count = mailbox_count + made.mailboxes
FROM (SELECT d.customer_id, count(*) AS mailboxes FROM import_row r JOIN domains_domain d ON d.id = r.domain_id
      GROUP BY d.customer_id) AS made
WHERE domains_customer.id = made.customer_id
"""

__all__ = ["CsvError", "ImportRefused", "ImportResult", "LimitReached", "import_users"]
