"""A process that processes retention in small batches until it is done or killed; says when it begins."""

from __future__ import annotations

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django

    django.setup()
    from accounts.actors import Actor
    from archive.services import retention_run
    from jobs import services
    from jobs.commands import NoArguments

    retention_run.BATCH = 3
    sys.stdout.write("begun\n")
    sys.stdout.flush()
    task = services.run_here(Actor.console(), "ProcessRetentionPolicies", NoArguments())
    sys.stdout.write(f"{task.state} {task.error}\n")


if __name__ == "__main__":
    main()
