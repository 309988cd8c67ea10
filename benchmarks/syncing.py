"""People taken over from a directory: a real slapd with its entries loaded by slapadd, read, made, and read again.

One process in a house without clock and workers (benchmarks.quiet). Beside it what the directory alone takes: the same
pages asked for by OpenLDAP's own ldapsearch where that is installed. Not for signing in.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from pathlib import Path

from benchmarks.figures import MIB, Target, number, table
from benchmarks.quiet import Quiet
from benchmarks.section import Bench, Result
from tests.slapd import PEOPLE, ROOT, ROOT_PASSWORD, SLAPD, Slapd, running_slapd

TITLE = "Directory sync"
ENTRIES, FEW = 100_000, 5_000
MOST_FIRST_S, MOST_AGAIN_S, MOST_GROWTH_MIB = 120.0, 20.0, 100.0


def measure(bench: Bench, known: Result) -> Result:
    if not Path(SLAPD).exists():
        raise RuntimeError("slapd is missing (Debian: apt install slapd)")
    entries = FEW if bench.directory else ENTRIES
    with bench.scratch("sync") as folder:
        ldif = folder / "people.ldif"
        _write(ldif, entries)
        with running_slapd(ldif=ldif) as directory, Quiet(folder / "home").running() as house:
            settings = directory.settings(aliases_attribute="proxyAddresses", quota_attribute="mailQuota")
            given = {"settings": settings, "secret": ROOT_PASSWORD}
            told = house.inside(f"from benchmarks.syncing_inside import tell; tell({given!r})")
            found: Result = {"entries": entries, "steps": json.loads(told), "ldapsearch_s": _ldapsearch(directory)}
    for name in ("dry", "first", "again"):
        bench.say(f"sync of {entries:,}, {name}: {found['steps'][name]['seconds']:.1f} s")
    return found


def _write(path: Path, entries: int) -> None:
    """People with a name, a quota, an alias; over ten domains."""
    with path.open("w", encoding="utf-8") as file:
        for n in range(entries):
            domain = f"d{n % 10}.bench.example"
            file.write(
                f"dn: cn=Person {n},{PEOPLE}\nobjectClass: inetOrgPerson\nobjectClass: mailUser\ncn: Person {n}\n"
                f"sn: Number{n}\ngivenName: Person\nmail: person{n}@{domain}\nmailQuota: {1024 + n % 7}\n"
                f"proxyAddresses: SMTP:person{n}@{domain}\nproxyAddresses: smtp:p.{n}@{domain}\n\n"
            )


def _ldapsearch(directory: Slapd) -> float | None:
    """Seconds for the same pages without doing anything with them."""
    program = shutil.which("ldapsearch")
    if program is None:
        return None
    began = time.perf_counter()
    url = f"ldap://127.0.0.1:{directory.port}/"
    asked = ["-x", "-H", url, "-D", ROOT, "-w", ROOT_PASSWORD, "-b", PEOPLE, "-E", "pr=500/noprompt", "-LLL"]
    subprocess.run([program, *asked, "(mail=*)"], stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - began


def tables(found: Result) -> str:
    steps, alone = found["steps"], found["ldapsearch_s"]
    rows = [
        (label, number(steps[name]["seconds"]), number(steps[name]["processor_s"]), number(steps[name]["grown"] / MIB))
        for name, label in (("dry", "only tried"), ("first", "first run"), ("again", "second run, nothing changed"))
    ]
    beside = "" if alone is None else f" ldapsearch alone reads them in {number(alone)} s."
    text = f"{found['entries']:,} entries with an alias and a quota each, over ten domains, TLS.{beside}\n\n"
    return text + table(("run", "s", "s of a processor", "MiB more at its peak"), rows)


def targets(found: Result) -> list[Target]:
    if found["entries"] < ENTRIES:
        return []
    steps = found["steps"]
    return [
        Target("sync of 100,000 entries", steps["first"]["seconds"], MOST_FIRST_S, "s"),
        Target("sync of 100,000 entries again", steps["again"]["seconds"], MOST_AGAIN_S, "s"),
        Target("memory of a sync", steps["again"]["grown"] / MIB, MOST_GROWTH_MIB, "MiB"),
    ]
