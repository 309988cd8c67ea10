"""Doing what a script says, without doing anything: the answer names what is to be done, and what was asked.

A script that takes too long, or says what can't be, ends with a problem and the message is kept (RFC 5228 §2.10.6).
Nothing here waits: time and work are limited, texts are cut.

Source: RFC 5228, and of the extensions those in `script.EXTENSIONS`.
"""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from domains.policy.sentences import Sentence, gettext_noop, sentence
from gateway.sieve import dates, matching
from gateway.sieve.mail import Mail
from gateway.sieve.parsing import ADDRESS, is_folder
from gateway.sieve.script import Node, Script
from gateway.sieve.variables import Variables

MOST_WORK, MOST_SECONDS, MOST_TRACED = 20_000, 0.5, 300
MOST_ACTIONS, MOST_FLAGS, MOST_SHOWN = 32, 20, 120
MOST_DAYS = 365

log = logging.getLogger("postkeep.gateway")

TOO_MUCH = gettext_noop("The rules ask for too much work.")
TOO_LONG = gettext_noop("The rules take too long.")
TOO_MANY_REDIRECTS = gettext_noop("A message is sent on to at most %(most)d addresses.")
TOO_MANY_ACTIONS = gettext_noop("Rules do at most %(most)d things with a message.")
BAD_FOLDER = gettext_noop("“%(what)s” can't be a folder.")
BAD_ADDRESS = gettext_noop("“%(what)s” is not an address.")
BAD_PATTERN = gettext_noop("“%(what)s” is not a regular expression.")
CONFLICT = gettext_noop("A message that is refused can't be delivered as well.")
TWICE = gettext_noop("A message is answered once.")
UNUSABLE = gettext_noop("The rules can't be used; the log of the server says why.")


@dataclass(frozen=True, slots=True)
class Action:
    """What is to be done. kind: keep, fileinto (folder), redirect (to), discard, reject (text), vacation (text,
    subject, seconds, from, handle, addresses). line, rule: which command says so."""

    kind: str
    line: int
    rule: str = ""
    data: Mapping[str, str | int | tuple[str, ...]] = field(default_factory=dict)

    def text(self, name: str) -> str:
        found = self.data.get(name, "")
        return found if isinstance(found, str) else str(found)


@dataclass(frozen=True, slots=True)
class Traced:
    """One thing that was asked or done. result: of a test. detail: what it was compared with, or what is done."""

    line: int
    rule: str
    name: str
    result: bool | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """keeps: it is delivered as if there were no rules, too. flags: for every copy. problem: what went wrong, at which
    line; then nothing is done and it is kept."""

    actions: tuple[Action, ...] = ()
    keeps: bool = True
    flags: tuple[str, ...] = ()
    trace: tuple[Traced, ...] = ()
    problem: Sentence | None = None
    problem_line: int = 0

    def of(self, kind: str) -> list[Action]:
        return [each for each in self.actions if each.kind == kind]


@dataclass(frozen=True, slots=True)
class Setting:
    """What else rules may ask. now: with a zone. environment: items of RFC 5183. most_redirects: 0 forbids them."""

    now: datetime = datetime(1970, 1, 1, tzinfo=UTC)
    environment: Mapping[str, str] = field(default_factory=dict)
    most_redirects: int = 4


class _Problem(Exception):
    def __init__(self, said: Sentence, line: int) -> None:
        super().__init__(str(said))
        self.said, self.line = said, line


class _Stop(Exception):
    pass


def run(script: Script, mail: Mail, setting: Setting, *, clock: Callable[[], float] = time.monotonic) -> Outcome:
    """What the script makes of the message. Never raises."""
    running = _Run(script, mail, setting, clock)
    try:
        with contextlib.suppress(_Stop):
            running.block(script.commands)
        running.check_together()
    except _Problem as problem:
        return Outcome(trace=tuple(running.trace), problem=problem.said, problem_line=problem.line)
    except Exception:  # a fault of ours holds up nobody's mail
        log.exception("a script of rules can't be run")
        return Outcome(trace=tuple(running.trace), problem=sentence(UNUSABLE))
    return Outcome(tuple(running.actions), running.keeps, tuple(running.flags), tuple(running.trace))


class _Run:
    """One script on one message."""

    def __init__(self, script: Script, mail: Mail, setting: Setting, clock: Callable[[], float]) -> None:
        self.mail, self.setting, self.clock = mail, setting, clock
        self.ends_at = clock() + MOST_SECONDS
        self.work = 0
        self.actions: list[Action] = []
        self.trace: list[Traced] = []
        self.flags: list[str] = []
        self.cancelled = self.kept = False
        self.variables = Variables("variables" in script.extensions)
        self.tests: dict[str, Callable[[Node], bool]] = {
            "true": lambda _node: True,
            "false": lambda _node: False,
            "not": lambda node: not self.test(node.tests[0]),
            "anyof": lambda node: any(self.test(each) for each in node.tests),
            "allof": lambda node: all(self.test(each) for each in node.tests),
            "header": self.test_header,
            "address": self.test_address,
            "envelope": self.test_envelope,
            "exists": lambda node: all(self.mail.raw(name) for name in self.expand(node.texts("header-names"))),
            "size": self.test_size,
            "body": self.test_body,
            "date": self.test_date,
            "currentdate": self.test_currentdate,
            "hasflag": lambda node: self.matches(node, self.flags, key="list-of-flags"),
            "string": lambda node: self.matches(node, self.expand(node.texts("source"))),
            "environment": self.test_environment,
        }
        self.commands: dict[str, Callable[[Node], None]] = {
            "stop": self.do_stop,
            "keep": self.do_keep,
            "discard": self.do_discard,
            "fileinto": self.do_fileinto,
            "redirect": self.do_redirect,
            "reject": self.do_reject,
            "ereject": self.do_reject,
            "vacation": self.do_vacation,
            "set": self.do_set,
            "setflag": lambda node: self.change_flags(node, replace=True),
            "addflag": self.change_flags,
            "removeflag": lambda node: self.change_flags(node, remove=True),
        }

    @property
    def keeps(self) -> bool:
        return self.kept or not self.cancelled

    # --- going through it ---

    def block(self, nodes: Iterable[Node]) -> None:
        was_true = False
        for node in nodes:
            self.spend(node)
            if node.name in ("if", "elsif", "else"):
                if node.name == "if":
                    was_true = False
                if not was_true and (node.name == "else" or self.test(node.tests[0])):
                    was_true = True
                    self.block(node.block)
                continue
            self.commands[node.name](node)

    def test(self, node: Node) -> bool:
        self.spend(node)
        result = self.tests[node.name](node)
        if node.name not in ("not", "anyof", "allof", "true", "false"):
            self.say(node, result, self.asked(node))
        return result

    def spend(self, node: Node, amount: int = 1) -> None:
        self.work += amount
        if self.work > MOST_WORK:
            raise _Problem(sentence(TOO_MUCH), node.line)
        if self.clock() > self.ends_at:
            raise _Problem(sentence(TOO_LONG), node.line)

    def say(self, node: Node, result: bool | None = None, detail: str = "") -> None:
        if len(self.trace) < MOST_TRACED:
            self.trace.append(Traced(node.line, node.rule, node.name, result, detail[:MOST_SHOWN]))

    def asked(self, node: Node) -> str:
        names = (
            *node.texts("header-names"), *node.texts("header-list"), *node.texts("source"), *node.texts("name"),
            *node.texts("header-name"), *node.texts("date-part"),
        )  # fmt: skip
        if node.name == "size":
            return f"{node.text('comparator')} {node.number('limit')}"
        how = node.text("match-type", ":is") if "key-list" in node.values else ""
        return " ".join(filter(None, [", ".join(names), how, ", ".join(node.texts("key-list"))]))

    # --- tests ---

    def test_header(self, node: Node) -> bool:
        names = self.expand(node.texts("header-names"))
        return self.matches(node, [value for name in names for value in self.mail.values(name)])

    def test_address(self, node: Node) -> bool:
        names = self.expand(node.texts("header-list"))
        return self.matches_part(node, [address for name in names for address in self.mail.addresses(name)])

    def test_envelope(self, node: Node) -> bool:
        known = {"from": self.mail.sender, "to": self.mail.recipient}
        return self.matches_part(node, [known[name.lower()] for name in node.texts("header-list")])

    def test_size(self, node: Node) -> bool:
        limit = node.number("limit")
        return self.mail.size_bytes > limit if node.text("comparator") == ":over" else self.mail.size_bytes < limit

    def test_body(self, node: Node) -> bool:
        self.spend(node, 1 + sum(map(len, self.mail.texts)) // 4096)
        return self.matches(node, self.mail.texts)

    def test_date(self, node: Node) -> bool:
        values = []
        for value in self.mail.raw(self.expand_one(node.text("header-name")))[:10]:
            moment = dates.date_in(value)
            if moment is not None:
                values.append(dates.part(self.in_zone(node, moment), node.text("date-part")))
        return self.matches(node, values)

    def test_currentdate(self, node: Node) -> bool:
        return self.matches(node, [dates.part(self.in_zone(node, self.setting.now), node.text("date-part"))])

    def test_environment(self, node: Node) -> bool:
        value = self.setting.environment.get(self.expand_one(node.text("name")).lower())
        return False if value is None else self.matches(node, [value])

    def in_zone(self, node: Node, moment: datetime) -> datetime:
        if node.text("zone") == ":originalzone":
            return moment
        zone = dates.zone_of(node.extra_text("zone")) if "zone" in node.extra else self.setting.now.tzinfo
        try:
            return moment.astimezone(zone or self.setting.now.tzinfo)
        except (OverflowError, ValueError):  # the edges of the calendar
            return moment

    def matches_part(self, node: Node, addresses: Iterable[str]) -> bool:
        which = node.text("address-part", ":all")
        return self.matches(node, [part for each in addresses if (part := _part(each, which)) is not None])

    def matches(self, node: Node, values: Iterable[str], *, key: str = "key-list") -> bool:
        kind = node.text("match-type", ":is")
        comparator = node.extra_text("comparator", matching.CASEMAP)
        keys, found = self.expand(node.texts(key)), list(values)
        relation = node.extra_text("match-type")
        if kind == ":count":
            return any(matching.relates_count(relation, len(found), each) for each in keys)
        for value in found:
            for each in keys:
                self.spend(node, matching.work_of(kind, value, each))
                if kind == ":value":
                    if matching.relates(relation, value, each, comparator):
                        return True
                    continue
                if kind == ":regex" and not matching.is_pattern(each):
                    raise _Problem(sentence(BAD_PATTERN, what=each[:80]), node.line)
                if kind == ":matches" and len(each) > matching.MOST_KEY:
                    raise _Problem(sentence(TOO_MUCH), node.line)
                stood_for = matching.compare(kind, value, each, comparator)
                if stood_for is not None:
                    if stood_for:
                        self.variables.matched(stood_for)
                    return True
        return False

    def expand(self, texts: Iterable[str]) -> list[str]:
        return [self.variables.expand(text) for text in texts]

    def expand_one(self, text: str) -> str:
        return self.variables.expand(text)

    # --- commands ---

    def do(self, node: Node, kind: str, detail: str = "", **data: str | int | tuple[str, ...]) -> None:
        if len(self.actions) >= MOST_ACTIONS:
            raise _Problem(sentence(TOO_MANY_ACTIONS, most=MOST_ACTIONS), node.line)
        self.say(node, detail=detail)
        self.actions.append(Action(kind, node.line, node.rule, data))

    def do_stop(self, node: Node) -> None:
        self.say(node)
        raise _Stop

    def do_keep(self, node: Node) -> None:
        self.kept = True
        self.add_flags(node)
        self.do(node, "keep")

    def do_discard(self, node: Node) -> None:
        self.cancelled = True
        self.do(node, "discard")

    def do_fileinto(self, node: Node) -> None:
        folder = self.expand_one(node.text("mailbox")).strip()
        if not is_folder(folder):
            raise _Problem(sentence(BAD_FOLDER, what=folder[:80]), node.line)
        if "copy" not in node.values:
            self.cancelled = True
        self.add_flags(node)
        self.do(node, "fileinto", folder, folder=folder)

    def do_redirect(self, node: Node) -> None:
        to = self.expand_one(node.text("address")).strip()
        if not ADDRESS.fullmatch(to):
            raise _Problem(sentence(BAD_ADDRESS, what=to[:80]), node.line)
        if sum(each.kind == "redirect" for each in self.actions) >= self.setting.most_redirects:
            raise _Problem(sentence(TOO_MANY_REDIRECTS, most=self.setting.most_redirects), node.line)
        if "copy" not in node.values:
            self.cancelled = True
        self.do(node, "redirect", to, to=to)

    def do_reject(self, node: Node) -> None:
        self.cancelled = True
        self.do(node, "reject", text=self.expand_one(node.text("text"))[:2000])

    def do_vacation(self, node: Node) -> None:
        if any(each.kind == "vacation" for each in self.actions):
            raise _Problem(sentence(TWICE), node.line)
        seconds = 7 * 86400
        if "seconds" in node.extra:
            seconds = int(node.extra["seconds"]) if isinstance(node.extra["seconds"], int) else seconds
        elif isinstance(days := node.extra.get("days"), int):
            seconds = days * 86400
        sender = self.expand_one(node.extra_text("from")).strip()
        if sender and not ADDRESS.fullmatch(sender.rpartition("<")[2].rstrip(">")):
            raise _Problem(sentence(BAD_ADDRESS, what=sender[:80]), node.line)
        addresses = node.extra.get("addresses", ())
        self.do(
            node,
            "vacation",
            text=self.expand_one(node.text("reason")),
            subject=self.expand_one(node.extra_text("subject")),
            seconds=max(60, min(seconds, MOST_DAYS * 86400)),
            sender=sender,
            handle=node.extra_text("handle"),
            addresses=addresses if isinstance(addresses, tuple) else (str(addresses),),
        )

    def do_set(self, node: Node) -> None:
        value = self.expand_one(node.text("value"))
        modifiers = [tag for name in ("case", "first-case", "quotewildcard", "length") if (tag := node.text(name))]
        if not self.variables.put(node.text("name"), value, modifiers):
            raise _Problem(sentence(TOO_MUCH), node.line)
        self.say(node, detail=node.text("name"))

    def change_flags(self, node: Node, *, replace: bool = False, remove: bool = False) -> None:
        named = _flags(self.expand(node.texts("list-of-flags")))
        if replace:
            self.flags = named
        elif remove:
            gone = {each.lower() for each in named}
            self.flags = [each for each in self.flags if each.lower() not in gone]
        else:
            self.flags = _flags([*self.flags, *named])
        self.say(node, detail=" ".join(named))

    def add_flags(self, node: Node) -> None:
        given = node.extra.get("flags")
        if given is not None:
            self.flags = _flags([*self.flags, *(given if isinstance(given, tuple) else (str(given),))])

    def check_together(self) -> None:
        """RFC 5429 §2.4: what is refused isn't delivered, nor answered otherwise."""
        rejecting = next((each for each in self.actions if each.kind == "reject"), None)
        others = {"keep", "fileinto", "redirect", "vacation"}
        if rejecting is not None and any(each.kind in others for each in self.actions):
            raise _Problem(sentence(CONFLICT), rejecting.line)


def _flags(texts: Iterable[str]) -> list[str]:
    """Names of flags, each once; several may stand in one text (RFC 5232 §2.1)."""
    names = [name for text in texts for name in text.split() if name.isprintable() and name.isascii()]
    found: dict[str, str] = {}
    for name in names:
        found.setdefault(name.lower(), name[:60])
    return list(found.values())[:MOST_FLAGS]


def _part(address: str, which: str) -> str | None:
    """The asked part; None where there is none (RFC 5233: no detail)."""
    local, at, domain = address.rpartition("@")
    if not at:
        local, domain = address, ""
    if which == ":all":
        return address
    if which == ":domain":
        return domain
    if which == ":localpart":
        return local
    user, plus, detail = local.partition("+")
    if which == ":user":
        return user
    return detail if plus else None
