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
from django.db.models import F
from django.utils import timezone

from accounts import audit
from accounts.permissions import Right
from config.kit.csv_reading import CsvFile
from domains.models import Customer, Domain, PendingPassword
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
        cursor.execute(_USERS, {"now": now})
        cursor.execute("UPDATE import_row SET user_id = u.id FROM accounts_user u WHERE u.email = import_row.text")
        cursor.execute(_ADDRESSES, {"now": now})
        cursor.execute(trail.FIND_CLAIMS)
        cursor.execute(_MAILBOXES, {"now": now})
        cursor.execute(_ALIASES, {"now": now})
        cursor.execute(_ALIAS_TARGETS, {"now": now})
        cursor.execute(_MEMBERS, {"now": now})
        cursor.execute(trail.LEAD_HERE)
        cursor.execute(_RECOUNT)
    trail.record(job.actor, "mailbox.create", _MADE)
    _count_domains()
    for domain in Domain.objects.filter(pk__in=staging.domains_named()):
        quotas.refresh_fill(domain=domain)
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


def _count_domains() -> None:
    """The counts of domains and customers, once. They were locked when limits were judged."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT r.domain_id, count(*), count(*) FILTER (WHERE r.status = 'enabled'),"
            " (SELECT count(*) FROM import_alias i JOIN import_row o USING (line) WHERE o.domain_id = r.domain_id)"
            " FROM import_row r GROUP BY r.domain_id"
        )
        counts = cursor.fetchall()
    for domain_id, mailboxes, active, aliases in counts:
        Domain.objects.filter(pk=domain_id).update(
            mailbox_count=F("mailbox_count") + mailboxes,
            active_count=F("active_count") + active,
            alias_count=F("alias_count") + aliases,
        )
        Customer.objects.filter(domains=domain_id).update(mailbox_count=F("mailbox_count") + mailboxes)


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


_USERS = """
INSERT INTO accounts_user (version, password, email, name, first_name, last_name, is_administrator, is_active, language,
                           theme, created_at, home_domain_id, home_customer_id, privileges, denied_rights,
                           authentication, distinguished_name)
SELECT 1, '!' || replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''), r.text, r.name, r.first_name,
       r.last_name, false, r.status = 'enabled', r.language, r.theme, %(now)s, r.domain_id, d.customer_id, '{}', '{}',
       'integrated', ''
FROM import_row r JOIN domains_domain d ON d.id = r.domain_id ORDER BY r.line
"""
_ADDRESSES = """
INSERT INTO domains_address (version, domain_id, customer_id, local, text, kind, name, description, is_enabled, senders,
                             keep_copy, recipient_count, created_at)
SELECT 1, r.domain_id, d.customer_id, r.local, r.text, 'mailbox', '', '', r.status = 'enabled', 'anyone', true, 0,
       %(now)s
FROM import_row r JOIN domains_domain d ON d.id = r.domain_id ORDER BY r.line
"""
_MAILBOXES = """
INSERT INTO domains_mailbox (version, domain_id, customer_id, claim_id, address, user_id, status, status_before, name,
                             quota_bytes, used_bytes, used_messages, fill_permille, transport, policy_id, policy_values,
                             created_at)
SELECT 1, r.domain_id, d.customer_id, r.address_id, r.text, r.user_id, r.status, '',
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
SELECT 'domains.mailbox', m.id, m.address, jsonb_build_object('status', m.status), '{}'::jsonb, m.domain_id,
       m.customer_id, m.user_id
FROM import_row r JOIN domains_mailbox m ON m.claim_id = r.address_id ORDER BY r.line
"""
