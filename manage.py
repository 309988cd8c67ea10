#!/usr/bin/env python
"""One door for people with a shell: up, import_mail, export_mail, search, invoke, verify and the rest.

Not for logic: every command lives in the `management/commands` of its app.
"""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    if sys.argv[1:2] == ["up"] and not {"-h", "--help"} & set(sys.argv):
        # The supervisor stays small: it never loads Django.
        from config.supervisor.main import main as up

        sys.exit(up(sys.argv[2:]))

    from config.kit.process import keep_memory_together, look_for_garbage_less_often

    keep_memory_together()
    look_for_garbage_less_often()
    from django.core.management import execute_from_command_line

    argv = list(sys.argv)
    if argv[1:2] == ["invoke"]:  # what follows belongs to the registry of commands, also --settings and its like
        argv.insert(2, "--")
    execute_from_command_line(argv)


if __name__ == "__main__":
    main()
