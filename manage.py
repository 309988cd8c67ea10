#!/usr/bin/env python
"""One door for people with a shell: up, import_mail, export_mail, search, invoke, verify and the rest.

Not for logic: every command lives in the `management/commands` of its app.
"""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
