"""The tree of an archive of 10,000 folders over two stores: as a page, as the branch that is opened, to programs.

Over HTTP from the web server of `manage.py up`, in a signed-in session on one kept connection. Not for searching.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks.asking import Answer, Api
from benchmarks.figures import Target, percentile, table
from benchmarks.house import ADDRESS, ROOT, Browser, House, clean_environment
from benchmarks.section import Bench, Result

TITLE = "Folders"
FOLDERS, TIMES = 10_000, 60
LIMIT_MS = 100.0


def measure(bench: Bench, known: Result) -> Result:
    with bench.scratch("folders") as home, House(home) as house:
        told = json.loads(_inside(home, f"from benchmarks.folder_data import fill; fill({ADDRESS!r}, {FOLDERS})"))
        token = json.loads(_inside(home, f"from benchmarks.directory_facts import token; token({ADDRESS!r})"))
        browser = Browser(house.port)
        browser.sign_in()
        program = Api(house.port, {"Authorization": f"Bearer {token}"})
        htmx = {"HX-Request": "true"}
        tree, api = f"/folders/{told['mailbox']}/", f"/api/v1/users/{told['person']}/emails/folders"
        branch = f"{tree}?below={told['wide'].replace(' ', '%20')}"
        asked: dict[str, Callable[[], Answer]] = {
            "the page of the tree": lambda: browser.get(tree),
            "a branch that is opened": lambda: browser.get(branch, htmx),
            "the page of the mail, with its folders": lambda: browser.get("/mail/"),
            "API, the folders at the top": lambda: program.get(api),
            "API, all 10,000 with counts": lambda: program.get(f"{api}?levels=0&fields=STATS"),
        }
        found: Result = {"folders": FOLDERS, "ways": {}}
        for name, ask in asked.items():
            first = ask().expect(200)
            milliseconds = [ask().expect(200).seconds * 1000 for _ in range(TIMES)]
            found["ways"][name] = {
                "first": first.seconds * 1000,
                "p50": percentile(milliseconds, 50),
                "p95": percentile(milliseconds, 95),
                "bytes": len(first.body),
            }
            bench.say(f"folders: {name}: {found['ways'][name]['p50']:.1f} ms")
    return found


def _inside(home: Path, code: str) -> str:
    argv = [sys.executable, "manage.py", "shell", "-v", "0", "-c", code]
    environ = clean_environment(POSTKEEP_HOME=str(home))
    done = subprocess.run(argv, cwd=ROOT, env=environ, check=True, stdout=subprocess.PIPE)
    return done.stdout.decode()


def tables(found: Result) -> str:
    rows = [
        (name, f"{one['first']:.0f}", f"{one['p50']:.1f}", f"{one['p95']:.1f}", f"{one['bytes']:,}")
        for name, one in found["ways"].items()
    ]
    return table((f"{found['folders']:,} folders in two stores", "first, ms", "p50", "p95", "bytes"), rows)


def targets(found: Result) -> list[Target]:
    return [Target(f"{name}, p50", one["p50"], LIMIT_MS, "ms") for name, one in found["ways"].items()]
