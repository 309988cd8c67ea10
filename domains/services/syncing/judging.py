"""What becomes of each entry of a directory, decided in sets over the table that `reading` filled.

same: nothing changed since the last time. bind: a mailbox of this address is here, and becomes theirs. change: known,
and says something new; with a `reason` their address stays as it is, and the rest is taken over. create: new. left:
new, and nobody is made. elsewhere: new, and in no domain of the source. conflict: it can't be, `reason` says why.
Leavers are those who are known, of domains of the source, and not in the table.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.utils.translation import gettext as _

from accounts import responsible
from accounts.models import Grant, Source
from accounts.scopes import SERVER
from domains.models import Domain, DomainName, Status
from domains.services.importing import staging

SOME, MANY = 3, 10
IS_IN = "SELECT 1 FROM directory_domain d WHERE d.id = "


@dataclass(frozen=True, slots=True)
class Standing:
    """How many entries there are, how many people were known before, how many of these aren't there any more, and how
    many people who come in now the directory calls disabled. bound: become known with this run. holders: people who
    hold something by its groups, of whom `losers` would lose some of it without being shut out.
    """

    entries: int
    known: int
    leavers: int
    disabled: int = 0
    bound: int = 0
    holders: int = 0
    losers: int = 0

    @property
    def shut_out(self) -> int:
        return self.leavers + self.disabled

    @property
    def at_stake(self) -> int:
        """The number that is confirmed."""
        return self.shut_out + self.losers

    @property
    def is_alarming(self) -> bool:
        """More than half of those known are gone, or would be shut out if they are some, or of many more than a fifth:
        more likely a mistake than everybody's leaving. The same of who would lose what groups gave them, and where
        some hold something and all would: groups that can't be read are empty.
        """
        out, people = self.shut_out, self.known + self.bound
        return self.leavers * 2 > self.known or _is_much(out, people) or self._strips

    @property
    def _strips(self) -> bool:
        return SOME <= self.losers == self.holders or _is_much(self.losers, self.holders)


def _is_much(some: int, of_all: int) -> bool:
    return (some > SOME and some * 2 > of_all) or (some > MANY and some * 5 > of_all)


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
    _keep_domains(source)
    staging.update(
        "UPDATE directory_entry SET identity_id = i.id, user_id = i.user_id, mailbox_id = m.id,"
        " here = COALESCE(m.address, ''), home_id = m.domain_id, what = CASE WHEN i.digest = directory_entry.digest"
        " AND i.shut NOT IN ('gone', 'left') THEN 'same' ELSE 'change' END"
        " FROM accounts_identity i LEFT JOIN domains_mailbox m ON m.user_id = i.user_id"
        " WHERE i.source_id = %s AND i.subject = directory_entry.subject",
        [source.pk],
    )
    _place_addresses()
    _conflict(_("The entry has no lasting identity."), "subject = ''")
    _conflict(_("The directory has this identity twice."), _several("subject"))
    _conflict(
        _("Another source answers for this person now."),
        f"identity_id IS NOT NULL AND home_id IS NOT NULL AND NOT EXISTS ({IS_IN} home_id)",
    )
    _stuck(_("The entry has no address that can be served."), "local = ''")
    staging.execute("UPDATE directory_entry SET what = 'elsewhere' WHERE domain_id IS NULL AND what = ''")
    _stuck(_("The address is in no domain of this source."), "domain_id IS NULL")
    _stuck(_("Two entries have this address."), _several("text", "domain_id IS NOT NULL"))
    _match_mailboxes(source)
    staging.update(
        "UPDATE directory_entry SET what = %s WHERE what = ''",
        ["create" if source.told("creates_mailboxes") else "left"],
    )
    staging.execute(
        "CREATE INDEX ON directory_entry (what, n)", "CREATE INDEX ON directory_entry (domain_id, local)",
        "ANALYZE directory_entry",
    )  # fmt: skip
    return _standing(source)


def _keep_domains(source: Source) -> None:
    """`directory_domain`: each name of a domain of the source, its domain, and what that calls itself."""
    names = served_domains(source)
    keys = list(names)
    staging.execute("CREATE TEMPORARY TABLE directory_domain (name text PRIMARY KEY, id bigint, own text)")
    staging.copy("directory_domain", ("name", "id", "own"), ((key, *names[key]) for key in keys))
    staging.execute("CREATE INDEX ON directory_domain (id)", "ANALYZE directory_domain")


def _place_addresses() -> None:
    """The domain of each entry that isn't as it was, and its addresses under the domains' own names. Who is known keeps
    the address they have, where it is one of several.
    """
    staging.execute(
        "UPDATE directory_entry SET local = split_part(here, '@', 1), named = split_part(here, '@', 2)"
        " WHERE what = 'change' AND here = ANY(others)",
        "UPDATE directory_entry SET domain_id = d.id, text = local || '@' || d.own FROM directory_domain d"
        " WHERE d.name = named AND what <> 'same'",
        "UPDATE directory_entry SET aliases = ARRAY(SELECT DISTINCT split_part(a.text, '@', 1) || '@' || d.own"
        " FROM unnest(directory_entry.aliases) a (text)"
        " JOIN directory_domain d ON d.name = split_part(a.text, '@', 2)"
        " WHERE split_part(a.text, '@', 1) || '@' || d.own <> directory_entry.text ORDER BY 1)"
        " WHERE what <> 'same' AND aliases <> '{}'",
        "ANALYZE directory_entry",
    )


def _match_mailboxes(source: Source) -> None:
    """People who are here already under their address, and addresses that are something else."""
    staging.execute(
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


def known(source: Source) -> str:
    """What follows FROM: those known to a source, of its own domains, who aren't gone."""
    return (
        "accounts_identity i LEFT JOIN domains_mailbox m ON m.user_id = i.user_id"
        f" WHERE i.source_id = {int(source.pk)} AND i.shut NOT IN ('gone', 'left')"
        f" AND (m.id IS NULL OR EXISTS ({IS_IN} m.domain_id))"
    )


def leavers(source: Source) -> str:
    """What follows FROM: of these who isn't in the table, also not with an identity that can't be read."""
    return (
        f"{known(source)} AND NOT EXISTS (SELECT 1 FROM directory_entry e WHERE e.subject = i.subject)"
        " AND NOT EXISTS (SELECT 1 FROM directory_entry e WHERE e.subject = '' AND e.text = m.address)"
    )


DISABLED_NOW = (  # what follows FROM: who comes in now and is disabled there
    "directory_entry e JOIN accounts_user u ON u.id = e.user_id"
    " WHERE e.what IN ('bind', 'change') AND e.is_disabled AND u.is_active"
)


LOSERS = (  # what follows FROM: who holds something by a group (%s: the source) in which they aren't any more
    "directory_entry e JOIN accounts_grant g ON g.user_id = e.user_id"
    " WHERE e.what IN ('bind', 'change') AND e.is_disabled IS NOT TRUE AND g.source_id = %s"
    " AND NOT EXISTS (SELECT 1 FROM accounts_grouprole r WHERE r.source_id = g.source_id"
    ' AND r.level = g.level AND r.object_id = g.object_id AND r."group" = ANY(e.groups))'
)


def threatened(source: Source, most: int, *, with_leavers: bool) -> list[str]:
    """Addresses of those whom a run would shut out, so many at most."""
    email = "(SELECT email FROM accounts_user u WHERE u.id = i.user_id)"
    query = f"SELECT {email} FROM {leavers(source)} ORDER BY i.id LIMIT %s"
    gone = staging.fetch(query, [most if with_leavers else 0])
    disabled = staging.fetch(f"SELECT u.email FROM {DISABLED_NOW} ORDER BY e.n LIMIT %s", [most])
    return [address for (address,) in (*gone, *disabled)][:most]


def _standing(source: Source) -> Standing:
    ((entries, bound),) = staging.fetch("SELECT count(*), count(*) FILTER (WHERE what = 'bind') FROM directory_entry")
    ((gone,),) = staging.fetch(f"SELECT count(*) FROM {leavers(source)}")
    ((before,),) = staging.fetch(f"SELECT count(*) FROM {known(source)}")
    ((disabled,),) = staging.fetch(f"SELECT count(*) FROM {DISABLED_NOW}")
    ((losers,),) = staging.fetch(f"SELECT count(DISTINCT e.user_id) FROM {LOSERS}", [source.pk])
    holders = Grant.objects.filter(source=source).values("user").distinct().count()
    return Standing(entries, before, gone, disabled, bound, holders, losers)


def _several(column: str, where: str = "true") -> str:
    """A condition: others have the same there. Both are written here."""
    return (
        f"n IN (SELECT n FROM (SELECT n, count(*) OVER (PARTITION BY {column}) AS k FROM directory_entry"
        f" WHERE {column} <> '' AND {where}) AS seen WHERE k > 1)"
    )


def _conflict(reason: str, where: str, values: list[object] | None = None) -> None:
    """Refuse the entries for which `where` holds and that aren't as they were. `where` is written here."""
    staging.update(
        f"UPDATE directory_entry SET what = 'conflict', reason = %s WHERE what IN ('', 'bind', 'change') AND {where}",
        [reason, *(values or [])],
    )


def _stuck(reason: str, where: str) -> None:
    """The address of these can't be: who is new is refused, who is known keeps the one they have."""
    staging.update(
        "UPDATE directory_entry SET reason = %s, text = CASE WHEN what = 'change' THEN '' ELSE text END,"
        " what = CASE WHEN what = 'change' THEN what ELSE 'conflict' END"
        f" WHERE what IN ('', 'change') AND reason = '' AND {where}",
        [reason],
    )


def conflict(n: int, reason: str) -> None:
    """An entry that turned out not to be possible."""
    staging.update("UPDATE directory_entry SET what = 'conflict', reason = %s WHERE n = %s", [reason[:500], n])
