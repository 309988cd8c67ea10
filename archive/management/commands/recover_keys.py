"""`manage.py recover_keys`: open all stores with the recovery key and give the installation a new master key."""

from __future__ import annotations

import getpass
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from accounts.actors import Actor
from archive.errors import PathRefused
from archive.management.shell import Door
from archive.services.keys import recover_keys


class Command(Door):
    help = "Takes the recovery key (asked for, from stdin, or --key-file) and wraps every store under a new master key."

    def add_own_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--key-file", type=Path, metavar="FILE", help="where the recovery key stands")

    def work(self, actor: Actor, options: dict[str, Any]) -> int:
        result = recover_keys(actor, recovery_key=_read_key(options["key_file"]))
        if self.json:
            self.print_json(result)
            return 0
        stores = result["stores"]
        assert isinstance(stores, list)
        self.say(f"The new master key is in {result['master']}.")
        if result["old_master"]:
            self.say(f"The old one is kept as {result['old_master']}.")
        self.say(f"{len(stores)} stores open with it: {', '.join(stores) or 'none yet'}.")
        if left := result["stores_left"]:
            assert isinstance(left, list)
            self.say(f"Their databases could not be reached; unlock them with the recovery key: {', '.join(left)}.")
        if result["secrets_lost"]:
            self.say(
                "Some stored passwords and keys can't be opened with it: they were made under another recovery key"
            )
            self.say("and a master key that is gone. The health page says so until they are typed in again.")
        self.say("Restart Postkeep where it runs.")
        return 0


def _read_key(file: Path | None) -> str:
    """Never from the command line: it would stand in the process list and the shell's history."""
    if file is not None:
        try:
            return file.read_text("utf-8")
        except (OSError, ValueError) as error:
            raise PathRefused(f"the key file can't be read: {error}") from error
    if sys.stdin.isatty():
        return getpass.getpass("Recovery key: ")
    return sys.stdin.read(10_000)
