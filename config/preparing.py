"""What must be done before pages are answered: migrations, translations, static files, keys, first administrator.

Run once by each `up` (as `manage.py prepare`), in one process. Everything here is harmless to repeat and cheap when
there is nothing to do.
"""

from __future__ import annotations

import hashlib
import sys
import time
from contextlib import suppress

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from django.db import OperationalError, connection
from django.db.migrations.executor import MigrationExecutor

from accounts import services
from archive.models import Store
from archive.services.backup.whole import restore_ordered
from archive.services.keys import are_keys_lost
from config import translations
from config.kit import paths, sealing_keys, secrets
from config.staticfiles import LEFT_OUT
from gateway.services import certificates

DATABASE_S = 60.0
_MIGRATION_LOCK = 0x706B6D69  # "pkmi": of several nodes starting at once, one migrates


def prepare(admin_email: str, admin_password: str) -> dict[str, str | None]:
    """Do it all; returns what a person must be told: `invitation`, `recovery_key`, `administrator`, each or None."""
    make_folders()
    wait_for_database()
    migrate()
    restore_ordered(tell=lambda text: print(text, file=sys.stderr))
    compile_translations()
    collect_static_files()
    secrets.master_key()
    administrator, invitation = ensure_administrator(admin_email, admin_password)
    told = {"invitation": invitation, "recovery_key": new_recovery_key(), "administrator": administrator}
    sealing_keys.prepare()
    certificates.renew_web()  # before the web server starts
    return told if secrets.has_recovery_key() else told | {"keys_lost": "yes"}


def new_recovery_key() -> str | None:
    """The recovery key at the first start, None at all later ones.

    None too where the keys folder was lost: a new key would open nothing that is there. `recover_keys` brings it back.
    """
    if not Store.objects.exists():
        secrets.discard_unshown_recovery_key()
    if secrets.has_recovery_key() or are_keys_lost() or sealing_keys.are_lost():
        return None
    return secrets.make_recovery_key()


def make_folders() -> None:
    for folder in (paths.work_dir(), paths.stores_dir(), paths.uploads_dir(), paths.keys_dir()):
        folder.mkdir(mode=0o700, exist_ok=True)


def wait_for_database() -> None:
    """Until it answers. Raises: OperationalError after a minute."""
    until = time.monotonic() + DATABASE_S
    while True:
        try:
            connection.ensure_connection()
            return
        except OperationalError:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)


def migrate() -> None:
    """Apply what is unapplied; one look when nothing is."""
    if not _unapplied():
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [_MIGRATION_LOCK])
    try:
        call_command("migrate", interactive=False, verbosity=0)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [_MIGRATION_LOCK])


def _unapplied() -> bool:
    executor = MigrationExecutor(connection)
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def compile_translations() -> None:
    """A clone that we may not write to must bring its own .mo files."""
    try:
        translations.compile_all(paths.BASE_DIR / "locale")
    except PermissionError as error:
        print(f"the translations can't be compiled: {error}", file=sys.stderr)


def collect_static_files() -> None:
    """Gather, hash and compress them again if any source changed since."""
    mark = paths.home() / "static.fingerprint"
    wanted = _static_fingerprint()
    with suppress(FileNotFoundError):
        if mark.read_text() == wanted and (settings.STATIC_ROOT / "staticfiles.json").exists():
            return
    call_command("collectstatic", interactive=False, clear=True, verbosity=0, ignore_patterns=LEFT_OUT)
    mark.write_text(wanted)


def _static_fingerprint() -> str:
    """Name, size and time of every source file."""
    digest = hashlib.sha256()
    for finder in get_finders():
        for name, storage in sorted(finder.list(LEFT_OUT), key=lambda found: found[0]):
            found = (paths.BASE_DIR / storage.path(name)).stat()
            digest.update(f"{name}\0{found.st_size}\0{found.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def ensure_administrator(email: str, password: str) -> tuple[str | None, str | None]:
    """The first administrator from the environment, or a link for them: (address, link), None when there is one."""
    if email and password:
        user = services.ensure_first_administrator(email, password)
        return (user.email if user else None), None
    return None, services.first_administrator_link(settings.PUBLIC_URL)
