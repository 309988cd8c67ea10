"""The rows of a Modoboa with many accounts: one account is imported by its own API, the others are made like it in SQL.

Each table is filled by one INSERT … SELECT of the first account's rows with what differs replaced, so columns that we
know nothing of are as Modoboa set them. Where an import leaves rows in a table that is not copied here, `import_first`
refuses: then its version has changed. Not for measuring.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from psycopg import Connection, sql

from benchmarks.asking import Api
from benchmarks.invented import Directory

Rows = Connection[tuple[Any, ...]]
DOMAIN, LOCAL = "prototype.example", "first.person"
ADDRESS = f"{LOCAL}@{DOMAIN}"
# SHA512-CRYPT as Modoboa makes it, of a password that nobody uses.
HASH = (
    "{SHA512-CRYPT}$6$rounds=70000$ZW7nvXWR/CjbB6i6$"
    "4iOmMWZAp91qaoG81uoafI6Rz1RV4Ro2AV2zOcMISkvCRHuPNwHjh72OK0lv.Hyapi7VaxeatZ0sbYQwklnTj/"
)
COPIED = {
    "admin_alias", "admin_domain", "admin_mailbox", "admin_quota", "core_log", "core_objectaccess", "core_user",
    "core_user_groups", "limits_domainobjectlimit", "limits_userobjectlimit", "modoboa_admin_aliasrecipient",
    "modoboa_contacts_addressbook", "reversion_revision", "reversion_version",
}  # fmt: skip


def import_first(api: Api, connection: Rows) -> None:
    """One domain and one account through the CSV import.

    Raises: RuntimeError when that leaves other rows than we know how to copy.
    """
    pdf = {"enabled_pdfcredentials": False, "webpanel_url": "http://localhost/"}
    api.send("PUT", "/api/v2/parameters/global/pdfcredentials/", pdf).expect(200)
    before = _counts(connection)
    upload(api, "domains", f"domain;{DOMAIN};0;0;true;domain\n")
    upload(api, "identities", csv_row(ADDRESS, "First", "Person"))
    after = _counts(connection)
    grown = {name for name in after if after[name] != before[name]}
    if grown != COPIED:
        raise RuntimeError(f"an import of Modoboa leaves other rows than known: {sorted(grown ^ COPIED)}")


def csv_row(address: str, first: str, last: str) -> str:
    """One account as its import wants it, with a password that is hashed already."""
    return f"account;{address};{HASH};{first};{last};True;SimpleUsers;{address};0\n"


def upload(api: Api, what: str, rows: str) -> float:
    """Import `domains` or `identities`, in seconds. Raises: RuntimeError when it refuses."""
    answer = api.upload(f"/api/v2/{what}/import/", {"sepchar": ";"}, "sourcefile", rows.encode()).expect(200)
    if not answer.json["status"]:
        raise RuntimeError(f"Modoboa's import refused: {answer.json['message']}")
    return answer.seconds


def count(connection: Rows) -> int:
    """How many accounts there are."""
    row = connection.execute("SELECT count(*) FROM core_user").fetchone()
    assert row is not None
    return int(row[0])


def repeat(connection: Rows, directory: Directory) -> None:
    """All domains and people of the directory, like the first ones."""
    connection.execute("CREATE TEMPORARY TABLE d (n bigint PRIMARY KEY, name text)")
    connection.execute("CREATE TEMPORARY TABLE m (n bigint PRIMARY KEY, d bigint, local text, first text, last text)")
    with connection.cursor() as cursor:
        with cursor.copy("COPY d FROM STDIN") as copy:
            for domain in directory.domains:
                copy.write_row((domain.number + 1, domain.name.encode("idna").decode()))
        with cursor.copy("COPY m FROM STDIN") as copy:
            number = 0
            for domain in directory.domains:
                for person in directory.people(domain):
                    number += 1
                    copy.write_row((number, domain.number + 1, person.local, person.first, person.last))
    connection.execute(
        "CREATE TEMPORARY TABLE a AS SELECT m.*, d.name, local || '@' || name AS address FROM m JOIN d ON d.n = m.d"
    )
    connection.execute("ANALYZE a")
    _domains(_Copier(connection, "d"))
    _accounts(_Copier(connection, "a"))
    for table in sorted(COPIED):
        connection.execute(sql.SQL("ANALYZE {}").format(sql.Identifier(table)))


class _Copier:
    """INSERT … SELECT of a prototype's rows (`p`) for each row of a list (`e`)."""

    def __init__(self, connection: Rows, each: str) -> None:
        self._connection = connection
        self._each = each

    def copy(self, table: str, where: str, changed: Mapping[str, str], *, per: int = 1) -> None:
        """`changed`: column → SQL over `p` and `e`; `per`: how many rows of the prototype match `where`.

        The rows of number n get the ids base + n, or base + n * per + the place among the matching ones.
        """
        columns = self._columns(table)
        values: dict[str, sql.Composable] = {name: sql.SQL(text) for name, text in changed.items()}
        if "id" in columns:
            values["id"] = sql.SQL("{base} + e.n * {per} + p.place - 1").format(base=self.base(table), per=per)
        insert = sql.SQL(
            "INSERT INTO {table} ({columns}) SELECT {values} FROM {each} e CROSS JOIN "
            "(SELECT *, row_number() OVER () AS place FROM {table} WHERE {where}) p ORDER BY e.n"
        ).format(
            table=sql.Identifier(table),
            columns=sql.SQL(", ").join(map(sql.Identifier, columns)),
            values=sql.SQL(", ").join(values.get(name, sql.Identifier("p", name)) for name in columns),
            each=sql.Identifier(self._each),
            where=sql.SQL(where),
        )
        self._connection.execute(insert)
        if "id" in columns:
            set_next = "SELECT setval(pg_get_serial_sequence({}, 'id'), (SELECT max(id) FROM {}))"
            self._connection.execute(sql.SQL(set_next).format(table, sql.Identifier(table)))

    def base(self, table: str) -> int:
        """The largest id before anything was copied."""
        row = self._connection.execute(sql.SQL("SELECT max(id) FROM {}").format(sql.Identifier(table))).fetchone()
        assert row is not None
        return int(row[0])

    def one(self, table: str, where: str) -> int:
        """The id of the prototype's row."""
        query = sql.SQL("SELECT id FROM {} WHERE ").format(sql.Identifier(table)) + sql.SQL(where)
        row = self._connection.execute(query).fetchone()
        assert row is not None
        return int(row[0])

    def kind(self, app: str, model: str) -> int:
        return self.one("django_content_type", f"app_label = '{app}' AND model = '{model}'")

    def _columns(self, table: str) -> list[str]:
        query = "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped"
        return [str(row[0]) for row in self._connection.execute(query, [table])]


def _domains(rows: _Copier) -> None:
    """Domains with their limits, the administrator's access, a log line and a version."""
    first, base, kind = (
        rows.one("admin_domain", f"name = '{DOMAIN}'"),
        rows.base("admin_domain"),
        rows.kind("admin", "domain"),
    )
    mine = f"{base} + e.n"
    rows.copy("admin_domain", f"id = {first}", {"name": "e.name"})
    rows.copy("limits_domainobjectlimit", f"domain_id = {first}", {"domain_id": mine}, per=4)
    rows.copy("core_objectaccess", f"content_type_id = {kind} AND object_id = {first}", {"object_id": mine})
    rows.copy(
        "core_log", f"message LIKE '%domain ''{DOMAIN}''%'", {"message": f"replace(p.message, '{DOMAIN}', e.name)"}
    )
    version = {
        "object_id": f"({mine})::text",
        "object_repr": "e.name",
        "serialized_data": f"replace(p.serialized_data, '{DOMAIN}', e.name)",
    }
    rows.copy("reversion_version", f"content_type_id = {kind} AND object_repr = '{DOMAIN}'", version)


def _accounts(rows: _Copier) -> None:
    """Accounts with mailbox, its own alias, quota, limits, address book, access, log lines and versions."""
    user, mailbox = rows.one("core_user", f"username = '{ADDRESS}'"), rows.one("admin_mailbox", f"address = '{LOCAL}'")
    alias, first = rows.one("admin_alias", f"address = '{ADDRESS}'"), rows.one("admin_domain", f"name = '{DOMAIN}'")
    users, mailboxes, aliases = (f"{rows.base(name)} + e.n" for name in ("core_user", "admin_mailbox", "admin_alias"))
    domain = f"{first} + e.d"
    names = {"first_name": "e.first", "last_name": "e.last"}
    access = "content_type_id = {} AND object_id = {}".format
    user_kind, mailbox_kind, alias_kind = (
        rows.kind("core", "user"),
        rows.kind("admin", "mailbox"),
        rows.kind("admin", "alias"),
    )
    rows.copy("core_user", f"id = {user}", names | {"username": "e.address", "email": "e.address"})
    rows.copy("core_user_groups", f"user_id = {user}", {"user_id": users})
    rows.copy("limits_userobjectlimit", f"user_id = {user}", {"user_id": users}, per=6)
    rows.copy("modoboa_contacts_addressbook", f"user_id = {user}", {"user_id": users})
    rows.copy("admin_mailbox", f"id = {mailbox}", {"address": "e.local", "domain_id": domain, "user_id": users})
    rows.copy("admin_alias", f"id = {alias}", {"address": "e.address", "domain_id": domain})
    recipient = {"address": "e.address", "alias_id": aliases, "r_mailbox_id": mailboxes}
    rows.copy("modoboa_admin_aliasrecipient", f"alias_id = {alias}", recipient)
    rows.copy("admin_quota", f"username = '{ADDRESS}'", {"username": "e.address"})
    rows.copy("core_objectaccess", access(user_kind, user), {"object_id": users})
    rows.copy("core_objectaccess", access(mailbox_kind, mailbox), {"object_id": mailboxes})
    lines = {"message": f"replace(p.message, '{ADDRESS}', e.address)"}
    rows.copy("core_log", f"message LIKE '%''{ADDRESS}''%'", lines, per=3)
    for kind, id_ in ((user_kind, users), (mailbox_kind, mailboxes), (alias_kind, aliases)):
        text = f"replace(p.serialized_data, '{ADDRESS}', e.address)"
        version = {"object_id": f"({id_})::text", "object_repr": "e.address", "serialized_data": text}
        rows.copy("reversion_version", f"content_type_id = {kind} AND object_repr = '{ADDRESS}'", version)


def _counts(connection: Rows) -> dict[str, int]:
    names = [str(row[0]) for row in connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
    found = {}
    for name in names:
        row = connection.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(name))).fetchone()
        found[name] = int(row[0]) if row else 0
    return found
