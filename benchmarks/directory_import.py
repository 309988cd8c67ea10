"""How many users a second come from a CSV file, and how much memory that takes; run inside a house's own process.

    manage.py shell -v 0 -c "from benchmarks.directory_import import tell; tell('bench@bench.example', 20_000)"

As a dry run, which does everything (judging, rights, rows, events) and takes it back, so that a kept directory stays as
it is. What is missing of a real one is the commit. Rows come without passwords, over a hundred domains.
"""

from __future__ import annotations

import json
import resource
import sys
import tempfile
import time
from pathlib import Path

from accounts.actors import Actor
from accounts.models import User
from domains.models import Domain
from domains.services.importing.users import import_users

DOMAINS = 100


def tell(email: str, rows: int) -> None:
    """Prints {"rows", "seconds", "before", "peak"}: resident bytes before, and at most until the end."""
    actor = Actor.for_user(User.objects.get(email=email))
    names = list(Domain.objects.order_by("pk").values_list("name", flat=True)[:DOMAINS])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "users.csv")
        with path.open("w", encoding="utf-8") as file:
            file.write("email,first_name,last_name,language,quota_mb\n")
            for number in range(rows):
                file.write(f"imported{number}@{names[number % len(names)]},Clara,Eriksen,en,{1024 + number % 7}\n")
        import_users(actor, _first_rows(path), dry_run=True)  # what a process does once isn't measured
        before, began = _peak(), time.perf_counter()
        result = import_users(actor, path, dry_run=True)
        seconds = time.perf_counter() - began
    json.dump({"rows": result.created, "seconds": seconds, "before": before, "peak": _peak()}, sys.stdout)


def _first_rows(path: Path) -> Path:
    few = path.with_name("few.csv")
    with path.open(encoding="utf-8") as file:
        few.write_text("".join(line for line, _number in zip(file, range(10), strict=False)), "utf-8")
    return few


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
