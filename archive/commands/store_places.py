"""Where a store lies, as the commands and the API say it: the reference's names, and ours for what it has no name for.

Not for which places are allowed: that is `archive.services.store_places`.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _
from psycopg import ProgrammingError
from psycopg.conninfo import make_conninfo

from archive.errors import StoreRefused
from archive.models import ObjectsKind, Store
from archive.services.store_places import DatabasePlace, Place, without_password
from jobs.commands import Secret
from jobs.errors import BadArguments

FILE_SYSTEM, POSTGRES = "FileSystemInternal", "PostgreSQL"
# How the places of sealed packs are called outside.
OBJECTS = {"database": ObjectsKind.NOWHERE, "folder": ObjectsKind.FOLDER, "s3": ObjectsKind.S3}
OF_DATABASES = (
    "database_name", "server_name", "user_name", "password", "dsn", "schema_name", "objects", "objects_path",
    "endpoint", "bucket", "prefix", "region", "access_key", "secret_key",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceArguments:
    """Where a store lies. Of type FileSystemInternal content, database (catalogue) and index are folders.

    Of type PostgreSQL it is a schema of a database: Postkeep's own, or that of serverName (host, or host:port),
    databaseName, userName and password, or of a dsn (own: Postkeep's own); schema_name says which. objects says where
    sealed packs go: database, folder (objects_path or content_path) or s3 (endpoint, bucket, prefix, region,
    access_key, secret_key).
    """

    type: str | None = None
    database_name: str | None = None
    database_path: str | None = None
    content_path: str | None = None
    index_path: str | None = None
    server_name: str | None = None
    user_name: str | None = None
    password: Secret | None = None
    dsn: str | None = None
    schema_name: str | None = None
    objects: str | None = None
    objects_path: str | None = None
    endpoint: str | None = None
    bucket: str | None = None
    prefix: str | None = None
    region: str | None = None
    access_key: str | None = None
    secret_key: Secret | None = None

    def __post_init__(self) -> None:
        """A password inside of the address is kept as the one beside it: sealed, and in no task's row."""
        try:
            dsn, password = without_password(self.dsn or "")
        except ProgrammingError as error:  # nobody can tell where in it the password is
            raise BadArguments(_("This is no address of a PostgreSQL database."), field="dsn") from error
        if password:
            object.__setattr__(self, "dsn", dsn)
            object.__setattr__(self, "password", self.password or password)


def place_of(arguments: PlaceArguments, store: Store | None = None) -> Place:
    """What was named; of a store that is there (`store`) its kind counts. Raises: StoreRefused."""
    kind = _kind(arguments.type, store)
    work, index = arguments.database_path or "", arguments.index_path or ""
    given = [name for name in OF_DATABASES if getattr(arguments, name)]
    if kind == FILE_SYSTEM:
        if given:
            raise StoreRefused(_("A store in files has no database server, no user and no password."), field=given[0])
        return Place(arguments.content_path or "", work, index)
    if store is not None and not given and not arguments.content_path:
        return Place("", work, index)
    return Place("", work, index, _database(arguments))


def type_of(store: Store) -> str:
    """The reference's name of a store's kind."""
    return FILE_SYSTEM if store.is_folder else POSTGRES


def objects_of(store: Store) -> str:
    """Where sealed packs go, by its name outside."""
    return next(name for name, kind in OBJECTS.items() if kind == store.objects_kind)


def _kind(named: str | None, store: Store | None) -> str:
    here = type_of(store) if store is not None else FILE_SYSTEM
    kind = named or here
    if kind.lower() in ("sqlserver", "mssql"):
        raise StoreRefused(_("Postkeep keeps no stores in SQL Server."), field="type")
    if kind.lower() == "firebird":
        text = _("Postkeep has no Firebird databases: a store in files is of the type “%(type)s”.")
        raise StoreRefused(text % {"type": FILE_SYSTEM}, field="type")
    if kind not in (FILE_SYSTEM, POSTGRES):
        said = {"type": kind, "known": f"{FILE_SYSTEM}, {POSTGRES}"}
        raise StoreRefused(_("“%(type)s” is no type of store here; there is: %(known)s.") % said, field="type")
    if store is not None and kind != here:
        raise StoreRefused(_("A store stays of its kind; its properties say where its parts lie."), field="type")
    return kind


def _database(arguments: PlaceArguments) -> DatabasePlace:
    objects, path = arguments.objects, arguments.objects_path or arguments.content_path or ""
    if objects is not None and objects not in OBJECTS:
        raise StoreRefused(_("Sealed packs stay in the database, or go to a folder or to S3."), field="objects")
    if objects is None and (path or arguments.bucket):
        objects = "folder" if path else "s3"
    return DatabasePlace(
        dsn=_dsn(arguments),
        password=arguments.password or "",
        schema=arguments.schema_name or "",
        objects=None if objects is None else OBJECTS[objects].value,
        objects_path=path,
        endpoint=arguments.endpoint or "",
        bucket=arguments.bucket or "",
        prefix=arguments.prefix or "",
        region=arguments.region or "",
        access_key=arguments.access_key or "",
        secret_key=arguments.secret_key or "",
    )


def _dsn(arguments: PlaceArguments) -> str:
    """From the single names, where there is no whole one. Raises: StoreRefused."""
    if arguments.dsn:
        return arguments.dsn
    if not (arguments.server_name or arguments.database_name or arguments.user_name):
        return ""
    if not arguments.server_name:
        raise StoreRefused(_("Name the server of the database."), field="server_name")
    if not arguments.database_name:
        raise StoreRefused(_("Name the database."), field="database_name")
    host, _colon, port = _host_and_port(arguments.server_name.strip())
    known = {"host": host, "port": port, "dbname": arguments.database_name, "user": arguments.user_name or ""}
    try:
        return make_conninfo("", **{name: value for name, value in known.items() if value})
    except ProgrammingError as error:
        raise StoreRefused(_("This is no address of a PostgreSQL database."), field="server_name") from error


def _host_and_port(text: str) -> tuple[str, str, str]:
    if text.startswith("["):
        host, _bracket, rest = text[1:].partition("]")
        return host, ":", rest.lstrip(":")
    return text.partition(":") if text.count(":") == 1 else (text, "", "")
