"""Reading a script with sievelib, and checking what a grammar doesn't: extensions, values, depth.

sievelib knows the grammar and every command's arguments; it keeps no places, so its tokens are counted here: the n-th
identifier is the n-th command of its tree. Its parser is hardened by limits on tokens and depth before it walks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from sievelib import commands as definitions
from sievelib import parser as sievelib

from domains.policy.sentences import Sentence, gettext_noop, sentence
from gateway.sieve.matching import MOST_KEY, is_pattern
from gateway.sieve.script import (
    EXTENSIONS,
    FOLDER_DEPTH,
    FOLDER_LENGTH,
    MOST_BYTES,
    MOST_DEPTH,
    MOST_TOKENS,
    BadScript,
    Node,
    Script,
    Value,
)

UNREADABLE = gettext_noop("This can't be read here: %(what)s")
UNKNOWN = gettext_noop("There is no command “%(name)s”.")
NOT_REQUIRED = gettext_noop("“%(name)s” must be named by “require” at the top.")
BAD_ARGUMENT = gettext_noop("“%(command)s” doesn't take %(value)s here.")
BAD_VALUE = gettext_noop("%(value)s is no value for “%(argument)s”.")
TOO_LONG = gettext_noop("A script has at most %(most)d KiB.")
TOO_MANY = gettext_noop("A script has at most %(most)d words.")
TOO_DEEP = gettext_noop("Tests and blocks are nested at most %(most)d times.")
UNFINISHED = gettext_noop("The script ends in the middle of a command.")
NO_EXTENSION = gettext_noop("Postkeep doesn't know the extension “%(name)s”.")
LATE_REQUIRE = gettext_noop("“require” stands before every other command.")
NO_FOLDER = gettext_noop("A folder's name has 1 to %(most)d visible characters.")
NO_ADDRESS = gettext_noop("“%(what)s” is not an address.")
NO_PART = gettext_noop("An envelope has the parts “from” and “to”.")
NO_PATTERN = gettext_noop("“%(what)s” is not a regular expression.")
LONG_KEY = gettext_noop("What is compared with wildcards has at most %(most)d characters.")
NO_MIME = gettext_noop("“:mime” is not taken; write the text itself.")
NO_DATE_PART = gettext_noop("A date has no part “%(what)s”.")
NO_COMPARATOR = gettext_noop("Postkeep doesn't know the comparator “%(what)s”.")

DATE_PARTS = frozenset(
    ("year", "month", "day", "date", "julian", "hour", "minute", "second", "time", "iso8601", "std11", "zone",
     "weekday")
)  # fmt: skip
ADDRESS = re.compile(r"[^\s<>@\x00-\x1f\x7f]{1,64}@[A-Za-z0-9\u0080-\U0010ffff._\[\]:-]{1,255}")
_RULE = re.compile(r"#\s*rule:\[(.{1,100}?)\]")
_KNOWN = (
    (re.compile(r"unknown command '(?P<name>.*)'$"), UNKNOWN),
    (re.compile(r"extension '(?P<name>.*)' not loaded$"), NOT_REQUIRED),
    (re.compile(r"bad argument (?P<value>.*) for command (?P<command>\S*) \(.* expected\)$", re.S), BAD_ARGUMENT),
    (re.compile(r"bad value (?P<value>.*) for argument (?P<argument>\S*)$", re.S), BAD_VALUE),
)
MOST_NUMBER = 1 << 62
_UNITS = {"k": 1 << 10, "m": 1 << 20, "g": 1 << 30}


class StringCommand(definitions.TestCommand):  # type: ignore[misc]
    """The test of RFC 5229 §5, which sievelib lacks."""

    extension = "variables"
    args_definition = [
        definitions.comparator,
        definitions.match_type,
        {"name": "source", "type": ["string", "stringlist"], "required": True},
        {"name": "key-list", "type": ["string", "stringlist"], "required": True},
    ]


class ErejectCommand(definitions.ActionCommand):  # type: ignore[misc]
    """RFC 5429 §2.1, which sievelib lacks."""

    extension = "ereject"
    args_definition = [{"name": "text", "type": ["string"], "required": True}]


def _teach() -> None:
    """What sievelib's definitions lack of the extensions that are taken here."""
    definitions.add_commands([StringCommand, ErejectCommand])
    comparators: Any = definitions.comparator["extra_arg"]
    if '"i;ascii-numeric"' not in comparators["values"]:
        comparators["values"].append('"i;ascii-numeric"')
    parts: Any = definitions.address_part
    parts["extension_values"] = {":user": "subaddress", ":detail": "subaddress"}


_teach()


class _Lexer(sievelib.Lexer):  # type: ignore[misc]
    """The library's, remembering where identifiers and comments stood, and stopping at what is too much."""

    def __init__(self) -> None:
        super().__init__(sievelib.Parser.lrules)
        self.identifiers: list[tuple[int, str]] = []  # (position, the rule named just above)
        self.problem: Sentence | None = None

    def scan(self, text: bytes) -> Iterator[tuple[str, bytes]]:
        depth = nots = 0
        named = last = ""
        for count, (kind, value) in enumerate(super().scan(text), 1):
            if kind in ("left_parenthesis", "left_cbracket"):
                depth += 1
            elif kind in ("right_parenthesis", "right_cbracket"):
                depth -= 1
            nots = nots + 1 if kind == "identifier" and value.lower() == b"not" else 0
            if max(depth, nots) > MOST_DEPTH:
                self._stop(sentence(TOO_DEEP, most=MOST_DEPTH))
            if count > MOST_TOKENS:
                self._stop(sentence(TOO_MANY, most=MOST_TOKENS))
            if kind == "hash_comment":
                found = _RULE.match(value.decode("utf-8", "replace"))
                named = found[1] if found else named
            elif kind == "identifier":
                self.identifiers.append((self.pos, named if depth == 0 else ""))
            elif kind in ("semicolon", "right_cbracket") and depth == 0:
                named = ""
            last = last if kind.endswith("comment") else kind
            yield kind, value
        if last not in ("", "semicolon", "right_cbracket"):
            self._stop(sentence(UNFINISHED))

    def _stop(self, said: Sentence) -> None:
        self.problem = said
        raise sievelib.ParseError(str(said))


def parse(text: str) -> Script:
    """Raises: BadScript."""
    data = text.encode("utf-8", "replace")
    if len(data) > MOST_BYTES:
        raise BadScript(sentence(TOO_LONG, most=MOST_BYTES >> 10), 1)
    if "\0" in text:
        raise BadScript(sentence(UNREADABLE, what="NUL"), text.count("\n", 0, text.index("\0")) + 1)
    parser = sievelib.Parser()
    lexer = parser.lexer = _Lexer()
    try:
        understood = parser.parse(data)
    except (AttributeError, IndexError, KeyError, LookupError, TypeError, ValueError, RecursionError):
        raise BadScript(sentence(UNREADABLE, what=_near(data, lexer.pos)), *_place(data, lexer.pos)) from None
    if not understood:
        line, column, _length = parser.error_pos
        said = lexer.problem or _in_our_words(str(parser.error).partition(": ")[2])
        raise BadScript(said, line, max(column, 1))
    return _Reader(data, lexer.identifiers).script(parser.result)


def _in_our_words(error: str) -> Sentence:
    plain = error.removeprefix("parsing error: ")
    for pattern, text in _KNOWN:
        found = pattern.match(plain)
        if found is not None:
            return sentence(text, **{name: value[:80] for name, value in found.groupdict().items()})
    return sentence(UNREADABLE, what=plain[:200])


def _place(data: bytes, at: int) -> tuple[int, int]:
    return data.count(b"\n", 0, at) + 1, at - data.rfind(b"\n", 0, at)


def _near(data: bytes, at: int) -> str:
    return data[at : at + 40].decode("utf-8", "replace").split("\n")[0]


class _Reader:
    """Makes nodes of sievelib's tree, in the order of the script."""

    def __init__(self, data: bytes, identifiers: list[tuple[int, str]]) -> None:
        self._data, self._identifiers = data, iter(identifiers)
        self._extensions: set[str] = set()

    def script(self, commands: list[Any]) -> Script:
        made = []
        others = False
        for command in commands:
            node = self._node(command, "")
            if node.name == "require":
                if others:
                    raise BadScript(sentence(LATE_REQUIRE), node.line, node.column)
                self._require(node)
                continue
            others = True
            made.append(node)
        left = next(self._identifiers, None)
        if left is not None:  # read over by the library
            raise BadScript(sentence(UNREADABLE, what=_near(self._data, left[0])), *_place(self._data, left[0]))
        for node in (each for command in made for each in command.walk()):
            _check(node, "variables" in self._extensions)
        return Script(tuple(made), frozenset(self._extensions))

    def _require(self, node: Node) -> None:
        for name in node.texts("capabilities"):
            if name not in EXTENSIONS:
                raise BadScript(sentence(NO_EXTENSION, name=name[:80]), node.line, node.column)
            self._extensions.add(name)

    def _node(self, command: Any, rule: str) -> Node:
        position, named = next(self._identifiers)
        line, column = _place(self._data, position)
        rule = rule or named
        values: dict[str, Value] = {}
        extra: dict[str, Value] = {}
        tests: list[Node] = []
        for definition in command.args_definition:
            name = definition["name"]
            if name in command.arguments:
                value = command.arguments[name]
                if isinstance(value, definitions.Command):
                    tests.append(self._node(value, rule))
                elif isinstance(value, list) and value and isinstance(value[0], definitions.Command):
                    tests += [self._node(each, rule) for each in value]
                else:
                    values[name] = _value(value, definition["type"])
            if name in command.extra_arguments:
                extra[name] = _value(command.extra_arguments[name], definition["extra_arg"]["type"])
        block = tuple(self._node(child, rule) for child in command.children)
        return Node(command.name, line, column, rule, values, extra, tuple(tests), block)


def _value(value: Any, kinds: Any) -> Value:
    if isinstance(value, list):
        return tuple(_unquoted(each) for each in value)
    text = str(value)
    if text.startswith(('"', "text:")):
        return _unquoted(text)
    if "number" in kinds:
        unit = _UNITS.get(text[-1].lower(), 1)
        digits = (text if unit == 1 else text[:-1]).lstrip("0")
        return min(int(digits or "0") * unit, MOST_NUMBER) if len(digits) < 20 else MOST_NUMBER
    return text.lower()  # a tag


def _unquoted(text: str) -> str:
    """RFC 5228 §2.4.2: a backslash and a character are that character; a line that begins with a dot has one more."""
    if text.startswith('"'):
        return re.sub(r"\\(.)", r"\1", text[1:-1], flags=re.S)
    lines = [line.removesuffix("\r") for line in text.split("\n")[1:]]
    while lines and lines[-1] != ".":
        lines.pop()
    return "".join(f"{line[1:] if line.startswith('..') else line}\r\n" for line in lines[:-1])


def _check(node: Node, has_variables: bool) -> None:
    """What the grammar lets pass. A string with a variable in it is looked at when it is used."""

    def fail(text: str, **data: str | int) -> None:
        raise BadScript(sentence(text, **data), node.line, node.column)

    def is_open(text: str) -> bool:
        return has_variables and "${" in text

    if node.name == "require":  # inside of a block
        fail(LATE_REQUIRE)
    if node.name == "fileinto" and not is_open(folder := node.text("mailbox")) and not is_folder(folder):
        fail(NO_FOLDER, most=FOLDER_LENGTH)
    if node.name == "redirect" and not is_open(to := node.text("address")) and not ADDRESS.fullmatch(to):
        fail(NO_ADDRESS, what=to[:80])
    if node.name == "envelope" and any(part.lower() not in ("from", "to") for part in node.texts("header-list")):
        fail(NO_PART)
    if node.name == "vacation" and ":mime" in node.values.values():
        fail(NO_MIME)
    if node.name in ("date", "currentdate") and node.text("date-part").lower() not in DATE_PARTS:
        fail(NO_DATE_PART, what=node.text("date-part")[:80])
    if node.text("match-type") == ":matches" and any(len(key) > MOST_KEY for key in node.texts("key-list")):
        fail(LONG_KEY, most=MOST_KEY)
    if node.text("match-type") == ":regex":
        for key in node.texts("key-list"):
            if not is_open(key) and not is_pattern(key):
                fail(NO_PATTERN, what=key[:80])


def is_folder(text: str) -> bool:
    """A name that a folder can have: visible, with no empty part between its slashes."""
    parts = text.split("/")
    if not 0 < len(text) <= FOLDER_LENGTH or not text.isprintable() or len(parts) > FOLDER_DEPTH:
        return False
    return all(part.strip(" .") and part == part.strip() for part in parts)
