"""What the kinds of imports share when they write: events in sets, claims found again, what leads to new ones."""

from __future__ import annotations

from typing import Any

from django.db import connection
from django.utils import timezone

from accounts import audit
from accounts.actors import Actor
from domains.services.importing import staging
from domains.services.importing.results import ImportResult
from domains.services.recipients import PER_EVENT

# the claims of the rows, after they were made
FIND_CLAIMS = """
UPDATE import_row SET address_id = a.id FROM domains_address a
WHERE a.domain_id = import_row.domain_id AND a.local = import_row.local
"""
# Recipients elsewhere that named these addresses lead to them from now on, as with every claim.
LEAD_HERE = """
UPDATE domains_recipient SET target_id = r.address_id, email = r.text
FROM import_row r JOIN domains_domainname n ON n.domain_id = r.domain_id
WHERE domains_recipient.target_id IS NULL AND domains_recipient.email = r.local || '@' || n.name
  AND domains_recipient.address_id <> r.address_id
  AND NOT EXISTS (SELECT 1 FROM domains_recipient own
                  WHERE own.address_id = domains_recipient.address_id AND own.email = r.text
                    AND own.id <> domains_recipient.id)
"""


def record_import(actor: Actor, action: str, result: ImportResult) -> None:
    """The one event of a whole file, beside those of its rows."""
    audit.record(
        actor, action, None, created=result.created, changed=result.changed, same=result.same,
        domains=list(result.per_domain),
    )  # fmt: skip


def record(actor: Actor, action: str, source: str, values: dict[str, Any] | None = None) -> None:
    """One event for each row of a query.

    source: (object type, id, label, details, changes, domain, customer, person), written here.
    """
    event = audit.build(actor, action)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO accounts_auditevent (at, actor_id, actor_label, action, object_type, object_id,"
            " object_label, details, changes, reason, address, via, domain_id, customer_id, about_user_id)"
            " SELECT %(at)s, %(actor)s, %(label)s, %(action)s, e.type, e.id::text, left(e.label, 300), e.details,"
            " e.changes, %(reason)s, %(address)s, %(via)s, e.domain, e.customer, e.person"
            f" FROM ({source}) AS e (type, id, label, details, changes, domain, customer, person)",
            {
                "at": timezone.now(),
                "actor": event.actor_id,
                "label": event.actor_label,
                "action": action,
                "address": event.address,
                "via": event.via or "import",
                "reason": event.reason,
                **(values or {}),
            },
        )


def named_in_parts(pairs: str) -> str:
    """A source of events about addresses, each naming at most a thousand others, as `recipients.record` does.

    pairs: a query of (address_id, email).
    """
    return f"""
    SELECT 'domains.address', a.id, a.text,
           jsonb_build_object('count', count(*), 'emails', jsonb_agg(p.email ORDER BY p.email)), '{{}}'::jsonb,
           a.domain_id, a.customer_id, NULL::bigint
    FROM (SELECT address_id, email, (row_number() OVER (PARTITION BY address_id ORDER BY email) - 1) / {PER_EVENT}
          AS part FROM ({pairs}) AS each) AS p
    JOIN domains_address a ON a.id = p.address_id GROUP BY a.id, p.part ORDER BY a.id, p.part
    """


def per_domain() -> dict[str, int]:
    """How many rows each domain gets; the fifty with the most."""
    rows = staging.fetch(
        "SELECT d.name, count(*) FROM import_row r JOIN domains_domain d ON d.id = r.domain_id"
        " WHERE r.wrong = '' GROUP BY d.name ORDER BY 2 DESC, 1 LIMIT 50"
    )
    return dict(rows)
