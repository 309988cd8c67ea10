"""`make bench`, or `python -m benchmarks`: run the sections, write benchmarks/README.md and results/<date>.json."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import zstandard

from benchmarks import (
    deciding,
    delivering,
    directory,
    folders,
    guessing,
    ingesting,
    judging,
    keeping,
    lasting,
    machine,
    memory,
    notmuch,
    passing,
    profiles,
    searching,
    sharing,
    sizing,
    starting,
    stores,
    syncing,
    tracking,
)
from benchmarks.corpus import Corpus
from benchmarks.figures import Target, put_between_marks, table, target_table
from benchmarks.house import ROOT, kept_house
from benchmarks.section import Bench, Result, Section

HERE = Path(__file__).parent
SHARED = ROOT.parent / "shared" / "corpora"
SECTIONS: dict[str, Section] = {
    "ingest": ingesting,
    "profiles": profiles,
    "search": searching,
    "stores": stores,
    "folders": folders,
    "size": sizing,
    "sharing": sharing,
    "memory": memory,
    "start": starting,
    "directory": directory,
    "sync": syncing,
    "decision": deciding,
    "judging": judging,
    "retention": keeping,
    "delivery": delivering,
    "gateway": passing,
    "gateway-memory": lasting,
    "tracking": tracking,
    "guessing": guessing,
}
WITHOUT_MAILS = {
    "delivery",
    "directory",
    "decision",
    "judging",
    "folders",
    "gateway",
    "gateway-memory",
    "guessing",
    "retention",
    "sharing",
    "tracking",
}


BUILDS = ("notmuch", "stores", "all")
BUSY = 0.7


def main() -> int:
    # Ended from outside, everything we started ends too: each measurement cleans up on its way out.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    options = _options()
    with _work_folder(options.work) as work:
        needs_mails = bool(options.build or set(options.only) - WITHOUT_MAILS)
        source = _lists_mbox(work) if needs_mails else None
        if needs_mails and source is None:
            print(
                "benchmarks: the mails are missing. Set POSTKEEP_CORPORA to a folder with lists.mbox in it, or put "
                f"lists.mbox.zst into {SHARED}.",
                file=sys.stderr,
            )
            return 1
        if needs_mails and notmuch.version() is None:
            print("benchmarks: notmuch is not installed; only our own side is measured (Debian: apt install notmuch)")
        bench = Bench(
            mails=Corpus(source, work, options.mails) if source is not None else None,
            work=work,
            sizes=options.sizes,
            rounds=options.rounds,
            budget_s=options.budget,
            has_notmuch=notmuch.version() is not None,
            huge=options.huge,
            directory=options.directory,
        )
        if options.build:
            return _build(bench, options.build)
        return _run(bench, options.only, work / "results" if options.mails or options.directory else HERE)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", type=_names, default=list(SECTIONS), help=f"of {','.join(SECTIONS)}; others are kept")
    parser.add_argument("--sizes", type=_sizes, default=[28, 84, 500], help="of search, in thousands: 28,84,500")
    parser.add_argument("--work", type=Path, help="keep mails, databases and stores here for the next run")
    parser.add_argument("--rounds", type=int, default=3, help="of which the medians are taken (3)")
    parser.add_argument("--budget", type=float, default=900.0, help="seconds after which a search starts no new round")
    parser.add_argument("--huge", action="store_true", help="memory: an mbox of 10 GiB too; gateway: a million")
    parser.add_argument("--directory", type=_directory, help="mailboxes,domains,customers instead of a million")
    parser.add_argument("--build", choices=BUILDS, help="only make what --work keeps for these --sizes")
    parser.add_argument(
        "--mails", type=int, default=0, help="a try with so many mails; results stay in the work folder"
    )
    return parser.parse_args()


def _names(text: str) -> list[str]:
    names = text.split(",")
    if unknown := set(names) - set(SECTIONS):
        raise argparse.ArgumentTypeError(f"unknown: {', '.join(sorted(unknown))}")
    return names


def _sizes(text: str) -> list[int]:
    return [int(part) for part in text.split(",")]


def _directory(text: str) -> tuple[int, int, int]:
    mailboxes, domains, customers = (int(part) for part in text.split(","))
    return mailboxes, domains, customers


@contextmanager
def _work_folder(given: Path | None) -> Iterator[Path]:
    """The one given, which stays, or one in the temporary folder, which does not."""
    if given is not None:
        given.mkdir(parents=True, exist_ok=True)
        yield given.resolve()
        return
    with tempfile.TemporaryDirectory(prefix="pk-bench-") as folder:
        # PostgreSQL may run as another user, who must get through.
        Path(folder).chmod(0o755)
        yield Path(folder).resolve()


def _lists_mbox(work: Path) -> Path | None:
    """POSTKEEP_CORPORA's lists.mbox, else the one unpacked from the shared folder."""
    if given := os.environ.get("POSTKEEP_CORPORA"):
        found = Path(given) / "lists.mbox"
        return found if found.exists() else None
    unpacked = work / "lists.mbox"
    packed = SHARED / "lists.mbox.zst"
    if not unpacked.exists():
        if not packed.exists():
            return None
        with packed.open("rb") as source, unpacked.with_suffix(".new").open("wb") as out:
            zstandard.ZstdDecompressor().copy_stream(source, out)
        unpacked.with_suffix(".new").replace(unpacked)
    return unpacked


def _build(bench: Bench, what: str) -> int:
    """What a later run needs and takes long: mails, notmuch's databases, our stores."""
    for thousands in bench.sizes:
        mails = bench.corpus.mail_set(thousands)
        bench.say(f"{thousands} k: {mails.messages:,} mails, {mails.raw_bytes / 1e6:,.0f} MB")
    bench.corpus.forget()
    for thousands in bench.sizes:
        mails = bench.corpus.mail_set(thousands)
        if what != "notmuch":
            kept_house(bench.corpus, mails)
            bench.say(f"{thousands} k: our store is there")
        if what != "stores" and bench.has_notmuch:
            notmuch.built(bench.corpus, mails)
            bench.say(f"{thousands} k: notmuch's database is there")
    return 0


def _run(bench: Bench, names: list[str], folder: Path) -> int:
    """The sections one after another; each is written down when it is done. A failed one does not end the others."""
    today = time.strftime("%Y-%m-%d", time.gmtime())
    results = folder if folder != HERE else HERE / "results"
    results.mkdir(parents=True, exist_ok=True)
    raw = results / f"{today}.json"
    document: Result = json.loads(raw.read_text()) if raw.exists() else {"sections": {}}
    document["machine"] = machine.facts(bench.work)
    if os.getloadavg()[0] > BUSY:
        bench.say(f"careful: this machine is busy with something else (load {os.getloadavg()[0]:.1f})")
    failed = []
    for name in names:
        began = time.monotonic()
        bench.say(f"{name} begins")
        try:
            document["sections"][name] = SECTIONS[name].measure(bench, document["sections"].get(name, {}))
        except Exception:
            traceback.print_exc()
            failed.append(name)
            continue
        bench.say(f"{name} took {time.monotonic() - began:.0f} s")
        raw.write_text(json.dumps(document, indent=1) + "\n")
        _write_tables(folder / "README.md", newest(results))
    measured = {name: document["sections"][name] for name in names if name not in failed}
    for target in targets_of({"sections": measured}):
        print(target.line)
    if failed:
        print(f"benchmarks: failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def targets_of(document: Result) -> list[Target]:
    """Of all sections that were measured."""
    sections = document["sections"]
    return [
        target for name, section in SECTIONS.items() if name in sections for target in section.targets(sections[name])
    ]


def newest(results: Path) -> Result:
    """Of every section the last figures there are, each with its day, in one document; the machine of the last day."""
    found: Result = {"sections": {}, "days": {}}
    for raw in sorted(results.glob("????-??-??.json")):
        document = json.loads(raw.read_text())
        found["machine"] = document["machine"]
        found["sections"].update(document["sections"])
        found["days"].update(dict.fromkeys(document["sections"], raw.stem))
    return found


def report(document: Result) -> str:
    """All tables as Markdown."""
    facts = document["machine"]
    pieces = [table(("machine", ""), [(name, value) for name, value in facts.items()])]
    pieces.append(f"### Targets\n\n{target_table(targets_of(document))}")
    for name, section in SECTIONS.items():
        if name in document["sections"]:
            told = section.tables(document["sections"][name])
            pieces.append(f"### {section.TITLE}\n\nMeasured on {document['days'][name]}.\n\n{told}")
    return "\n".join(pieces)


def _write_tables(path: Path, document: Result) -> None:
    text = path.read_text() if path.exists() else "# Benchmarks\n"
    path.write_text(put_between_marks(text, report(document)))


if __name__ == "__main__":
    sys.exit(main())
