"""`python -m tests.archive.django.profiles.worker PROFILE PORT…`: runs a profile as the shell does, to be killed.

In a process of its own, on the database of the test that started it; the gate is open to these ports on loopback.
"""

from __future__ import annotations

import os
import sys

import django


def main() -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    from accounts.actors import Actor
    from archive.services.profiles.arguments import ProfileArguments
    from jobs.services import run_here

    task = run_here(Actor.console(), "RunProfile", ProfileArguments(id=int(sys.argv[1])))
    print(task.state, task.error, flush=True)
    return 0 if task.state == "completed" else 1


if __name__ == "__main__":
    sys.exit(main())
