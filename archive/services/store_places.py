"""Where stores may lie: in folders below configured roots, after resolving links and never inside each other; or in a
schema of a PostgreSQL database, with a folder or an S3 bucket for its sealed packs.

POSTKEEP_STORE_ROOTS names the roots (separated like PATH), else it is HOME/stores; catalogues and indexes may also lie
below HOME/work. The same for everybody, the shell included: the service must reach what it is given. Passwords and
secret keys are written and never answered: left out they stay, unless it is another server that they would be sent to.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
from django.db import connection, models
from django.utils.text import slugify
from django.utils.translation import gettext as _
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from archive import grounds
from archive.errors import StoreRefused
from archive.models import ObjectsKind, Store, StoreKind
from archive.store.errors import StoreError
from config.kit import paths
from config.kit.sealed import Sealed

# Schemas of stores in Postkeep's own database are told from its own tables by this; its dumps leave them out.
SCHEMA_PREFIX = "store_"
NOT_FOR_STORES = frozenset({"information_schema", "public"})
_SCHEMA = re.compile(r"[a-z_][a-z0-9_]{0,62}")
# What a connection may be told of; nothing that reads other files of this server or runs anything.
DSN_KEYS = frozenset(
    {"host", "port", "dbname", "user", "sslmode", "sslrootcert", "connect_timeout", "target_session_attrs"}
)
SYSTEM_AUTHORITIES = "system"  # the only value of sslrootcert: else it names a file
# Names Postkeep's own database where nothing would mean that it stays as it is.
OWN_DATABASE = "own"
DEFAULT_REGION = "us-east-1"
LONGEST_PATH = 1_000  # of our columns
LONGEST_NAME = 255  # of file systems, in bytes


@dataclass(frozen=True, slots=True)
class DatabasePlace:
    """A schema of a database; without `dsn` of Postkeep's own. What isn't named is chosen by us, or stays as it is.

    dsn: as libpq reads it, an address or key=value; a password in it is taken out and sealed. objects: where sealed
    packs go (`ObjectsKind`), None: a folder of our choice.
    """

    dsn: str = ""
    password: str = field(default="", repr=False)
    schema: str = ""
    objects: str | None = None
    objects_path: str = ""
    endpoint: str = ""
    bucket: str = ""
    prefix: str = ""
    region: str = ""
    access_key: str = ""
    secret_key: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Place:
    """Folders as people name them; empty = chosen by us. A relative one is meant below the first root.

    With `postgres` the store lies in a database: then there is no `content`, and `database` is the working folder of
    this machine.
    """

    content: str = ""
    database: str = ""
    index: str = ""
    postgres: DatabasePlace | None = None


def store_roots() -> list[Path]:
    configured = [each for each in os.environ.get("POSTKEEP_STORE_ROOTS", "").split(os.pathsep) if each]
    return [Path(each) for each in configured] or [paths.stores_dir()]


def work_roots() -> list[Path]:
    return [*store_roots(), paths.work_dir()]


def columns_for(place: Place, name: str, *, making: bool) -> dict[str, Any]:
    """The columns of a store that is made or attached there. Raises: StoreRefused."""
    work = {
        "work_path": check_work(place.database, "database_path"),
        "index_path": check_work(place.index, "index_path"),
    }
    if place.postgres is not None:
        if place.content:
            raise StoreRefused(_("A store in a database has no folder of its own."), field="content_path")
        columns = database_columns(place.postgres, name, making=making)
        if columns["objects_path"]:
            require_apart_from(Path(columns["objects_path"]), [Path(each) for each in work.values() if each])
        reserved = kept_as(free_folder(name, apart_from=columns["objects_path"]))
        return {"kind": StoreKind.POSTGRES, "path": reserved, **work, **columns}
    content = free_folder(name) if making and not place.content else check_content(place.content)
    empty = dict.fromkeys(DATABASE_COLUMNS, "")
    return {"kind": StoreKind.FOLDER, "path": kept_as(content), **work, **empty}


# --- folders ---------------------------------------------------------------------------------------------------------


def check_content(text: str, *, known: Store | None = None, field: str = "content_path") -> Path:
    """The folder of a store's content, or of its packs. Raises: StoreRefused."""
    path = _inside(text, store_roots(), field)
    for other in Store.objects.filter(detached_at=None):
        if known is None or other.pk != known.pk:
            _require_apart(path, other, field)
    return path


def check_work(text: str, field: str, *, known: Store | None = None) -> str:
    """The folder of a catalogue or an index; empty stays empty. Raises: StoreRefused."""
    if not text.strip():
        return ""
    path = _inside(text, work_roots(), field)
    for other in Store.objects.filter(detached_at=None):
        if known is None or other.pk != known.pk:
            _require_apart(path, other, field)
    return str(path)


def _inside(text: str, roots: list[Path], field: str) -> Path:
    if not text.strip() or "\x00" in text:
        raise StoreRefused(_("Name a folder."), field=field)
    path = roots[0] / text.strip()
    try:
        real = path.resolve(strict=False)
        allowed = [root.resolve() for root in roots]
        if len(str(real)) > LONGEST_PATH or any(len(os.fsencode(each)) > LONGEST_NAME for each in real.parts):
            raise ValueError("too long")
    except (OSError, RuntimeError, ValueError) as error:
        raise StoreRefused(_("“%(path)s” is no usable path.") % {"path": text[:200]}, field=field) from error
    if not any(root in real.parents for root in allowed):
        where = ", ".join(str(root) for root in roots)
        said = {"path": text, "roots": where}
        raise StoreRefused(_("“%(path)s” is not below the folders for stores (%(roots)s).") % said, field=field)
    return real


def _require_apart(path: Path, other: Store, field: str) -> None:
    for taken in _folders_of(other):
        if path == taken or path in taken.parents or taken in path.parents:
            said = {"path": path, "name": other.name}
            raise StoreRefused(_("“%(path)s” is taken by the store “%(name)s”.") % said, field=field)


def require_apart_from(packs: Path, own: list[Path]) -> None:
    """Packs don't lie among what is made of them, which is thrown away. Raises: StoreRefused."""
    for folder in (each.resolve() for each in own):
        if packs == folder or packs in folder.parents or folder in packs.parents:
            text = _("Packs, catalogue and index of a store lie in folders of their own.")
            raise StoreRefused(text, field="objects_path")


def _folders_of(store: Store) -> set[Path]:
    packs = {Path(store.objects_path).resolve()} if store.objects_path else set()
    return {store.root.resolve(), store.work.resolve(), store.index.resolve()} | packs


def kept_as(path: Path) -> str:
    """How a content folder is kept: below the stores folder as a name, so that HOME can move; else whole."""
    home = paths.stores_dir().resolve()
    return str(path.relative_to(home)) if home in path.parents else str(path)


def free_folder(name: str, base: Path | None = None, *, apart_from: str = "") -> Path:
    """A folder nobody has, in the database or on disk, below a base (else the stores folder)."""
    base = (base or paths.stores_dir()).resolve()
    stem = slugify(name)[:40] or "store"
    taken = {folder for store in Store.objects.all() for folder in _folders_of(store)}
    taken |= {Path(apart_from).resolve()} if apart_from else set()
    candidates = (base / stem, *(base / f"{stem}-{n}" for n in range(2, 10_000)))
    return next(each for each in candidates if each not in taken and not each.exists())


# --- databases -------------------------------------------------------------------------------------------------------

OBJECT_COLUMNS = (
    "objects_kind", "objects_path", "endpoint", "bucket", "prefix", "region", "access_key", "secret_key",
)  # fmt: skip
DATABASE_COLUMNS = ("dsn", "dsn_password", "schema", *OBJECT_COLUMNS)


def database_columns(place: DatabasePlace, name: str, *, making: bool, known: Store | None = None) -> dict[str, Any]:
    """The columns of a store in a database. What isn't named of one that is attached again is as it was.

    Raises: StoreRefused.
    """
    dsn, password = read_dsn(place.dsn, place.password)
    schema = _checked_schema(place.schema.strip() or (_free_schema(name, dsn) if making else ""), dsn)
    there = Store.objects.filter(kind=StoreKind.POSTGRES, dsn=dsn, schema=schema)
    other = there.filter(detached_at=None).exclude(pk=known.pk if known else 0).first()
    if other is not None:
        raise StoreRefused(_("The store “%(name)s” lies there.") % {"name": other.name}, field="schema_name")
    former = known if known is not None or making else there.exclude(detached_at=None).first()
    if password or former is None or former.dsn != dsn:
        sealed = _sealed(password, "store database password")
    else:
        sealed = former.dsn_password
    objects = _object_columns(place, name, making=making, known=former)
    return {"dsn": dsn, "dsn_password": sealed, "schema": schema, **objects}


def _checked_schema(schema: str, dsn: str) -> str:
    """Raises: StoreRefused."""
    if not schema:
        raise StoreRefused(_("Name the schema that holds the store."), field="schema_name")
    if not _SCHEMA.fullmatch(schema):
        text = _("A schema's name has up to 63 small letters, digits and underscores, and begins with no digit.")
        raise StoreRefused(text, field="schema_name")
    if schema.startswith("pg_") or schema in NOT_FOR_STORES:
        raise StoreRefused(_("A store has a schema of its own, which nothing else lies in."), field="schema_name")
    if not dsn and not schema.startswith(SCHEMA_PREFIX):
        text = _("In Postkeep's own database the schema of a store begins with “%(prefix)s”.")
        raise StoreRefused(text % {"prefix": SCHEMA_PREFIX}, field="schema_name")
    return schema


def without_password(text: str) -> tuple[str, str]:
    """An address of a database as it was given, and the password that stood in it. Raises: psycopg.Error."""
    if text.strip() in ("", OWN_DATABASE):
        return text, ""
    known = conninfo_to_dict(text.strip())
    password = known.pop("password", None)
    return (text, "") if password is None else (make_conninfo("", **known), str(password))


def read_dsn(text: str, password: str) -> tuple[str, str]:
    """An address of a database as it is kept, and the password. Empty: Postkeep's own. Raises: StoreRefused."""
    if text.strip() in ("", OWN_DATABASE):
        if password:
            raise StoreRefused(_("Postkeep's own database takes no password."), field="password")
        return "", ""
    try:
        plain, inside = without_password(text)
        known = {key: str(value) for key, value in conninfo_to_dict(plain.strip()).items() if value is not None}
    except psycopg.Error as error:
        raise StoreRefused(_("This is no address of a PostgreSQL database."), field="dsn") from error
    password = password or inside
    if unknown := sorted(set(known) - DSN_KEYS):
        raise StoreRefused(_("An address has no “%(name)s” here.") % {"name": unknown[0]}, field="dsn")
    if not known.get("host") or not known.get("dbname") or "," in known["host"] + known.get("port", ""):
        raise StoreRefused(_("An address names one server and a database."), field="dsn")
    if not _is_number(known.get("port", "5432"), 65535) or not _is_number(known.get("connect_timeout", "10"), 60):
        raise StoreRefused(_("This is no address of a PostgreSQL database."), field="dsn")
    if known["host"].startswith("/") and known["dbname"] == connection.settings_dict.get("NAME"):
        raise StoreRefused(_("This is Postkeep's own database, which needs no address."), field="dsn")
    if known.get("sslmode") == "verify-full":
        known.setdefault("sslrootcert", SYSTEM_AUTHORITIES)
    if known.get("sslrootcert", SYSTEM_AUTHORITIES) != SYSTEM_AUTHORITIES:
        raise StoreRefused(_("An address has no “%(name)s” here.") % {"name": "sslrootcert"}, field="dsn")
    kept = make_conninfo("", **known)
    if len(kept) > _longest("dsn"):
        raise StoreRefused(_("This is no address of a PostgreSQL database."), field="dsn")
    try:
        grounds.admit_database(kept)
    except StoreError as error:
        raise StoreRefused(str(error), field="dsn") from error
    return kept, password


def _is_number(text: str, most: int) -> bool:
    return text.isdecimal() and 0 < int(text) <= most


def _longest(name: str) -> int:
    """How many characters a column takes."""
    column = Store._meta.get_field(name)
    assert isinstance(column, models.CharField) and column.max_length is not None
    return column.max_length


def _free_schema(name: str, dsn: str) -> str:
    """A schema that no store has; elsewhere it is seen when it is made whether something lies there."""
    stem = SCHEMA_PREFIX + (slugify(name).replace("-", "_")[:40] or "main")
    taken = set(Store.objects.filter(kind=StoreKind.POSTGRES, dsn=dsn).values_list("schema", flat=True))
    if not dsn:
        with connection.cursor() as cursor:
            cursor.execute("SELECT nspname FROM pg_namespace")
            taken |= {row[0] for row in cursor.fetchall()}
    return next(each for each in (stem, *(f"{stem}_{n}" for n in range(2, 10_000))) if each not in taken)


def _object_columns(place: DatabasePlace, name: str, *, making: bool, known: Store | None) -> dict[str, Any]:
    """Where sealed packs go. Raises: StoreRefused."""
    if place.objects is None and not making:
        return _no_objects() if known is None else {column: getattr(known, column) for column in OBJECT_COLUMNS}
    kind = ObjectsKind.FOLDER.value if place.objects is None else place.objects
    if kind not in ObjectsKind.values:
        raise StoreRefused(_("Sealed packs stay in the database, or go to a folder or to S3."), field="objects")
    columns = _no_objects() | {"objects_kind": kind}
    if kind == ObjectsKind.FOLDER:
        if place.objects_path:
            path = check_content(place.objects_path, known=known, field="objects_path")
        else:
            path = free_folder(f"{name} packs")
        return columns | {"objects_path": str(path)}
    if kind == ObjectsKind.S3:
        return columns | _bucket_columns(place, known)
    return columns


def _no_objects() -> dict[str, Any]:
    nothing: dict[str, Any] = dict.fromkeys(OBJECT_COLUMNS, "")
    return nothing | {"secret_key": _sealed("", "store secret key")}


def _sealed(plain: str, purpose: str) -> Sealed:
    """Typed text on its way to the database; none is what an empty column says, so that it is no change."""
    return Sealed.of(plain, purpose=purpose) if plain else Sealed("", purpose=purpose)


def _bucket_columns(place: DatabasePlace, known: Store | None) -> dict[str, Any]:
    endpoint, bucket, prefix = place.endpoint.strip(), place.bucket.strip(), place.prefix.strip()
    try:
        parts, port = urlsplit(endpoint), urlsplit(endpoint).port
    except ValueError as error:
        raise StoreRefused(_("An endpoint is an http or https address."), field="endpoint") from error
    more = "@" in parts.netloc or parts.query or parts.fragment
    if more or port == 0 or parts.scheme not in ("http", "https") or not parts.hostname:
        raise StoreRefused(_("An endpoint is an http or https address."), field="endpoint")
    if not 3 <= len(bucket) <= 63 or not all(c.isalnum() or c in ".-" for c in bucket):
        raise StoreRefused(_("A bucket's name has 3 to 63 letters, digits, dots and hyphens."), field="bucket")
    if prefix and any(part in ("", ".", "..") for part in prefix.split("/")):
        raise StoreRefused(_("A prefix is names separated by “/”, without one at its ends."), field="prefix")
    columns: dict[str, Any] = {
        "endpoint": endpoint, "bucket": bucket, "prefix": prefix, "access_key": place.access_key.strip(),
        "region": place.region.strip() or DEFAULT_REGION,
    }  # fmt: skip
    for name in ("endpoint", "prefix", "region", "access_key"):
        if len(columns[name]) > _longest(name) or not columns[name].isprintable():
            raise StoreRefused(_("This is too long, or has characters that can't be printed."), field=name)
    same = known is not None and (known.endpoint, known.bucket) == (endpoint, bucket)
    if place.secret_key:
        columns["secret_key"] = _sealed(place.secret_key, "store secret key")
    elif known is not None and same:
        columns["secret_key"] = known.secret_key
    elif known is not None and known.secret_key:
        raise StoreRefused(_("Another server or bucket takes the secret key again."), field="secret_key")
    return columns


def require_objects_there(store: Store, *, making: bool = False) -> None:
    """Try the place of a database's packs: that it takes an object and has what the store needs. Raises: StoreRefused.

    making: there is no store yet that could need one.
    """
    if store.is_folder:
        return
    backend = grounds.database_backend(store, patient=False)
    try:
        if backend.objects is not None:
            backend.objects.check()
        needed = None if making else backend.some_object()
        if needed is None:
            return
        if backend.objects is None:
            raise StoreRefused(_("Packs of this store lie outside of its database; say where."), field="objects")
        backend.objects.read(needed[0], max(needed[1] - 1, 0), 1)
    except StoreError as error:
        field = "bucket" if store.objects_kind == ObjectsKind.S3 else "objects_path"
        raise StoreRefused(str(error), field=field) from error
    finally:
        backend.close()
