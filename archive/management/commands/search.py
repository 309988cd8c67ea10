"""`manage.py search QUERY`: find messages from the shell, over all archives or one."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from accounts.actors import Actor
from archive import selectors
from archive.management.shell import Door

OPTIONS_WITH_VALUE = ("--user", "--limit", "--settings", "--pythonpath", "-v", "--verbosity")


class Command(Door):
    help = 'Find messages: words, "a phrase", prefix*, -not, OR, from: to: subject: before: has:attachment in: …'

    def run_from_argv(self, argv: list[str]) -> None:
        super().run_from_argv(query_last(argv))

    def add_own_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("query", nargs="*", metavar="QUERY")
        parser.add_argument("--user", metavar="ADDRESS", help="only this mailbox's archive")
        parser.add_argument("--limit", type=int, default=50, metavar="N", help="how many to show (default: 50)")

    def work(self, actor: Actor, options: dict[str, Any]) -> int:
        scope = selectors.console_scope(actor, options["user"])
        limit = max(0, min(options["limit"], 1_000_000))
        found = selectors.search(scope, " ".join(options["query"]), limit=max(limit, 1))
        messages = selectors.describe(scope, found.hits[:limit])
        if found.missing:
            self.stderr.write(f"Not searched, because they can't be opened: {', '.join(found.missing)}", style_func=str)
        if found.behind:
            self.stderr.write("The index is catching up: the newest mail may be missing.", style_func=str)
        if self.json:
            lines = [each | {"date": each["date"].isoformat()} for each in messages]
            document = {"total": found.total, "milliseconds": round(found.milliseconds, 3), "messages": lines}
            self.print_json(document)
            return 0
        for each in messages:
            self.say(f"{each['id']:<10} {each['date']:%Y-%m-%d}  {each['from'][:30]:<30}  {each['subject'][:80]}")
        self.say(f"{found.total:,} found in {found.milliseconds:.1f} ms")
        return 0


def query_last(argv: list[str]) -> list[str]:
    """Let a query begin with a minus (`search -draft`): what is no option goes behind `--`.

    Two dashes always begin an option: a mistyped one is refused, not looked for.
    """
    if "--" in argv:
        return argv
    options, words, rest = list(argv[:2]), [], iter(argv[2:])
    for each in rest:
        if each in OPTIONS_WITH_VALUE:
            options += [each, *(value for value in [next(rest, None)] if value is not None)]
        elif each == "-h" or each.startswith("--"):
            options.append(each)
        else:
            words.append(each)
    return [*options, "--", *words]
