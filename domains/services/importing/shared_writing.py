"""Making and changing the groups and forwards of a file that nothing refused, in sets, as their services would."""

from __future__ import annotations

from django.utils import timezone

from domains.models import Address
from domains.services.importing import shared_judging, staging, trail
from domains.services.importing.running import Job


def count(job: Job) -> None:
    """What would happen, into the job's result."""
    result = job.result
    ((result.created, result.changed, result.same),) = staging.fetch(
        "SELECT count(*) FILTER (WHERE is_new), count(*) FILTER (WHERE NOT is_new AND differs <> ''),"
        " count(*) FILTER (WHERE NOT is_new AND differs = '') FROM import_row WHERE wrong = ''"
    )
    result.per_domain = trail.per_domain()
    ((result.recipients,),) = staging.fetch(
        "SELECT count(*) FROM import_member m JOIN import_row r USING (line) WHERE r.wrong = '' AND m.came"
    )
    ((result.removed,),) = staging.fetch(
        "SELECT count(*) FROM import_gone g JOIN import_row r USING (line) WHERE r.wrong = ''"
    )


def write(job: Job, kind: Address.Kind) -> None:
    """Everything at once; events as if each were made by hand."""
    _columns, recipients, counted, _limit = shared_judging.KINDS[kind]
    name, now = kind.value, timezone.now()
    with_senders = "allowed_senders" in job.heads
    _record_edits(job, name, with_senders=with_senders)
    staging.execute(_ADDRESSES, now=now, kind=name)
    staging.execute(trail.FIND_CLAIMS)
    trail.record(job.actor, f"{name}.create", _MADE_GROUP if kind == Address.Kind.GROUP else _MADE)
    staging.execute(shared_judging.TARGETS, *_CHANGE)
    if with_senders:
        staging.execute(*_SENDERS)
    staging.execute(_RECIPIENTS, now=now)
    staging.execute("DELETE FROM domains_recipient WHERE id IN (SELECT recipient_id FROM import_gone)")
    staging.execute(trail.LEAD_HERE, _RECOUNT, _COUNT_DOMAINS.format(counted=counted))
    came = "SELECT r.address_id, m.email FROM import_member m JOIN import_row r USING (line) WHERE m.came"
    gone = "SELECT r.address_id, g.email FROM import_gone g JOIN import_row r USING (line)"
    trail.record(job.actor, f"{name}.add_{recipients}", trail.named_in_parts(came))
    trail.record(job.actor, f"{name}.remove_{recipients}", trail.named_in_parts(gone))
    trail.record_import(job.actor, f"{name}.import", job.result)


def _record_edits(job: Job, kind: str, *, with_senders: bool) -> None:
    """What will be changed, before it is."""
    trail.record(job.actor, f"{kind}.edit", _EDITED)
    if with_senders:
        trail.record(job.actor, "group.set_senders", _SENDERS_SET)


_ADDRESSES = """
INSERT INTO domains_address (version, domain_id, customer_id, local, text, kind, name, description, is_enabled, senders,
                             keep_copy, recipient_count, created_at)
SELECT 1, domain_id, customer_id, local, text, %(kind)s, name, description, is_enabled, senders, true, 0, %(now)s
FROM import_row WHERE is_new ORDER BY line
"""
_CHANGE = (
    "UPDATE domains_address SET name = r.name, description = r.description, is_enabled = r.is_enabled,"
    " senders = r.senders, version = version + 1"
    " FROM import_row r WHERE r.address_id = domains_address.id AND NOT r.is_new AND r.differs <> ''",
)
_SENDERS = (
    "DELETE FROM domains_allowedsender k USING import_row r WHERE k.address_id = r.address_id"
    " AND NOT EXISTS (SELECT 1 FROM import_sender s WHERE s.line = r.line AND s.value = k.value)",
    "INSERT INTO domains_allowedsender (address_id, value) SELECT r.address_id, s.value FROM import_sender s"
    " JOIN import_row r USING (line) ON CONFLICT (address_id, value) DO NOTHING",
)
_RECIPIENTS = """
INSERT INTO domains_recipient (address_id, email, target_id, created_at)
SELECT r.address_id, m.email, m.target_id, %(now)s FROM import_member m JOIN import_row r USING (line) WHERE m.came
ORDER BY r.line, m.email
"""
_RECOUNT = """
UPDATE domains_address SET recipient_count = found.count
FROM (SELECT r.address_id, count(rc.id) AS count FROM import_row r LEFT JOIN domains_recipient rc
      ON rc.address_id = r.address_id GROUP BY r.address_id) AS found
WHERE domains_address.id = found.address_id
"""
_COUNT_DOMAINS = """
UPDATE domains_domain SET {counted} = {counted} + made.count
FROM (SELECT domain_id, count(*) AS count FROM import_row WHERE is_new GROUP BY domain_id) AS made
WHERE domains_domain.id = made.domain_id
"""
_MADE = """
SELECT 'domains.address', r.address_id, r.text, '{}'::jsonb, '{}'::jsonb, r.domain_id, r.customer_id, NULL::bigint
FROM import_row r WHERE r.is_new ORDER BY r.line
"""
_MADE_GROUP = _MADE.replace("'{}'::jsonb", "jsonb_build_object('senders', r.senders)", 1)
_EDITED = """
SELECT 'domains.address', a.id, a.text, '{}'::jsonb, e.changes, a.domain_id, a.customer_id, NULL::bigint
FROM import_row r JOIN domains_address a ON a.id = r.address_id
CROSS JOIN LATERAL (SELECT jsonb_strip_nulls(jsonb_build_object(
    'name', CASE WHEN a.name <> r.name THEN jsonb_build_array(a.name, r.name) END,
    'description', CASE WHEN a.description <> r.description THEN jsonb_build_array(a.description, r.description) END,
    'is_enabled', CASE WHEN a.is_enabled <> r.is_enabled THEN jsonb_build_array(a.is_enabled, r.is_enabled) END,
    'senders', CASE WHEN a.senders <> r.senders THEN jsonb_build_array(a.senders, r.senders) END)) AS changes) e
WHERE NOT r.is_new AND e.changes <> '{}'::jsonb ORDER BY r.line
"""
_SENDERS_SET = """
SELECT 'domains.address', a.id, a.text, '{}'::jsonb, jsonb_build_object('allowed_senders', jsonb_build_array(
           COALESCE((SELECT jsonb_agg(k.value ORDER BY k.value) FROM domains_allowedsender k
                     WHERE k.address_id = a.id), '[]'::jsonb),
           COALESCE((SELECT jsonb_agg(s.value ORDER BY s.value) FROM import_sender s WHERE s.line = r.line),
                    '[]'::jsonb))), a.domain_id, a.customer_id, NULL::bigint
FROM import_row r JOIN domains_address a ON a.id = r.address_id
WHERE NOT r.is_new AND 'allowed_senders' = ANY(string_to_array(r.differs, ' ')) ORDER BY r.line
"""
