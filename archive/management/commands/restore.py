"""`manage.py restore`: bring an archive back from a backup, on a new machine or over what is here. Postkeep is down."""

from __future__ import annotations

import getpass
import os
import sys
from argparse import ArgumentParser
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

from accounts.actors import Actor
from archive.backup import checking
from archive.backup.destination import Destination, FolderDestination
from archive.backup.errors import BackupError, SetUnknown
from archive.backup.manifest import Manifest, list_sets
from archive.backup.s3 import Bucket, S3Destination
from archive.errors import PathRefused
from archive.management.shell import Door, megabytes
from archive.services.backup import whole
from config import environment, servers
from config.kit import paths


class Command(Door):
    help = (
        "Restores everything from a backup: database, stores, keys. Takes the recovery key, or the master key's file."
    )

    def add_own_arguments(self, parser: ArgumentParser) -> None:
        place = parser.add_mutually_exclusive_group(required=True)
        place.add_argument("--from", dest="folder", type=Path, metavar="FOLDER", help="where the backups lie")
        place.add_argument("--bucket", help="the S3 bucket in which they lie")
        parser.add_argument("--endpoint", default="", help="of the S3 server, such as https://s3.example.org")
        parser.add_argument("--prefix", default="", help="what the names in the bucket begin with")
        parser.add_argument("--region", default="us-east-1")
        parser.add_argument(
            "--s3-key-file", type=Path, metavar="FILE",
            help="two lines: access key and secret key (else AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY)",
        )  # fmt: skip
        parser.add_argument("--set", default="", help="which backup (default: the newest)")
        parser.add_argument("--list", action="store_true", help="say which backups there are, and nothing else")
        parser.add_argument("--key-file", type=Path, metavar="FILE", help="where the recovery key stands")
        parser.add_argument("--master-key-file", type=Path, metavar="FILE", help="the master key, where it is left")
        parser.add_argument("--dry-run", action="store_true", help="open and check the backup; change nothing")
        parser.add_argument("--overwrite", action="store_true", help="put aside what is here, and replace it")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            super().handle(*args, **options)
        except BackupError as error:
            self.refuse(str(error))

    def work(self, actor: Actor, options: dict[str, Any]) -> int:
        destination = _destination(options)
        if options["list"]:
            return self._list(destination)
        set_id = options["set"] or _newest(destination)
        wanted = _open(destination, set_id, options)
        if options["dry_run"]:
            return self._check(wanted)
        with ExitStack() as stack:
            self._alone(stack)
            done = whole.restore(wanted, overwrite=options["overwrite"], tell=self._tell)
        if self.json:
            self.print_json(asdict(done))
        else:
            self._say_done(done)
        return 1 if done.problems else 0

    def _alone(self, stack: ExitStack) -> None:
        """Nobody else works on this installation; its own servers run meanwhile, where it has some."""
        paths.home().mkdir(mode=0o711, parents=True, exist_ok=True)
        lock = stack.enter_context((paths.home() / "up.lock").open("ab"))
        if not servers.try_lock(lock):
            self.refuse("Postkeep is running here; stop it first")
        for folder in (paths.work_dir(), paths.stores_dir(), paths.uploads_dir(), paths.keys_dir()):
            folder.mkdir(mode=0o700, exist_ok=True)
        if environment.has_own_database():
            stack.enter_context(servers.running())
            servers.mark_database()

    def _tell(self, text: str) -> None:
        self.stderr.write(text, style_func=str)

    def _list(self, destination: Destination) -> int:
        found = list_sets(destination)
        if self.json:
            self.print_json([_line(each.manifest) if each.manifest else asdict(each) for each in found])
        for each in found if not self.json else ():
            made = each.manifest
            facts = (
                each.problem if made is None else f"{made.messages:,} messages, {megabytes(made.bytes)}, {made.host}"
            )
            self.say(f"{each.set}  {facts}")
        return 0 if found else 1

    def _check(self, wanted: whole.Wanted) -> int:
        manifest = wanted.manifest
        report = checking.run(wanted.destination, manifest, checking.plan(manifest))
        problems = [f"{each.where}: {each.what}" for each in report.problems]
        facts = _line(manifest) | {"ok": report.ok, "problems": [*manifest.problems, *problems]}
        if self.json:
            self.print_json(facts)
        else:
            for name, value in facts.items():
                self.say(f"{name}: {value}")
        return 0 if report.ok else 1

    def _say_done(self, done: whole.Restored) -> None:
        self.say(f"{done.set} is restored: {len(done.stores)} stores, {done.messages:,} messages.")
        if done.aside:
            self.say(f"What was here before is kept in {done.aside}.")
        for problem in done.problems:
            self.say(f"LOOK: {problem}")
        self.say("Start Postkeep now.")


def _destination(options: dict[str, Any]) -> Destination:
    if options["folder"] is not None:
        if not options["folder"].is_dir():
            raise PathRefused(f"there is no folder {options['folder']}")
        return FolderDestination(options["folder"].resolve())
    if not options["endpoint"]:
        raise PathRefused("say --endpoint too: the address of the S3 server")
    key, secret = os.environ.get("AWS_ACCESS_KEY_ID", ""), os.environ.get("AWS_SECRET_ACCESS_KEY", "")
    if options["s3_key_file"] is not None:
        lines = _text(options["s3_key_file"]).split()
        if len(lines) != 2:
            raise PathRefused("the file with the S3 keys has two lines: access key and secret key")
        key, secret = lines
    where = Bucket(options["endpoint"], options["bucket"], options["region"], options["prefix"].strip("/"), key, secret)
    return S3Destination(where)


def _newest(destination: Destination) -> str:
    found = next((each.set for each in list_sets(destination) if each.manifest is not None), None)
    if found is None:
        raise SetUnknown(f"there is no backup at {destination.label}")
    return found


def _open(destination: Destination, set_id: str, options: dict[str, Any]) -> whole.Wanted:
    """By the master key's file, else by the recovery key: never from the command line, which others can read."""
    if options["master_key_file"] is not None:
        try:
            master = bytes.fromhex(_text(options["master_key_file"]).strip())
        except ValueError as error:
            raise PathRefused("the master key file must hold 64 hexadecimal digits") from error
        return whole.open_set(destination, set_id, master=master)
    if options["key_file"] is not None:
        text = _text(options["key_file"])
    else:
        text = getpass.getpass("Recovery key: ") if sys.stdin.isatty() else sys.stdin.read(10_000)
    return whole.open_set(destination, set_id, recovery_key=text)


def _text(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except (OSError, ValueError) as error:
        raise PathRefused(f"{file} can't be read: {error}") from error


def _line(manifest: Manifest) -> dict[str, Any]:
    return {
        "set": manifest.set, "made": manifest.started, "host": manifest.host, "version": manifest.version,
        "stores": [store.name for store in manifest.stores], "messages": manifest.messages, "bytes": manifest.bytes,
    }  # fmt: skip
