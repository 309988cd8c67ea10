"""A process that changes folders until it is killed: one child, forked for each line `OPERATION SOURCE TARGET [IDS]`.

It says `begun PID` for each; an empty line says that it was killed, and `gone` that it has ended. Forking spares
starting Django each time.
"""

from __future__ import annotations

import os
import sys

BATCH = 3  # messages a record: a move is many


def say(*what: object) -> None:
    sys.stdout.write(" ".join(map(str, what)) + "\n")
    sys.stdout.flush()


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django

    django.setup()
    from archive.store import folders

    folders.BATCH = BATCH
    address = sys.argv[1]
    say("ready")
    for line in iter(sys.stdin.readline, ""):
        pid = os.fork()
        if not pid:
            try:
                change(address, *line.rstrip("\n").split("\t"))
            finally:
                os._exit(0)
        say("begun", pid)
        sys.stdin.readline()  # only when it has been killed its number may be another's
        os.waitpid(pid, 0)
        say("gone")


def change(address: str, operation: str, source: str, target: str, ids: str = "") -> None:
    from accounts.actors import Actor
    from archive.services import folders, message_moves
    from domains.models import Mailbox

    actor, mailbox = Actor.system(), Mailbox.objects.get(address=address)
    if operation == "move":
        folders.move_folder(actor, mailbox, source, target)
    elif operation == "merge":
        folders.merge_folders(actor, mailbox, source, target)
    else:
        message_moves.move_messages(actor, mailbox, ids.split(), target, source=source)
    say("done")


if __name__ == "__main__":
    main()
