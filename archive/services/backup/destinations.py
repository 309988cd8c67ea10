"""Where backups go: making, changing, forgetting and trying destinations, and opening them.

A secret key is written and never answered: leaving it out keeps it, another endpoint or bucket wants it anew. A folder
lies below the configured roots, after resolving links; an S3 server is asked for at the gate (`config.kit.net`).
"""

from __future__ import annotations

import contextlib
import os
import weakref
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from accounts import audit
from accounts.actors import Actor
from accounts.permissions import Right
from archive.backup.destination import Destination, FolderDestination, read_whole
from archive.backup.errors import BackupError, DestinationBusy, DestinationRefused
from archive.backup.s3 import Bucket, S3Destination
from archive.errors import BackupUnknown, BadArguments
from archive.models import BackupDestination
from archive.services.places import path_of
from config.kit import net, paths, tunnels
from config.kit.sealed import Sealed
from config.kit.versions import change

PORTS = frozenset({80, 443})
TIMEOUT_S = 10.0
FIELDS = (
    "name", "kind", "path", "endpoint", "bucket", "prefix", "region", "access_key", "secret_key", "ca_pem", "indexes",
    "keep_last", "keep_days", "warn_days",
)  # fmt: skip
_LOCK = 0x706B_0006


def backup_roots() -> list[Path]:
    """Folders that backups may be written below: POSTKEEP_BACKUP_ROOTS, else HOME/backups."""
    configured = [each for each in os.environ.get("POSTKEEP_BACKUP_ROOTS", "").split(os.pathsep) if each]
    return [Path(each) for each in configured] or [paths.home() / "backups"]


def list_destinations(actor: Actor) -> QuerySet[BackupDestination]:
    """Raises: Forbidden."""
    actor.require(Right.MANAGE_STORES)
    return BackupDestination.objects.all()


def get_destination(actor: Actor, destination_id: int) -> BackupDestination:
    """Raises: Forbidden, BackupUnknown."""
    found = list_destinations(actor).filter(pk=destination_id).first()
    if found is None:
        raise BackupUnknown("there is no such destination")
    return found


def destination_named(actor: Actor, name: str) -> BackupDestination:
    """By its name. Raises: Forbidden, BackupUnknown."""
    found = list_destinations(actor).filter(name=" ".join(name.split())).first()
    if found is None:
        said = _("There is no backup destination “%(name)s”.") % {"name": name}
        raise BackupUnknown(said)
    return found


def create_destination(actor: Actor, **values: Any) -> BackupDestination:
    """A new destination; nothing is written there yet. Raises: Forbidden, BadArguments."""
    actor.require(Right.MANAGE_STORES)
    cleaned = _clean(actor, values, None)
    with transaction.atomic():
        made = BackupDestination.objects.create(**cleaned)
        audit.record(actor, "backup.destination_create", made, place=made.place, kind=made.kind)
    return made


def update_destination(
    actor: Actor, destination: BackupDestination, *, expected: int | None = None, **values: Any
) -> BackupDestination:
    """Change some properties. Raises: Forbidden, BadArguments, ChangedMeanwhile."""
    actor.require(Right.MANAGE_STORES)
    cleaned = _clean(actor, values, destination)
    moved = any(
        cleaned.get(key, getattr(destination, key)) != getattr(destination, key) for key in ("endpoint", "bucket")
    )
    if moved and destination.secret_key and not cleaned.get("secret_key"):
        raise BadArguments(_("Another server or bucket takes the secret key again."), field="secret_key")
    with transaction.atomic():
        changes = change(destination, cleaned, expected=expected)
        if changes:
            audit.record(actor, "backup.destination_update", destination, changes=changes)
    return destination


def delete_destination(actor: Actor, destination: BackupDestination) -> None:
    """Forget it; what lies there stays, and can be found again by making it anew. Raises: Forbidden."""
    actor.require(Right.MANAGE_STORES)
    with transaction.atomic():
        audit.record(actor, "backup.destination_delete", destination, place=destination.place)
        destination.delete()


def destination_for_folder(actor: Actor, text: str) -> BackupDestination:
    """The destination that is this folder, made when there is none: for who names a path. Raises: BadArguments."""
    actor.require(Right.MANAGE_STORES)
    path = check_folder(actor, text)
    found = BackupDestination.objects.filter(kind=BackupDestination.Kind.FOLDER, path=str(path)).first()
    return found or create_destination(actor, name=_free_name(path), kind="folder", path=str(path))


def _free_name(path: Path) -> str:
    taken = set(BackupDestination.objects.values_list("name", flat=True))
    stem = str(path)[-90:]
    return next(each for each in (stem, *(f"{stem} {n}" for n in range(2, 10_000))) if each not in taken)


# --- what may be a destination -----------------------------------------------------------------------------------


def _clean(actor: Actor, values: Mapping[str, Any], present: BackupDestination | None) -> dict[str, Any]:
    """Values that make sense together. Raises: BadArguments."""
    unknown = set(values) - set(FIELDS)
    if unknown:
        raise BadArguments(
            _("A destination has no “%(name)s”.") % {"name": sorted(unknown)[0]}, field=sorted(unknown)[0]
        )
    found = dict(values)
    if found.get("secret_key") == "" and present is not None:
        del found["secret_key"]
    if "name" in found or present is None:
        found["name"] = _clean_name(str(found.get("name", "")), present)
    kind = str(found.get("kind") or (present.kind if present else "folder"))
    if kind not in BackupDestination.Kind.values:
        raise BadArguments(_("A destination is a folder or an S3 bucket."), field="kind")
    for key, value in found.items():
        if isinstance(value, str) and key != "ca_pem":
            found[key] = value.strip()
    if kind == BackupDestination.Kind.FOLDER:
        if "path" in found or present is None:
            found["path"] = str(check_folder(actor, str(found.get("path", ""))))
    else:
        _check_bucket(found, present)
    if found.get("secret_key"):  # the audit trail is told of the change, never of the key
        found["secret_key"] = Sealed.of(found["secret_key"], purpose="backup secret key")
    for key in ("keep_last", "keep_days", "warn_days"):
        if key in found and not 0 <= int(found[key]) <= 36_500:
            raise BadArguments(_("A number from 0 to 36500."), field=key)
    return found


def _clean_name(name: str, present: BackupDestination | None) -> str:
    name = " ".join(name.split())
    if not 0 < len(name) <= 100 or not name.isprintable():
        raise BadArguments(_("A name has 1 to 100 printable characters."), field="name")
    others = BackupDestination.objects.filter(name=name)
    if others.exclude(pk=present.pk).exists() if present is not None else others.exists():
        raise BadArguments(_("There is a destination of this name."), field="name")
    return name


def check_folder(actor: Actor, text: str) -> Path:
    """A folder below the roots after resolving links; the shell may name any. Raises: BadArguments."""
    try:
        path = path_of(text.strip())
        real = path.resolve(strict=False)
        roots = [root.resolve() for root in backup_roots()]
    except (OSError, RuntimeError, ValueError) as error:
        raise BadArguments(_("“%(path)s” is no usable path.") % {"path": text}, field="path") from error
    if not path.is_absolute():
        raise BadArguments(_("Name a folder of this server, from its root on."), field="path")
    if actor.kind == "user" and not any(real == root or root in real.parents for root in roots):
        where = ", ".join(str(root) for root in roots)
        said = {"path": text, "roots": where}
        raise BadArguments(_("“%(path)s” is outside the folders for backups (%(roots)s).") % said, field="path")
    stores, work = paths.stores_dir().resolve(), paths.work_dir().resolve()
    if any(real == each or each in real.parents for each in (stores, work)):
        raise BadArguments(_("A backup doesn't lie among what it is of."), field="path")
    return real


def _check_bucket(found: Mapping[str, Any], present: BackupDestination | None) -> None:
    def value(key: str) -> str:
        return str(found.get(key, getattr(present, key, "") if present else "") or "")

    parts = urlsplit(value("endpoint"))
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query:
        raise BadArguments(_("An endpoint is an http or https address."), field="endpoint")
    if not 3 <= len(value("bucket")) <= 63 or not all(c.isalnum() or c in ".-" for c in value("bucket")):
        raise BadArguments(_("A bucket's name has 3 to 63 letters, digits, dots and hyphens."), field="bucket")
    if any(part in ("", ".", "..") for part in value("prefix").split("/") if value("prefix")):
        raise BadArguments(_("A prefix is names separated by “/”, without one at its ends."), field="prefix")


# --- reaching it -------------------------------------------------------------------------------------------------


def open_destination(actor: Actor, destination: BackupDestination) -> Destination:
    """The destination, ready to be read and written. Raises: DestinationRefused, BackupError, SecretsError."""
    if destination.is_folder:
        try:
            return FolderDestination(check_folder(actor, destination.path))
        except BadArguments as error:
            raise DestinationRefused(str(error)) from error
    tunnel = tunnel_to(destination.endpoint, actor.label)
    opened = S3Destination(
        Bucket(
            endpoint=destination.endpoint,
            bucket=destination.bucket,
            region=destination.region,
            prefix=destination.prefix,
            key=destination.access_key,
            secret=destination.secret_key.reveal(),
            ca_pem=destination.ca_pem,
            proxy=tunnel.address,
        )
    )
    weakref.finalize(opened, tunnel.close)
    return opened


def tunnel_to(endpoint: str, who: str) -> tunnels.Tunnel:
    """A way to a server that may be reached from here, and to no other. Raises: DestinationRefused."""
    gate = net.Gate(settings.ALLOWED_RELAYS, PORTS | settings.ALLOWED_PORTS)
    try:
        return tunnels.lead_to(endpoint, gate=gate, timeout_s=TIMEOUT_S, who=who)
    except net.NetError as error:
        raise DestinationRefused(str(error.category.words)) from error


@contextlib.contextmanager
def held(destination: BackupDestination, opened: Destination) -> Iterator[None]:
    """One task at a time writes to a destination, from whatever node. Raises: DestinationBusy."""
    own = connection.copy()
    try:
        with own.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [_LOCK, destination.pk])
            if not cursor.fetchone()[0]:
                raise DestinationBusy(f"another backup works on “{destination.name}” now")
            try:
                with opened.hold():
                    yield
            finally:
                with contextlib.suppress(Exception):  # a connection that broke has let go already
                    cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [_LOCK, destination.pk])
    finally:
        own.close()


def try_destination(actor: Actor, destination: BackupDestination) -> str:
    """Write, read and remove a small object there. What went wrong in words; empty when all went well."""
    actor.require(Right.MANAGE_STORES)
    content, name = b"This is a test; it may be removed.\n", f"tests/{os.urandom(8).hex()}"
    try:
        opened = open_destination(actor, destination)
        opened.put(name, lambda: iter([content]), len(content))
        if read_whole(opened, name) != content:
            return _("What was written came back otherwise.")
        if name not in opened.sizes("tests"):
            return _("What was written is not listed.")
        opened.delete(name)
    except BackupError as error:
        return str(error)
    return ""
