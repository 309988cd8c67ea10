"""Where users' mail is forwarded to, from a CSV file. Columns: email, forward_to; keep_copy (yes or no).

For who manages the user's addresses and holds no less than they do, as in the form (`services.forwards`); people's own
forwarding as far as their domain lets them. Without an address the user forwards nothing. A user may go on in further
rows, which add to where their mail goes. The user among their own addresses means a copy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.actors import Actor
from accounts.membership import beyond
from accounts.permissions import EndUserRight, Right
from config.kit.csv_reading import CsvRow
from domains.services.importing import cells, shared_judging, staging, trail
from domains.services.importing.running import Importer, Job
from domains.services.importing.shared_writing import count
from domains.services.importing.staging import mark
from domains.services.recipients import AT_MOST

COLUMNS: dict[str, Right | None] = dict.fromkeys(("email", "forward_to", "keep_copy"))
FIELDS = {"keep_copy": "keep_copy"}


@dataclass(slots=True)
class ForwardingRow:
    """A row that can be read. keep_copy: None where it says nothing."""

    line: int
    local: str
    domain: str
    targets: list[tuple[str, str]]
    keep_copy: bool | None


def _read(row: CsvRow) -> ForwardingRow:
    """Raises: BadRow."""
    kept = cells.one_of(row, "keep_copy", cells.YES | cells.NO)
    local, domain = cells.address(row["email"], "email")
    return ForwardingRow(
        row.line, local, domain, cells.addresses(row, "forward_to"), None if not kept else kept in cells.YES
    )


def _make_tables() -> None:
    """address_id: the claim of the mailbox. came, import_gone: as in `shared_judging`."""
    staging.make_tables(
        "keep_copy boolean, address_id bigint, mailbox_id bigint, user_id bigint, first_line integer,"
        " is_new boolean NOT NULL DEFAULT false, differs text NOT NULL DEFAULT ''",
        import_member="line integer, local text, named text, email text, target_id bigint, came boolean DEFAULT true",
        import_sender="line integer, value text",
        import_gone="line integer, recipient_id bigint, email text",
    )


def _stage(rows: Sequence[ForwardingRow]) -> None:
    staging.copy(
        "import_row",
        ("line", "local", "named", "keep_copy"),
        ((row.line, row.local, row.domain, row.keep_copy) for row in rows),
    )
    targets = ((row.line, local, domain) for row in rows for local, domain in row.targets)
    staging.copy("import_member", ("line", "local", "named"), targets)


def _judge(job: Job) -> None:
    staging.index_lines("import_member", "import_gone")
    staging.analyze("import_row", "import_member")
    _find_mailboxes(job.actor)
    _mark_people(job.actor)
    staging.execute(
        "SELECT id FROM domains_address WHERE id IN (SELECT address_id FROM import_row) ORDER BY id FOR UPDATE"
    )
    shared_judging.join_rows("forward_to", FIELDS)
    staging.execute(
        shared_judging.RESOLVE, shared_judging.TARGETS, shared_judging.EACH_ONCE,
        # themselves: a copy
        "UPDATE import_row SET keep_copy = true WHERE EXISTS (SELECT 1 FROM import_member m"
        " WHERE m.line = import_row.line AND m.email = text)",
        "DELETE FROM import_member m USING import_row r WHERE r.line = m.line AND m.email = r.text",
        # as it is where it says nothing; who forwards nowhere keeps what comes
        "UPDATE import_row SET keep_copy = COALESCE(import_row.keep_copy, a.keep_copy)"
        " OR NOT EXISTS (SELECT 1 FROM import_member m WHERE m.line = import_row.line)"
        " FROM domains_address a WHERE a.id = import_row.address_id",
    )  # fmt: skip
    staging.analyze("import_row", "import_member")
    crowded = f"line IN (SELECT line FROM import_member GROUP BY line HAVING count(*) > {AT_MOST})"
    mark("forward_to", _("At most %(count)s addresses fit here.") % {"count": AT_MOST}, crowded)
    shared_judging.compare_recipients(with_gone=True)
    staging.execute(
        "UPDATE import_row SET is_new = a.recipient_count = 0, differs = concat_ws(' ',"
        f" CASE WHEN {shared_judging.RECIPIENTS_DIFFER} THEN 'forward_to' END,"
        " CASE WHEN r.keep_copy <> a.keep_copy THEN 'keep_copy' END)"
        " FROM import_row r JOIN domains_address a ON a.id = r.address_id WHERE r.line = import_row.line",
        "UPDATE import_row SET is_new = false WHERE differs = ''",
    )
    shared_judging.refuse_changes(job)


def _find_mailboxes(actor: Actor) -> None:
    """Whose they are, in the actor's reach; others don't exist for them."""
    reach = actor.reach(Right.MANAGE_ADDRESSES)
    there, values = staging.within(reach, "m")
    own = actor.user.pk if actor.user is not None and actor.acting is None else 0
    staging.update(
        "UPDATE import_row SET mailbox_id = m.id, user_id = m.user_id, address_id = c.id, text = c.text,"
        " local = c.local, domain_id = m.domain_id, customer_id = m.customer_id"
        " FROM domains_domainname n JOIN domains_address c ON c.domain_id = n.domain_id"
        " JOIN domains_mailbox m ON m.claim_id = c.id WHERE n.name = import_row.named AND c.local = import_row.local"
        f" AND m.status <> 'purged' AND ({there} OR m.user_id = ANY(%s))",
        [*values, [*reach.users, own]],
    )
    mark("email", _("There is no such user."), "mailbox_id IS NULL")


def _mark_people(actor: Actor) -> None:
    """Nobody forwards the mail of who holds more; one's own as far as the domain lets people do it."""
    own = actor.user.pk if actor.user is not None else 0
    people = [pk for (pk,) in staging.fetch("SELECT DISTINCT user_id FROM import_row WHERE user_id IS NOT NULL")]
    above = [*beyond(actor, [pk for pk in people if pk != own])]
    if own in people and not actor.may(EndUserRight.MANAGE_FORWARDING):
        above.append(own)
    mark("email", _("You may not change where the mail of this person goes."), "user_id = ANY(%s)", [above])


def _write(job: Job) -> None:
    """As `set_forwarding` for each."""
    staging.execute("DELETE FROM import_row WHERE differs = ''")
    trail.record(job.actor, "mailbox.set_forwarding", _SET)
    staging.execute(shared_judging.TARGETS)
    staging.execute(
        "DELETE FROM domains_recipient WHERE id IN (SELECT g.recipient_id FROM import_gone g JOIN import_row"
        " USING (line))",
        "INSERT INTO domains_recipient (address_id, email, target_id, created_at)"
        " SELECT r.address_id, m.email, m.target_id, %(now)s FROM import_member m JOIN import_row r USING (line)"
        " WHERE m.came ORDER BY r.line, m.email",
        "UPDATE domains_address SET keep_copy = r.keep_copy,"
        " version = version + array_length(string_to_array(r.differs, ' '), 1), recipient_count ="
        " (SELECT count(*) FROM domains_recipient rc WHERE rc.address_id = domains_address.id)"
        " FROM import_row r WHERE r.address_id = domains_address.id",
        now=timezone.now(),
    )
    trail.record_import(job.actor, "forwarding.import", job.result)


FORWARDING: Importer[ForwardingRow] = Importer(
    name="forwarding",
    columns=COLUMNS,
    required=("email", "forward_to"),
    require=lambda actor: actor.require_somewhere(Right.MANAGE_ADDRESSES),
    make_tables=_make_tables,
    read=_read,
    stage=_stage,
    judge=_judge,
    count=count,
    write=_write,
)

_SET = """
SELECT 'domains.mailbox', b.id, b.address, '{}'::jsonb, jsonb_strip_nulls(jsonb_build_object(
    'keep_copy', CASE WHEN a.keep_copy <> r.keep_copy THEN jsonb_build_array(a.keep_copy, r.keep_copy) END,
    'forwarding', CASE WHEN 'forward_to' = ANY(string_to_array(r.differs, ' ')) THEN jsonb_build_array(
        COALESCE((SELECT jsonb_agg(g.email ORDER BY g.email) FROM import_gone g WHERE g.line = r.line), '[]'::jsonb),
        COALESCE((SELECT jsonb_agg(m.email ORDER BY m.email) FROM import_member m WHERE m.line = r.line AND m.came),
                 '[]'::jsonb)) END)), b.domain_id, b.customer_id, b.user_id
FROM import_row r JOIN domains_address a ON a.id = r.address_id JOIN domains_mailbox b ON b.id = r.mailbox_id
ORDER BY r.line
"""
