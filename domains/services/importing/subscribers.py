"""Subscribers of mailing lists from a CSV file. Columns: email; list, name, mode, state, posting, moderate_next.

A row without a list is for the one whose page the file was sent from. For who manages the list's domain, and for the
list's owner, as in the form; nobody is asked to confirm. Who only asked to be on a list is on it from then on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.actors import Actor
from accounts.permissions import Right
from config.kit.csv_reading import CsvRow
from domains.models import MailingList, Subscriber
from domains.services.importing import cells, staging, trail
from domains.services.importing.running import Importer, Job
from domains.services.importing.shared_judging import refuse_changes
from domains.services.importing.shared_writing import count
from domains.services.importing.staging import mark
from domains.services.lists.subscribing import MOST_MODERATED, MOST_SUBSCRIBERS
from domains.services.recipients import PER_EVENT

State = Subscriber.State
COLUMNS: dict[str, Right | None] = dict.fromkeys(("list", "email", "name", "mode", "state", "posting", "moderate_next"))
STATES = (State.SUBSCRIBED, State.WAITING, State.PAUSED)
FIELDS = ("name", "mode", "state", "posting", "moderate_next")


@dataclass(slots=True)
class SubscriberRow:
    """A row that can be read; None where it says nothing."""

    line: int
    list_local: str
    list_domain: str
    local: str
    domain: str
    name: str | None
    mode: str | None
    state: str | None
    posting: str | None
    moderate_next: int | None


def _read(row: CsvRow) -> SubscriberRow:
    """Raises: BadRow."""
    listed = cells.address(row["list"], "list") if row["list"] else ("", "")
    name = cells.words(row, {"name": 200})["name"]
    return SubscriberRow(
        row.line,
        *listed,
        *cells.address(row["email"], "email"),
        name=name if "name" in row.cells else None,
        mode=cells.one_of(row, "mode", Subscriber.Mode.values) or None,
        state=cells.one_of(row, "state", [str(each) for each in STATES]) or None,
        posting=cells.one_of(row, "posting", Subscriber.Posting.values) or None,
        moderate_next=cells.whole_number(row, "moderate_next", MOST_MODERATED),
    )


def _require(actor: Actor) -> None:
    """Who manages lists somewhere, or owns one. Raises: Forbidden."""
    if actor.user is None or actor.acting is not None or not _owned(actor):
        actor.require_somewhere(Right.MANAGE_LISTS)


def _owned(actor: Actor) -> bool:
    return MailingList.objects.filter(owner__user=actor.user).exists()


def _make_tables() -> None:
    """local, named, text: the list's address."""
    staging.make_tables(
        "list_id bigint, address_id bigint, email text, email_local text, email_named text, target_id bigint,"
        " name text, mode text, state text, posting text, moderate_next integer, subscriber_id bigint,"
        " is_new boolean NOT NULL DEFAULT true, differs text NOT NULL DEFAULT ''",
        import_member="line integer, came boolean",
        import_gone="line integer",
    )


def _stage(rows: Sequence[SubscriberRow]) -> None:
    staging.copy(
        "import_row",
        ("line", "local", "named", "email_local", "email_named", *FIELDS),
        (
            (
                r.line,
                r.list_local,
                r.list_domain,
                r.local,
                r.domain,
                r.name,
                r.mode,
                r.state,
                r.posting,
                r.moderate_next,
            )
            for r in rows
        ),
    )


def _judge(job: Job) -> None:
    staging.analyze("import_row")
    _find_lists(job)
    staging.execute(
        "UPDATE import_row SET email = email_local || '@' || COALESCE((SELECT d.name FROM domains_domainname n"
        " JOIN domains_domain d ON d.id = n.domain_id WHERE n.name = email_named AND d.status <> 'purged'),"
        " email_named)",
        "UPDATE import_row SET target_id = a.id FROM domains_address a WHERE a.text = import_row.email",
    )
    mark(
        "email",
        _("This address stands in the file twice."),
        "line IN (SELECT line FROM (SELECT line, row_number() OVER (PARTITION BY list_id, email ORDER BY line) AS n"
        " FROM import_row WHERE list_id IS NOT NULL) AS seen WHERE n > 1)",
    )
    staging.execute(*_FIND)
    refuse_changes(job)
    mark(
        "email",
        _("A list has at most %(most)d subscribers.") % {"most": MOST_SUBSCRIBERS},
        "is_new AND line IN (SELECT line FROM (SELECT r.line, l.subscriber_count + row_number() OVER (PARTITION BY"
        " r.list_id ORDER BY r.line) AS n FROM import_row r JOIN domains_mailinglist l ON l.id = r.list_id"
        f" WHERE r.is_new AND r.wrong = '') AS added WHERE n > {MOST_SUBSCRIBERS})",
    )


def _find_lists(job: Job) -> None:
    """The lists that the actor manages, by their address; others don't exist for them. Holds them."""
    may, values = staging.within(job.actor.reach(Right.MANAGE_LISTS), "a")
    owner = job.actor.user.pk if job.actor.user is not None and job.actor.acting is None else 0
    found = (
        "SELECT l.id, a.id AS address_id, a.local, a.text, a.domain_id, a.customer_id FROM domains_mailinglist l"
        " JOIN domains_address a ON a.id = l.address_id JOIN domains_mailbox o ON o.id = l.owner_id"
        f" WHERE {may} OR o.user_id = %s"
    )
    take = (
        "UPDATE import_row SET list_id = l.id, address_id = l.address_id, text = l.text, domain_id = l.domain_id,"
        " customer_id = l.customer_id"
    )
    staging.update(
        f"{take} FROM ({found}) l JOIN domains_domainname n ON n.domain_id = l.domain_id"
        " WHERE l.local = import_row.local AND n.name = import_row.named",
        [*values, owner],
    )
    if job.list_id is not None:
        staging.update(
            f"{take} FROM ({found}) l WHERE import_row.local = '' AND l.id = %s", [*values, owner, job.list_id]
        )
    mark("list", _("Say which list."), "local = '' AND list_id IS NULL")
    mark("list", _("There is no such list, or it isn't yours to change."), "list_id IS NULL")
    staging.fetch(
        "SELECT id FROM domains_mailinglist WHERE id IN (SELECT list_id FROM import_row) ORDER BY id FOR UPDATE"
    )


def _write(job: Job) -> None:
    now = timezone.now()
    trail.record(job.actor, "list.edit_subscriber", _EDITED)
    staging.execute(_CHANGE, _NEW, now=now)
    staging.execute(*_RECOUNT)
    trail.record(job.actor, "list.subscribe", _SUBSCRIBED)
    trail.record_import(job.actor, "subscriber.import", job.result)


SUBSCRIBERS: Importer[SubscriberRow] = Importer(
    name="subscribers",
    columns=COLUMNS,
    required=("email",),
    require=_require,
    make_tables=_make_tables,
    read=_read,
    stage=_stage,
    judge=_judge,
    count=count,
    write=_write,
)

# Who is on the list already; who only asked is as if they weren't, and is taken from there.
_FIND = (
    "UPDATE import_row SET subscriber_id = s.id, is_new = s.state = 'unconfirmed',"
    " name = COALESCE(import_row.name, s.name), mode = COALESCE(import_row.mode, s.mode),"
    " state = COALESCE(import_row.state, CASE WHEN s.state = 'unconfirmed' THEN 'subscribed' ELSE s.state END),"
    " posting = COALESCE(import_row.posting, s.posting),"
    " moderate_next = COALESCE(import_row.moderate_next, s.moderate_next)"
    " FROM domains_subscriber s WHERE s.list_id = import_row.list_id AND s.email = import_row.email",
    "UPDATE import_row SET name = COALESCE(name, ''), mode = COALESCE(mode, 'feed'), state = COALESCE(state,"
    " 'subscribed'), posting = COALESCE(posting, 'normal'), moderate_next = COALESCE(moderate_next, 0)",
    "UPDATE import_row SET differs = concat_ws(' ', "
    + ", ".join(f"CASE WHEN s.{name} <> import_row.{name} THEN '{name}' END" for name in FIELDS)
    + ") FROM domains_subscriber s WHERE s.id = subscriber_id AND NOT is_new",
)
_CHANGE = """
UPDATE domains_subscriber SET name = r.name, mode = r.mode, state = r.state, posting = r.posting,
       moderate_next = r.moderate_next, confirm_hash = '', confirm_until = NULL,
       bounces = CASE WHEN domains_subscriber.state = 'paused' AND r.state <> 'paused' THEN 0 ELSE bounces END,
       subscribed_at = CASE WHEN r.is_new THEN %(now)s ELSE subscribed_at END
FROM import_row r WHERE r.subscriber_id = domains_subscriber.id AND (r.is_new OR r.differs <> '')
"""
_NEW = """
INSERT INTO domains_subscriber (list_id, email, target_id, name, mode, state, posting, moderate_next, posts, bounces,
                                subscribed_at, confirm_hash)
SELECT list_id, email, target_id, name, mode, state, posting, moderate_next, 0, 0, %(now)s, ''
FROM import_row WHERE subscriber_id IS NULL ORDER BY line
"""
_RECOUNT = (
    "UPDATE domains_mailinglist SET subscriber_count = (SELECT count(*) FROM domains_subscriber s"
    " WHERE s.list_id = domains_mailinglist.id AND s.state IN ('subscribed', 'paused') AND s.mode <> 'banned')"
    " WHERE id IN (SELECT list_id FROM import_row)",
    "UPDATE domains_address SET recipient_count = l.subscriber_count FROM domains_mailinglist l"
    " WHERE l.address_id = domains_address.id AND l.id IN (SELECT list_id FROM import_row)",
)
_SUBSCRIBED = f"""
SELECT 'domains.address', r.address_id, r.text, jsonb_build_object('count', count(*), 'subscribers',
       jsonb_agg(r.email ORDER BY r.email)), '{{}}'::jsonb, r.domain_id, r.customer_id, NULL::bigint
FROM (SELECT *, (row_number() OVER (PARTITION BY list_id ORDER BY email) - 1) / {PER_EVENT} AS part FROM import_row
      WHERE is_new) r
GROUP BY r.address_id, r.text, r.domain_id, r.customer_id, r.part ORDER BY r.address_id, r.part
"""
_EDITED = (
    "SELECT 'domains.address', r.address_id, r.text, jsonb_build_object('subscriber', r.email),"
    " jsonb_strip_nulls(jsonb_build_object("
    + ", ".join(
        f"'{name}', CASE WHEN s.{name} <> r.{name} THEN jsonb_build_array(s.{name}, r.{name}) END" for name in FIELDS
    )
    + ")), r.domain_id, r.customer_id, NULL::bigint FROM import_row r JOIN domains_subscriber s"
    " ON s.id = r.subscriber_id WHERE NOT r.is_new AND r.differs <> '' ORDER BY r.line"
)
