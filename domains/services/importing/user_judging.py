"""What only the database can say of the users to import, in sets over the staged rows."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.translation import gettext as _

from accounts import password_rules
from accounts.models import OptionValue
from accounts.permissions import Right
from domains import inheritance
from domains.models import Domain
from domains.services.importing import staging
from domains.services.importing.running import Job
from domains.services.importing.staging import mark
from domains.services.importing.user_rows import COLUMNS, UserRow

_COLUMNS = (
    "line", "local", "named", "name", "first_name", "last_name", "language", "status", "has_password",
    "password_length", "password_kinds", "quota_bytes", "policy",
)  # fmt: skip
# the columns that take a right of their own, and when a row says something there
GIVEN = {
    "password": "has_password",
    "quota_mb": "quota_bytes IS NOT NULL",
    "policy": "policy <> ''",
    "aliases": "line IN (SELECT line FROM import_alias)",
    "groups": "line IN (SELECT line FROM import_group)",
}


def make_tables() -> None:
    staging.make_tables(
        "name text, first_name text, last_name text, language text, status text, has_password boolean,"
        " password_length integer, password_kinds integer, quota_bytes bigint, policy text, theme text,"
        " policy_id bigint, user_id bigint, address_id bigint, distinguished_name text NOT NULL DEFAULT '',"
        " mailbox_id bigint, is_invited boolean NOT NULL DEFAULT false",
        import_alias="line integer, local text",
        import_group="line integer, local text, group_id bigint",
    )


def stage(rows: Sequence[UserRow]) -> None:
    """Put rows into the tables. Nothing of passwords goes there but whether there is one, how long and how mixed."""
    staging.copy(
        "import_row",
        _COLUMNS,
        (
            (row.line, row.local, row.domain, row.name, row.first_name, row.last_name, row.language, row.status,
             bool(row.password), len(row.password), password_rules.kinds_in(row.password), row.quota_bytes, row.policy)
            for row in rows
        ),
    )  # fmt: skip
    staging.copy("import_alias", ("line", "local"), ((row.line, local) for row in rows for local in row.aliases))
    staging.copy("import_group", ("line", "local"), ((row.line, local) for row in rows for local in row.groups))


def judge(job: Job) -> None:
    """Mark what can't be."""
    staging.analyze("import_row", "import_alias", "import_group")
    staging.settle_domains(job.actor, Right.MANAGE_USERS, COLUMNS, job.heads, GIVEN)
    domains = list(Domain.objects.filter(pk__in=staging.domains_named()).select_related("customer"))
    _fill_in(domains)
    _judge_passwords(domains)
    staging.mark_twice()
    staging.mark_taken()
    mark("email", _("Somebody signs in with this address already."), "EXISTS (SELECT 1 FROM domains_domainname n"
         " JOIN accounts_user u ON u.email = import_row.local || '@' || n.name"
         " WHERE n.domain_id = import_row.domain_id)")  # fmt: skip
    _judge_aliases()
    _judge_groups()
    _judge_policies()
    staging.cut("email", "max_mailboxes", "mailbox_count", "SELECT line, 1 AS n FROM import_row WHERE wrong = ''")
    staging.cut("aliases", "max_aliases", "alias_count", "SELECT line, count(*) AS n FROM import_alias GROUP BY line")


def _judge_passwords(domains: list[Domain]) -> None:
    """By the rules of the domain; those of the server alone were asked while the file was read."""
    of_rules: dict[tuple[int, int], list[int]] = {}
    for domain, least in zip(domains, password_rules.least_of(domains), strict=True):
        of_rules.setdefault(least, []).append(domain.pk)
    for (length, kinds), keys in of_rules.items():
        there = "has_password AND domain_id = ANY(%s)"
        mark("password", password_rules.too_short(length), f"{there} AND password_length < %s", [keys, length])
        mark("password", password_rules.too_plain(kinds), f"{there} AND password_kinds < %s", [keys, kinds])


def _fill_in(domains: list[Domain]) -> None:
    """What a row leaves open is as the template of new accounts of its domain says."""
    if not domains:
        return
    languages = [told["default_language"].value for told in inheritance.settings_of_many(domains)]
    names = [inheritance.ACCOUNT_STATUS, inheritance.ACCOUNT_THEME]
    if OptionValue.objects.filter(name__in=names).exists():
        templates = [inheritance.new_account(domain) for domain in domains]
    else:  # nobody says anything of them, as nearly everywhere
        templates = [inheritance.new_account(domains[0])] * len(domains)
    staging.update(
        "UPDATE import_row SET language = COALESCE(NULLIF(import_row.language, ''), d.language), theme = d.theme,"
        " status = COALESCE(NULLIF(import_row.status, ''), d.status)"
        " FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[]) AS d (id, language, theme, status)"
        " WHERE import_row.domain_id = d.id",
        [
            [domain.pk for domain in domains],
            languages,
            [template.theme for template in templates],
            [template.status for template in templates],
        ],
    )


def _judge_aliases() -> None:
    mark("aliases", _("An alias is taken."), "line IN (SELECT i.line FROM import_alias i JOIN import_row r"
         " ON r.line = i.line JOIN domains_address a ON a.domain_id = r.domain_id AND a.local = i.local)")  # fmt: skip
    mark("aliases", _("An alias stands in the file twice, or is the address of another row."),
         "line IN (SELECT line FROM (SELECT i.line, count(*) OVER (PARTITION BY r.domain_id, i.local) AS n, EXISTS"
         " (SELECT 1 FROM import_row o WHERE o.domain_id = r.domain_id AND o.local = i.local) AS own"
         " FROM import_alias i JOIN import_row r ON r.line = i.line) AS seen WHERE n > 1 OR own)")  # fmt: skip
    mark("aliases", _("Somebody signs in with this address already."),
         "line IN (SELECT i.line FROM import_alias i JOIN import_row r ON r.line = i.line"
         " JOIN domains_domainname n ON n.domain_id = r.domain_id"
         " JOIN accounts_user u ON u.email = i.local || '@' || n.name)")  # fmt: skip


def _judge_groups() -> None:
    staging.execute(
        "UPDATE import_group i SET group_id = a.id FROM import_row r JOIN domains_address a"
        " ON a.domain_id = r.domain_id AND a.kind = 'group' WHERE r.line = i.line AND a.local = i.local"
    )
    mark("groups", _("There is no such group."), "line IN (SELECT line FROM import_group WHERE group_id IS NULL)")


def _judge_policies() -> None:
    staging.execute(
        "UPDATE import_row SET policy_id = p.id FROM domains_policy p"
        " WHERE p.domain_id = import_row.domain_id AND p.name = import_row.policy AND import_row.policy <> ''"
    )
    mark("policy", _("The domain has no policy of this name."), "policy <> '' AND policy_id IS NULL")
