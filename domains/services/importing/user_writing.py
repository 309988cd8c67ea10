"""Making the users of a file that nothing refused, in sets; their clear-text passwords and invitations are tasks'.

A clear-text password is sealed beside its person and hashed by a task; they sign in after that. Who came without one
is noted to be invited, where that is wanted.
"""

from __future__ import annotations

import uuid
from datetime import datetime
from itertools import islice
from pathlib import Path

from django.db import connection
from django.db.models import Q
from django.utils import timezone

from accounts import audit
from accounts.permissions import Right
from config.kit.csv_reading import CsvFile
from domains.models import Domain, PendingPassword
from domains.services import quotas
from domains.services.importing import staging, trail
from domains.services.importing.running import Job
from domains.services.importing.user_rows import COLUMNS, REQUIRED, read_row


def count(job: Job) -> None:
    """What would be made, into the job's result."""
    result = job.result
    where = "FROM import_row WHERE wrong = ''"
    may_invite, values = staging.within(job.actor.reach(Right.SET_PASSWORDS))
    if job.invite:
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE import_row SET is_invited = true"
                f" WHERE NOT has_password AND status = 'enabled' AND wrong = '' AND {may_invite}",
                values,
            )
    ((result.created, result.passwords, result.without, result.invited),) = staging.fetch(
        "SELECT count(*), count(*) FILTER (WHERE has_password), count(*) FILTER (WHERE NOT has_password AND"
        f" status = 'enabled'), count(*) FILTER (WHERE is_invited) {where}"
    )
    result.per_domain = trail.per_domain()
    ((result.aliases,),) = staging.fetch(
        "SELECT count(*) FROM import_alias JOIN import_row USING (line) WHERE wrong = ''"
    )


def write(job: Job) -> None:
    """Everything at once."""
    now, result = timezone.now(), job.result
    with connection.cursor() as cursor:
        cursor.execute(_NUMBER)
        for statement in (_USERS, _ADDRESSES, _MAILBOXES):
            cursor.execute(statement, {"now": now})
        cursor.execute(_ALIASES, {"now": now})
        cursor.execute(_ALIAS_TARGETS, {"now": now})
        cursor.execute(_MEMBERS, {"now": now})
        cursor.execute(trail.LEAD_HERE)
        cursor.execute(_RECOUNT)
        cursor.execute(_COUNT_DOMAINS)
        cursor.execute(_COUNT_CUSTOMERS)
    trail.record(job.actor, "mailbox.create", _MADE)
    quotas.refresh_fill_of("SELECT mailbox_id FROM import_row")
    limited = Q(max_quota_bytes__isnull=False) | Q(max_bytes__isnull=False) | Q(customer__max_bytes__isnull=False)
    limited |= Q(customer__broker__max_bytes__isnull=False)
    for domain in Domain.objects.filter(limited, pk__in=staging.domains_named()):
        quotas.check_room(domain)
    if result.passwords and not result.dry_run:
        _keep_passwords(job.path)
    if result.invited:
        _note_invitations(job, now)
    audit.record(
        job.actor, "user.import", None, created=result.created, aliases=result.aliases, invited=result.invited,
        domains=list(result.per_domain),
    )  # fmt: skip


def _note_invitations(job: Job, now: datetime) -> None:
    """Who is to be invited, under one name; the mails go when this is committed."""
    job.result.batch = str(uuid.uuid4())
    staging.execute(
        "INSERT INTO domains_pendinginvitation (user_id, batch, created_at)"
        " SELECT user_id, %(batch)s::uuid, %(now)s FROM import_row WHERE is_invited",
        batch=job.result.batch,
        now=now,
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
       r.first_name, r.last_name, false, r.status = 'enabled', r.language, r.theme, %(now)s, r.domain_id,
       d.customer_id, '{}', '{}', 'integrated', r.distinguished_name
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
_RECOUNT = """
UPDATE domains_address SET recipient_count = found.count
FROM (SELECT address_id, count(*) AS count FROM domains_recipient
      WHERE address_id IN (SELECT DISTINCT group_id FROM import_group) GROUP BY address_id) AS found
WHERE domains_address.id = found.address_id
"""
_MADE = """
SELECT 'domains.mailbox', r.mailbox_id, r.text, jsonb_build_object('status', r.status), '{}'::jsonb, r.domain_id,
       r.customer_id, r.user_id
FROM import_row r ORDER BY r.line
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
