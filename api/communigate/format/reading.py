"""Text as values: a reader that walks once over a text, and the values it finds there.

Accepts what servers of that kind accept: white space everywhere, adjacent quoted strings as one, unquoted words with
more letters than ours are written with. Not for command lines (`api.communigate.grammar`).
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
from datetime import UTC, datetime

from api.communigate.format.markup import read_element
from api.communigate.format.values import Address, Moment, Value, Xml

MAX_DEPTH = 32
MAX_VALUES = 200_000
MAX_DIGITS = 40

_BLANKS = re.compile(r"[ \t\r\n\x0b\x0c]*")
# The first letter tells words from the rest; inside, clients leave < > # ] and the like unquoted, each its own.
_WORD = re.compile(r"[^\s\"\\(){}\[\],;=<>#\x00-\x1f\x7f][^\s\"\\(){}\[,;=\x00-\x1f\x7f]*")
_PLAIN = re.compile(r'[^"\\]+')
_ESCAPE = re.compile(r"\\(?:(\d{3})|u'([0-9A-Fa-f]{1,6})'|([\"\\rnet]))")
_LETTERS = {'"': '"', "\\": "\\", "r": "\r", "n": "\n", "e": "\n", "t": "\t"}
_NUMBER = re.compile(r"#([+-]?)(0x[0-9A-Fa-f]+|0b[01]+|0o[0-7]+|[0-9]+(?:\.[0-9]+)?)(?![A-Za-z0-9_.])")
_TIME = re.compile(r"#T(?:(PAST|FUTURE)|(\d{1,2})-(\d{1,2})-(\d{4})(?:_(\d{1,2}):(\d{1,2}):(\d{1,2}))?)(?![\w:-])")
_ADDRESS = re.compile(r"#I\[([0-9A-Fa-f.:]{2,45})\](?::(\d{1,5}))?(?!\w)")
_WORDS_OF_PROGRAMS = {"#True": "YES", "#False": "NO", "#true": "YES", "#false": "NO"}
_PROGRAM_WORD = re.compile(r"#[A-Za-z]+(?!\w)")
_BLOCK = re.compile(r"\[([^\[\]]*)\]")


class DataError(Exception):
    """The text isn't in the format. `position` counts characters from 0."""

    def __init__(self, message: str, position: int) -> None:
        super().__init__(message)
        self.position = position

    def __str__(self) -> str:
        return f"{self.args[0]} at position {self.position}"


def read_value(text: str) -> Value:
    """The one value that a text is. Raises: DataError."""
    reader = Reader(text)
    found = reader.value()
    reader.skip()
    if not reader.at_end:
        raise reader.error("something follows the value")
    return found


class Reader:
    """A text and a place in it, which only moves on."""

    def __init__(self, text: str, at: int = 0) -> None:
        self.text = text
        self.at = at
        self._left = MAX_VALUES

    @property
    def at_end(self) -> bool:
        return self.at >= len(self.text)

    @property
    def next(self) -> str:
        """The letter here, empty at the end."""
        return self.text[self.at : self.at + 1]

    def error(self, message: str) -> DataError:
        return DataError(message, self.at)

    def skip(self) -> None:
        """Over white space."""
        found = _BLANKS.match(self.text, self.at)
        assert found is not None  # it matches nothing, too
        self.at = found.end()

    def value(self, depth: int = 0) -> Value:
        """The value that begins here or after white space. Raises: DataError."""
        self.skip()
        self._left -= 1
        if self._left < 0:
            raise self.error("too many values")
        first = self.next
        if first == "{":
            return self._dictionary(depth)
        if first == "(":
            return self._array(depth)
        if first == '"':
            return self.string()
        if first == "#":
            return self._special()
        if first == "[":
            return self._block()
        if first == "<":
            return self._xml()
        return self.word()

    def word(self) -> str:
        """An unquoted string. Raises: DataError."""
        found = _WORD.match(self.text, self.at)
        if found is None:
            raise self.error(f"unexpected {self.next!r}" if self.next else "the end of the line, where a value belongs")
        self.at = found.end()
        return found[0]

    def quoted(self) -> str:
        """One string in quotes. Raises: DataError."""
        begins = self.at
        self.at += 1
        parts: list[str] = []
        coded = bytearray()  # bytes written as \ddd: neighbours may be one letter
        while True:
            found = _ESCAPE.match(self.text, self.at)
            if found is None or not found[1]:
                _flush(coded, parts)
            if found is not None:
                self.at = found.end()
                self._escaped(found, parts, coded)
            elif self.next == '"':
                self.at += 1
                return "".join(parts)
            elif plain := _PLAIN.match(self.text, self.at):
                parts.append(plain[0])
                self.at = plain.end()
            elif self.next:
                raise self.error("an unknown escape")
            else:
                raise DataError("a quoted string without its end", begins)

    def string(self) -> str:
        """Strings in quotes beside each other are one. Raises: DataError."""
        parts = [self.quoted()]
        while True:
            self.skip()
            if self.next != '"':
                return parts[0] if len(parts) == 1 else "".join(parts)
            parts.append(self.quoted())

    def _escaped(self, found: re.Match[str], parts: list[str], coded: bytearray) -> None:
        if found[1]:
            code = int(found[1])
            if code > 255:
                raise DataError("a code of a letter above 255", found.start())
            coded.append(code)
        elif found[2]:
            code = int(found[2], 16)
            if code > 0x10FFFF or 0xD800 <= code <= 0xDFFF:
                raise DataError("no letter has this code", found.start())
            parts.append(chr(code))
        else:
            parts.append(_LETTERS[found[3]])

    def _deeper(self, depth: int) -> int:
        if depth >= MAX_DEPTH:
            raise self.error("nested too deeply")
        self.at += 1
        return depth + 1

    def _array(self, depth: int) -> list[Value]:
        depth = self._deeper(depth)
        found: list[Value] = []
        self.skip()
        if self.next == ")":
            self.at += 1
            return found
        while True:
            found.append(self.value(depth))
            self.skip()
            if self.next == ")":
                self.at += 1
                return found
            if self.next != ",":
                raise self.error("a comma or the end of the array belongs here")
            self.at += 1

    def _dictionary(self, depth: int) -> dict[str, Value]:
        depth = self._deeper(depth)
        found: dict[str, Value] = {}
        while True:
            self.skip()
            if self.next == "}":
                self.at += 1
                return found
            key = self.string() if self.next == '"' else self.word()
            self.skip()
            if self.next != "=":
                raise self.error("an equals sign belongs here")
            self.at += 1
            found[key] = self.value(depth)
            self.skip()
            if self.next != ";":
                raise self.error("a semicolon belongs here")
            self.at += 1

    def _special(self) -> Value:
        text = self.text
        if text.startswith("#NULL#", self.at):
            self.at += 6
            return None
        if found := _NUMBER.match(text, self.at):
            return self._number(found)
        if found := _TIME.match(text, self.at):
            return self._time(found)
        if found := _ADDRESS.match(text, self.at):
            self.at = found.end()
            return self._address(found[1], found[2], found.start())
        found = _PROGRAM_WORD.match(text, self.at)
        if found and found[0] in _WORDS_OF_PROGRAMS:
            self.at = found.end()
            return _WORDS_OF_PROGRAMS[found[0]]
        raise self.error("neither a number, a time nor an address")

    def _number(self, found: re.Match[str]) -> int | float:
        self.at = found.end()
        digits = found[2]
        if len(digits) > MAX_DIGITS + (0 if "." in digits else 2):
            raise DataError("a number with too many digits", found.start())
        sign = -1 if found[1] == "-" else 1
        if "." in digits:
            return sign * float(digits)
        return sign * (int(digits, 0) if digits[:2] in ("0x", "0b", "0o") else int(digits))

    def _time(self, found: re.Match[str]) -> datetime | Moment:
        self.at = found.end()
        if found[1]:
            return Moment(found[1])
        day, month, year, hour, minute, second = (int(part or 0) for part in found.groups()[1:])
        try:
            return datetime(year, month, day, hour, minute, second, tzinfo=UTC)
        except ValueError as error:
            raise DataError("no such time", found.start()) from error

    def _address(self, ip: str, port: str | None, begins: int) -> Address:
        try:
            number = None if port is None else int(port)
            if number is not None and number > 65535:
                raise ValueError(number)
            return Address(str(ipaddress.ip_address(ip)), number)
        except ValueError as error:
            raise DataError("no such address", begins) from error

    def _block(self) -> bytes | Address:
        found = _BLOCK.match(self.text, self.at)
        if found is None:
            raise self.error("a data block without its end")
        self.at = found.end()
        content = "".join(found[1].split())
        if "." in content or ":" in content:  # [10.0.0.1] as clients write an address by itself
            return self._address(content, None, found.start())
        try:
            return base64.b64decode(content.encode("ascii"), validate=True)
        except (binascii.Error, ValueError) as error:
            raise DataError("a data block that isn't in Base64", found.start()) from error

    def _xml(self) -> Xml:
        ends = read_element(self.text, self.at, MAX_DEPTH)
        if ends is None:
            raise self.error("an element that isn't well-formed")
        begins, self.at = self.at, ends
        return Xml(self.text[begins:ends])


def _flush(coded: bytearray, parts: list[str]) -> None:
    if not coded:
        return
    try:
        parts.append(coded.decode("utf-8"))
    except UnicodeDecodeError:
        parts.append(coded.decode("latin-1"))
    coded.clear()
