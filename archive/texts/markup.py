"""Text of the XML in office files, by expat: streamed, without entities, nothing fetched."""

from __future__ import annotations

from collections.abc import Callable
from xml.parsers import expat

from .errors import Unreadable
from .model import DAMAGED

_BREAKS = frozenset({"p", "h", "tr", "si", "c", "br", "line-break", "table-row", "table-cell", "comment"})
_SPACES = frozenset({"tab", "s"})


class _Collector:
    """Collects the characters of the wanted elements; breaks where a paragraph or a cell ends."""

    def __init__(self, *, everything: bool) -> None:
        self.parts: list[str] = []
        self._everything = everything
        self._inside = int(everything)
        self._shared = False
        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        parser.EntityDeclHandler = self._refuse
        self.parser = parser

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        local = name.rpartition(":")[2]
        if local == "c":  # of a spreadsheet: with t="s" its value is only the number of a shared string
            self._shared = attributes.get("t") == "s"
        elif local in _SPACES:
            self.parts.append(" ")
        if not self._everything and (local in ("t", "delText") or (local == "v" and not self._shared)):
            self._inside += 1

    def _end(self, name: str) -> None:
        local = name.rpartition(":")[2]
        if not self._everything and (local in ("t", "delText") or (local == "v" and not self._shared)):
            self._inside -= 1
        if local in _BREAKS or (self._everything and ":" in name and name.split(":")[0] in ("dc", "cp", "meta")):
            self.parts.append("\n")

    def _characters(self, data: str) -> None:
        if self._inside:
            self.parts.append(data)

    def _refuse(self, *_: object) -> None:
        raise Unreadable(DAMAGED)  # office programs declare no entities; a bomb does


def text_of_xml(read: Callable[[int], bytes], *, everything: bool) -> str:
    """The text of one XML file of an office document. `everything`: all characters (ODF), else those of text runs.

    Raises: Unreadable; what was read before it is lost.
    """
    collector = _Collector(everything=everything)
    try:
        while piece := read(256 << 10):
            collector.parser.Parse(piece, False)
        collector.parser.Parse(b"", True)
    except expat.ExpatError:
        if not collector.parts:
            raise Unreadable(DAMAGED) from None
    return "".join(collector.parts)
