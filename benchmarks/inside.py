"""Searches inside one process, as a page does them: `python -m benchmarks.inside QUERIES ROUNDS BUDGET_S`.

QUERIES is a JSON file with a list of texts. Prints {"seconds": [[per round] per query], "totals", "rows"}. Run by
benchmarks.searching with POSTKEEP_HOME set to a house that is not running and has one store. Timed is
`Store.search`: reading the query, searching, the exact total, the newest 50 rows. Not for pages.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from archive.store import Keys, Store
from config.kit import paths, secrets

NEWEST = 50


def main() -> None:
    queries: list[str] = json.loads(Path(sys.argv[1]).read_text())
    rounds, budget_s = int(sys.argv[2]), float(sys.argv[3])
    (root,) = (path for path in paths.stores_dir().iterdir() if path.is_dir())
    (work,) = (path for path in paths.work_dir().iterdir() if path.is_dir())
    keys = Keys(master=secrets.master_key(), recovery_public=secrets.recovery_public())
    with Store.open(root, work, keys) as store:
        print(json.dumps(run(store, queries, rounds, budget_s)))


def run(store: Store, queries: list[str], rounds: int, budget_s: float) -> dict[str, object]:
    """As many rounds over all queries as fit; always one."""
    mailboxes = {folder.mailbox for folder in store.folders()}
    seconds: list[list[float]] = [[] for _ in queries]
    totals, rows = [0] * len(queries), [0] * len(queries)
    until = time.monotonic() + budget_s
    for number in range(rounds):
        if number and time.monotonic() > until:
            break
        for at, query in enumerate(queries):
            started = time.perf_counter()
            hits = store.search(query, mailboxes=mailboxes, limit=NEWEST)
            seconds[at].append(time.perf_counter() - started)
            totals[at], rows[at] = hits.total, len(hits.rows)
    return {"seconds": seconds, "totals": totals, "rows": rows}


if __name__ == "__main__":
    main()
