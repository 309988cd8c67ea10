"""Size on disk: store and work folder after everything is closed, per byte of raw mail, beside notmuch's database.

Blocks on disk count (as du says), the lengths of the files stand beside them. Not for sizes in memory.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from benchmarks import notmuch
from benchmarks.figures import Target, table
from benchmarks.house import kept_house
from benchmarks.section import Bench, Result

TITLE = "Size on disk"
MOST, GOAL = 0.70, 0.60


def measure(bench: Bench, known: Result) -> Result:
    mails = bench.corpus.mail_set(bench.base)
    bench.corpus.forget()
    home = kept_house(bench.corpus, mails).home
    parts = {
        "packs": (home / "stores").glob("*/packs"),
        "journal": (home / "stores").glob("*/journal"),
        "store in all": [home / "stores"],
        "catalogue": (home / "work").glob("*/catalogue.sqlite*"),
        "index": (home / "work").glob("*/index"),
        "work folder in all": [home / "work"],
        "everything": [home / "stores", home / "work"],
    }
    found: Result = {"messages": mails.messages, "raw_bytes": mails.raw_bytes}
    found["ours"] = {name: taken(paths) for name, paths in parts.items()}
    found["mail_files"] = taken(copy.files for copy in mails.copies)
    if bench.has_notmuch:
        found["notmuch"] = list(notmuch.built(bench.corpus, mails).database_bytes())
    return found


def taken(paths: Iterable[Path]) -> list[int]:
    """[bytes in files, bytes of blocks], folders included in the blocks."""
    length = blocks = 0
    for path in paths:
        for each in [path, *(path.rglob("*") if path.is_dir() else [])]:
            found = each.lstat()
            length += 0 if each.is_dir() else found.st_size
            blocks += found.st_blocks * 512
    return [length, blocks]


def tables(found: Result) -> str:
    raw = found["raw_bytes"]
    rows = [_row(f"Postkeep: {name}", sizes, raw) for name, sizes in found["ours"].items()]
    rows.append(_row("the mails as files", found["mail_files"], raw))
    if "notmuch" in found:
        rows.append(_row("notmuch's database", found["notmuch"], raw))
        both = [sum(pair) for pair in zip(found["notmuch"], found["mail_files"], strict=True)]
        rows.append(_row("notmuch with the mails, which it needs", both, raw))
    text = f"{found['messages']:,} mails, {raw / 1e6:,.1f} MB raw; after everything was closed.\n\n"
    return text + table(("", "MB in files", "MB on disk", "on disk ÷ raw"), rows)


def _row(name: str, sizes: list[int], raw: int) -> tuple[str, ...]:
    length, blocks = sizes
    return name, f"{length / 1e6:,.1f}", f"{blocks / 1e6:,.1f}", f"{blocks / raw:.3f}"


def targets(found: Result) -> list[Target]:
    share = found["ours"]["everything"][1] / found["raw_bytes"]
    return [
        Target("size on disk ÷ raw mail", share, MOST),
        Target("size on disk ÷ raw mail, the goal", share, GOAL),
    ]
