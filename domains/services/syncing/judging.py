"""What becomes of each entry of a directory, decided in sets over the table that `reading` filled.

same: nothing changed since the last time. bind: a mailbox of this address is here, and becomes theirs. change: known,
and says something new. create: new. left: new, and nobody is made. elsewhere: in no domain of the source. conflict: it
can't be, `reason` says why. Leavers are those who are known and not in the table.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.utils.translation import gettext as _

from accounts import responsible
from accounts.models import Identity, Source
from accounts.scopes import SERVER
from domains.models import Domain, DomainName, Status
from domains.services.importing import staging


@dataclass(frozen=True, slots=True)
class Standing:
    """How many entries there are, how many people were known before, and how many of these aren't there any more."""

    entries: int
    known: int
    leavers: int

    @property
    def is_alarming(self) -> bool:
        """Nobody, or less than half of those known: more likely a mistake than everybody's leaving."""
        return self.known > 0 and (self.known - self.leavers) * 2 < self.known


def served_domains(source: Source) -> dict[str, tuple[int, str]]:
    """{name: (domain, its own name)} of the domains whose people this source answers for, under all their names."""
    domains = {each.pk: each for each in _candidates(source)}
    chains = {key: (*each.scopes(), SERVER) for key, each in domains.items()}
    found = responsible.sources_of_domains(chains)
    own = [key for key, each in found.items() if each is not None and each.pk == source.pk]
    names = DomainName.objects.filter(domain_id__in=own).values_list("name", "domain_id")
    return {name: (key, domains[key].name) for name, key in names}


def _candidates(source: Source) -> Iterator[Domain]:
    rows = Domain.objects.exclude(status__in=(Status.PURGED, Status.DELETED))
    for each in rows.iterator():
        if source.scope == SERVER or source.scope in each.scopes():
            yield each


def judge(source: Source) -> Standing:
    """Mark every entry. Changes nothing else."""
    names = served_domains(source)
    staging.update(
        "UPDATE directory_entry SET identity_id = i.id, user_id = i.user_id, shut = i.shut,"
        " what = CASE WHEN i.digest = directory_entry.digest AND i.shut <> 'gone' THEN 'same' ELSE 'change' END"
        " FROM accounts_identity i WHERE i.source_id = %s AND i.subject = directory_entry.subject",
        [source.pk],
    )
    _conflict(_("The entry has no lasting identity."), "subject = ''")
    _conflict(
        _("The directory has this identity twice."),
        "n IN (SELECT n FROM (SELECT n, row_number() OVER (PARTITION BY subject ORDER BY n) AS k FROM directory_entry)"
        " AS seen WHERE k > 1)",
    )
    _conflict(_("The entry has no address that can be served."), "local = ''")
    keys = list(names)
    staging.update(
        "UPDATE directory_entry SET domain_id = d.id, text = local || '@' || d.own"
        " FROM unnest(%s::text[], %s::bigint[], %s::text[]) AS d (name, id, own)"
        " WHERE d.name = named AND what NOT IN ('same', 'conflict')",
        [keys, [names[key][0] for key in keys], [names[key][1] for key in keys]],
    )
    staging.execute(
        "UPDATE directory_entry SET what = 'elsewhere' WHERE domain_id IS NULL AND what NOT IN ('same', 'conflict')"
    )
    _conflict(
        _("Two entries have this address."),
        "domain_id IS NOT NULL AND text IN (SELECT text FROM directory_entry WHERE domain_id IS NOT NULL"
        " GROUP BY text HAVING count(*) > 1)",
    )
    _match_mailboxes(source)
    staging.update(
        "UPDATE directory_entry SET what = %s WHERE what = ''",
        ["create" if source.told("creates_mailboxes") else "left"],
    )
    staging.execute("CREATE INDEX ON directory_entry (what, n)", "ANALYZE directory_entry")
    return _standing(source)


def _match_mailboxes(source: Source) -> None:
    """People who are here already under their address, and addresses that are something else."""
    staging.execute(
        "UPDATE directory_entry SET mailbox_id = m.id FROM domains_mailbox m"
        " WHERE m.user_id = directory_entry.user_id AND directory_entry.what = 'change'",
        "UPDATE directory_entry SET what = 'bind', mailbox_id = m.id, user_id = m.user_id FROM domains_address a"
        " JOIN domains_mailbox m ON m.claim_id = a.id WHERE a.domain_id = directory_entry.domain_id"
        " AND a.local = directory_entry.local AND a.kind = 'mailbox' AND m.user_id IS NOT NULL"
        " AND directory_entry.what = ''",
    )
    bound = "EXISTS (SELECT 1 FROM accounts_identity i WHERE i.source_id = %s AND i.user_id = directory_entry.user_id)"
    _conflict(_("This address is bound to somebody else of the directory."), f"what = 'bind' AND {bound}", [source.pk])
    _conflict(
        _("Something else has this address."),
        "what = '' AND EXISTS (SELECT 1 FROM domains_address a WHERE a.domain_id = directory_entry.domain_id"
        " AND a.local = directory_entry.local)",
    )


def leavers(source: Source) -> str:
    """A condition on `accounts_identity i`: known, not shut out as gone yet, and not in the table."""
    return (
        f"i.source_id = {int(source.pk)} AND i.shut <> 'gone'"
        " AND NOT EXISTS (SELECT 1 FROM directory_entry e WHERE e.subject = i.subject)"
    )


def _standing(source: Source) -> Standing:
    ((entries,),) = staging.fetch("SELECT count(*) FROM directory_entry")
    ((gone,),) = staging.fetch(f"SELECT count(*) FROM accounts_identity i WHERE {leavers(source)}")
    known = Identity.objects.filter(source=source).exclude(shut="gone").count()
    return Standing(entries, known, gone)


def _conflict(reason: str, where: str, values: list[object] | None = None) -> None:
    """Refuse the entries for which `where` holds and that aren't as they were. `where` is written here."""
    staging.update(
        f"UPDATE directory_entry SET what = 'conflict', reason = %s WHERE what NOT IN ('same', 'conflict') AND {where}",
        [reason, *(values or [])],
    )


def conflict(n: int, reason: str) -> None:
    """An entry that turned out not to be possible."""
    staging.update("UPDATE directory_entry SET what = 'conflict', reason = %s WHERE n = %s", [reason[:500], n])
