"""The tables and targets of the directory's figures. Pure; not for measuring."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from benchmarks.figures import MIB, Target, number, table
from benchmarks.list_pages import OFFERED
from benchmarks.section import Result

PAGE_MS, RATIO, EXPANSION_MS, READS, IMPORTED = 100.0, 1.5, 50.0, 300.0, 2000.0
ADMINISTRATOR = "system administrator"
KINDS = OFFERED
OURS = ("domains:mailbox-list", "domains:user-list")
RATES = {
    "created per second": "created one by one, with a password",
    "created per second, invited": "created one by one, to be invited",
    "imported per second": "from CSV, without clear passwords",
}


def tables(found: Result) -> str:
    """All of them as Markdown."""
    small, large = _sizes(found)
    pieces = [_counts(found)]
    if small and large:
        over = "Milliseconds over HTTP, two web workers, as a system administrator."
        pieces += [_lists(found, small, large, "lists", f"Pages. {over}"), _delegated(found, small, large, "lists")]
        pieces += [_lists(found, small, large, "api", f"API v1. {over}"), _delegated(found, small, large, "api")]
        pieces += [_rates(found, small, large)]
    pieces.append(_peer(found))
    return "\n".join(piece for piece in pieces if piece)


def targets(found: Result) -> list[Target]:
    small, large = _sizes(found)
    result: list[Target] = []
    if not (small and large):
        return result
    for actor in found[large]["lists"]:
        rows = [*_rows(found, small, large, actor, "lists")]
        if rows:
            slowest = max(row["large"]["p95"] for row in rows)
            ratios = [row["large"]["p95"] / row["small"]["p95"] for row in rows if row["small"]]
            result.append(Target(f"lists, slowest p95, {actor}", slowest, PAGE_MS, " ms"))
            result.append(Target(f"lists, p95 ÷ that at {int(small):,}, worst, {actor}", max(ratios), RATIO, " ×"))
    changed = sum(row["grows"] for row in _rows(found, small, large, ADMINISTRATOR, "lists"))
    result.append(Target("lists whose number of queries grows", changed, 0.0))
    if expansion := found[large].get("expansion"):
        name = f"expansion of a group of {expansion['deliveries']:,}, p95"
        result.append(Target(name, expansion["p95"], EXPANSION_MS, " ms"))
    if reads := found[large].get("reads per second"):
        result.append(Target("API reads per second, one worker", min(reads.values()), READS, at_least=True))
    if imported := found[large].get("imported per second"):
        result.append(Target("CSV import, users per second", imported, IMPORTED, at_least=True))
    return result


def _all_sizes(found: Result) -> list[str]:
    return sorted((key for key in found if key.isdigit()), key=int)


def _sizes(found: Result) -> tuple[str, str]:
    sizes = _all_sizes(found)
    return (sizes[0], sizes[-1]) if len(sizes) > 1 else ("", "")


def _rows(found: Result, small: str, large: str, actor: str, part: str) -> Iterator[dict[str, Any]]:
    """One of each list and kind, where `small` may be None."""
    for name, kinds in found[large].get(part, {}).get(actor, {}).items():
        before = found[small].get(part, {}).get(actor, {}).get(name, {})
        asked = [found[size].get("queries", {}).get(actor, {}).get(name, {}) for size in (small, large)]
        for kind in KINDS:
            if kind in kinds:
                few, many = (each.get(kind, {}).get("count") for each in asked)
                grows = few is not None and many is not None and many > few
                texts = "" if many is None else f"{few} → {many}" if grows else f"{many}"
                same = {"list": name, "kind": kind, "grows": grows, "queries": texts}
                yield {**same, "large": kinds[kind], "small": before.get(kind)}


def _counts(found: Result) -> str:
    names = ("Customer", "Domain", "User", "Address", "Mailbox")
    rows = []
    for size in _all_sizes(found):
        counts, built = found[size]["counts"], found[size]["built"].get("seconds", 0.0)
        rows.append((f"{int(size):,} mailboxes", *(f"{counts[name]:,}" for name in names), number(built)))
    return table(("directory", "customers", "domains", "people", "addresses", "mailboxes", "s to fill"), rows)


def _lists(found: Result, small: str, large: str, part: str, text: str) -> str:
    """The system administrator's lists, each with all that it offers."""
    rows = [
        (row["list"], row["kind"], *_figures(row), row["queries"])
        for row in _rows(found, small, large, ADMINISTRATOR, part)
    ]
    return f"\n{text}\n\n" + table(("list", "asked for", *_heads(small, large), "queries"), rows) if rows else ""


def _delegated(found: Result, small: str, large: str, part: str) -> str:
    """Delegated administrators: of each list the slowest kind."""
    rows = []
    for actor in found[large].get(part, {}):
        if actor == ADMINISTRATOR:
            continue
        worst: dict[str, dict[str, Any]] = {}
        for row in _rows(found, small, large, actor, part):
            if row["list"] not in worst or row["large"]["p95"] > worst[row["list"]]["large"]["p95"]:
                worst[row["list"]] = row
        rows += [(actor, name, row["kind"], *_figures(row), row["queries"]) for name, row in worst.items()]
    head = ("administrator", "list", "slowest", *_heads(small, large), "queries")
    return "\nDelegated administrators: of each list what is slowest.\n\n" + table(head, rows) if rows else ""


def _rates(found: Result, small: str, large: str) -> str:
    """What is counted per second, and the expansion."""
    rows: list[tuple[str, ...]] = []
    for name in found[large].get("reads per second", {}):
        figures = [found[size].get("reads per second", {}).get(name) for size in (small, large)]
        rows.append((f"{name}, one worker, per second", *map(_or_dash, figures)))
    for key, text in RATES.items():
        figures = [found[size].get(key) for size in (small, large)]
        if any(figures):
            rows.append((f"users {text}, per second", *map(_or_dash, figures)))
    for at, one in enumerate(found[large].get("imports", ())):
        text = f"memory of a CSV import of {one['rows']:,}, MiB more than before it"
        both = [found[size].get("imports", [{}] * (at + 1))[at] for size in (small, large)]
        rows.append((text, *(_or_dash(_grown(each)) for each in both)))
    if expansion := found[large].get("expansion"):
        text = f"expansion of a group of {expansion['deliveries']:,}, ms, p50 / p95"
        rows.append((text, "", f"{number(expansion['p50'])} / {number(expansion['p95'])}"))
    return "\n" + table(("", f"{int(small):,}", f"{int(large):,}"), rows) if rows else ""


def _grown(one: dict[str, Any]) -> float | None:
    return (one["peak"] - one["before"]) / MIB if one else None


def _or_dash(value: float | None) -> str:
    return "–" if value is None else number(value)


def _figures(row: dict[str, Any]) -> tuple[str, ...]:
    large, small = row["large"], row["small"]
    if not small:
        return ("–", "–", number(large["p50"]), number(large["p95"]), "–")
    pair = (number(small["p50"]), number(small["p95"]), number(large["p50"]), number(large["p95"]))
    return (*pair, f"{number(large['p95'] / small['p95'])} ×")


def _heads(small: str, large: str) -> tuple[str, ...]:
    few, many = f"{int(small):,}", f"{int(large):,}"
    return (f"p50 {few}", f"p95 {few}", f"p50 {many}", f"p95 {many}", "p95 ÷ p95")


def _peer(found: Result) -> str:
    """Modoboa's account list beside our list of mailboxes, as a page and for programs."""
    peer = found.get("modoboa", {})
    if not peer:
        return ""
    if "missing" in peer:
        return f"\nModoboa is not measured: {peer['missing'].splitlines()[0]}\n"
    columns: list[tuple[str, dict[str, Any]]] = []
    for size in _all_sizes(found):
        lists, api = found[size]["lists"].get(ADMINISTRATOR, {}), found[size].get("api", {}).get(ADMINISTRATOR, {})
        page: dict[str, Any] = next((lists[name] for name in OURS if name in lists), {})
        columns.append((f"our page, {int(size):,}", page))
        columns.append((f"our API, {int(size):,}", {**api.get("GET /users", {}), **found[size]}))
    columns += [(f"Modoboa, {int(size):,}", peer["sizes"][size]) for size in sorted(peer["sizes"], key=int)]
    rows = [(kind, *(_peer_cell(column, kind) for _name, column in columns)) for kind in KINDS]
    rows += [(f"users {text}, per second", *_peer_rates(columns, key)) for key, text in RATES.items()]
    head = ("p50 / p95, ms", *(name for name, _column in columns))
    text = f"Beside Modoboa {peer['version']}: its account list as its own page asks for it, 50 at a time."
    return f"\n{text}\n\n" + table(head, [row for row in rows if any(cell not in ("–", "") for cell in row[1:])])


def _peer_cell(column: dict[str, Any], kind: str) -> str:
    one = column.get(kind)
    return f"{number(one['p50'])} / {number(one['p95'])}" if isinstance(one, dict) else "–"


def _peer_rates(columns: Sequence[tuple[str, dict[str, Any]]], key: str) -> list[str]:
    return [_or_dash(column.get(key)) for _name, column in columns]
