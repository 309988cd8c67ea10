"""The tables and targets of the directory's figures. Pure; not for measuring."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from benchmarks.figures import Target, number, table
from benchmarks.section import Result

PAGE_MS, RATIO = 100.0, 1.5
SMALL = "1000"
ADMINISTRATOR = "system administrator"
KINDS = ("first page", "last page", "sort", "filter", "filter and sort", "search, many", "search, few", "search, none")


def tables(found: Result) -> str:
    """All of them as Markdown."""
    small, large = _sizes(found)
    pieces = [_counts(found)]
    if small and large:
        pieces += [_lists(found, small, large), _delegated(found, small, large)]
    pieces.append(_peer(found))
    return "\n".join(piece for piece in pieces if piece)


def targets(found: Result) -> list[Target]:
    small, large = _sizes(found)
    if not (small and large):
        return []
    result = []
    for actor in found[large]["lists"]:
        rows = list(_rows(found, small, large, actor))
        if rows:
            result.append(
                Target(f"slowest list p95, {actor}", max(row["large"]["p95"] for row in rows), PAGE_MS, " ms")
            )
            worst = max((row["large"]["p95"] / row["small"]["p95"] for row in rows if row["small"]), default=0.0)
            result.append(Target(f"its ratio to 1,000 mailboxes at worst, {actor}", worst, RATIO, " ×"))
    changed = sum(row["queries"] != row["queries small"] for row in _rows(found, small, large, ADMINISTRATOR))
    result.append(Target("lists whose number of queries grows", changed, 0.0))
    return result


def _sizes(found: Result) -> tuple[str, str]:
    sizes = sorted((key for key in found if key.isdigit()), key=int)
    return (sizes[0], sizes[-1]) if len(sizes) > 1 else ("", "")


def _rows(found: Result, small: str, large: str, actor: str) -> Iterator[dict[str, Any]]:
    """One of each list and kind that both sizes have."""
    for name, kinds in found[large]["lists"].get(actor, {}).items():
        before = found[small]["lists"].get(actor, {}).get(name, {})
        queries = found[large]["queries"].get(actor, {}).get(name, {})
        queries_before = found[small]["queries"].get(actor, {}).get(name, {})
        for kind in KINDS:
            if kind in kinds:
                count, earlier = queries.get(kind, {}).get("count"), queries_before.get(kind, {}).get("count")
                yield {
                    "list": name, "kind": kind, "large": kinds[kind], "small": before.get(kind),
                    "queries": count, "queries small": earlier if earlier is not None else count,
                }  # fmt: skip


def _counts(found: Result) -> str:
    names = ("Customer", "Domain", "User", "Address", "Mailbox")
    rows = [
        (
            f"{int(size):,} mailboxes",
            *(f"{found[size]['counts'][name]:,}" for name in names),
            number(_built(found, size)),
        )
        for size in sorted((key for key in found if key.isdigit()), key=int)
    ]
    return table(("directory", "customers", "domains", "people", "addresses", "mailboxes", "s to fill"), rows)


def _built(found: Result, size: str) -> float:
    return float(found[size]["built"].get("seconds", 0.0))


def _lists(found: Result, small: str, large: str) -> str:
    """The system administrator's lists, each with all that it offers."""
    rows = []
    for row in _rows(found, small, large, ADMINISTRATOR):
        rows.append((row["list"], row["kind"], *_figures(row), _queries_text(row)))
    head = ("list", "asked for", *_heads(small, large), "queries")
    return "\nMilliseconds over HTTP, as a system administrator.\n\n" + table(head, rows)


def _delegated(found: Result, small: str, large: str) -> str:
    """Delegated administrators: of each list the slowest kind."""
    rows = []
    for actor in found[large]["lists"]:
        if actor == ADMINISTRATOR:
            continue
        worst: dict[str, dict[str, Any]] = {}
        for row in _rows(found, small, large, actor):
            if row["list"] not in worst or row["large"]["p95"] > worst[row["list"]]["large"]["p95"]:
                worst[row["list"]] = row
        rows += [(actor, name, row["kind"], *_figures(row), _queries_text(row)) for name, row in worst.items()]
    if not rows:
        return ""
    head = ("administrator", "list", "slowest", *_heads(small, large), "queries")
    return "\nDelegated administrators: of each list what is slowest.\n\n" + table(head, rows)


def _figures(row: dict[str, Any]) -> tuple[str, ...]:
    large, small = row["large"], row["small"]
    if not small:
        return ("–", "–", number(large["p50"]), number(large["p95"]), "–")
    pair = (number(small["p50"]), number(small["p95"]), number(large["p50"]), number(large["p95"]))
    return (*pair, f"{number(large['p95'] / small['p95'])} ×")


def _heads(small: str, large: str) -> tuple[str, ...]:
    few, many = f"{int(small):,}", f"{int(large):,}"
    return (f"p50 {few}", f"p95 {few}", f"p50 {many}", f"p95 {many}", "p95 ÷ p95")


def _queries_text(row: dict[str, Any]) -> str:
    same = row["queries"] == row["queries small"]
    return f"{row['queries']}" if same else f"{row['queries small']} → {row['queries']}"


def _peer(found: Result) -> str:
    """Modoboa's account list beside our list of mailboxes."""
    peer = found.get("modoboa", {})
    if not peer:
        return ""
    if "missing" in peer:
        return f"\nModoboa is not measured: {peer['missing'].splitlines()[0]}\n"
    sizes = sorted(peer["sizes"], key=int)
    rows = []
    for kind in (*KINDS, "created per second", "imported per second"):
        cells = []
        for size in sizes:
            one = peer["sizes"][size].get(kind)
            if isinstance(one, dict):
                cells += [number(one["p50"]), number(one["p95"])]
            elif one is not None:
                cells += [number(one), ""]
        if cells:
            rows.append((kind, *cells))
    head = ["Modoboa's account list", *(f"{name} {int(size):,}" for size in sizes for name in ("p50", "p95"))]
    return (
        f"\nModoboa {peer['version']}, 50 accounts a page, milliseconds (created, imported: accounts per second).\n\n"
        + table(head, rows)
    )
