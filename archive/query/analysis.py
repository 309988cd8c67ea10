"""What a word is to the index: the analyzer "pk", and the one step that must go before it, on both sides.

`build_analyzer()` is what the index registers under the name "pk"; `prepare(text)` must be applied to every text that
is put into a field analyzed by it, and is applied to every typed word, so both sides agree:

- composed characters (NFC): "e" + combining acute is the same word as "é";
- the Turkish İ is an I: in lower case it would be "i" and a dot of its own, which no folding takes away;
- Chinese characters and kana stand alone, because that writing has no spaces: the analyzer would make one word of a
  whole sentence (and drop it when longer than 63 bytes, 21 characters). A run of them is then searched as a phrase,
  which finds it anywhere inside a sentence, exactly. Hangul has spaces and stays whole (한국* finds 한국어).

ASCII text passes untouched, without a look at its characters.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache

from tantivy import Filter, TextAnalyzer, TextAnalyzerBuilder, Tokenizer

ANALYZER = "pk"
TOO_LONG_BYTES = 64  # tantivy's remove_long(64) drops words of 64 bytes and more, counted before folding

UNSPACED_RANGES = (
    "\u3005-\u3007\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\uff66-\uff9f"
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)
UNSPACED = re.compile(f"([{UNSPACED_RANGES}])")
_SURROGATE = re.compile("[\ud800-\udfff]")


def build_analyzer() -> TextAnalyzer:
    """The analyzer "pk": words of letters and digits, shorter than 64 bytes, in lower case, accents folded."""
    builder = TextAnalyzerBuilder(Tokenizer.simple()).filter(Filter.remove_long(TOO_LONG_BYTES))
    return builder.filter(Filter.lowercase()).filter(Filter.ascii_fold()).build()


def prepare(text: str) -> str:
    """The text as the analyzer must get it. Any str is fine, lone surrogates too (they become spaces)."""
    if text.isascii():
        return text
    if _SURROGATE.search(text):
        text = _SURROGATE.sub(" ", text)
    return UNSPACED.sub(r" \1 ", unicodedata.normalize("NFC", text).replace("İ", "I"))


@cache
def _analyzer() -> TextAnalyzer:
    return build_analyzer()


def words_of(text: str) -> list[str]:
    """The words the index makes of a text."""
    return _analyzer().analyze(prepare(text))


class Folding(dict[int, str]):
    """A table for str.translate: letters and digits as the index folds them, everything else a space.

    It asks the analyzer itself, once per character ever seen (folding there looks at one character at a time).
    """

    def __missing__(self, code: int) -> str:
        words = [] if 0xD800 <= code <= 0xDFFF else _analyzer().analyze(prepare(chr(code)))
        self[code] = words[0] if words else " "
        return self[code]


FOLDING = Folding()


def longest_run_bytes(text: str) -> int:
    """Bytes of the longest unbroken run of letters and digits: from TOO_LONG_BYTES on the index leaves it out."""
    runs, size = 0, 0
    for char in prepare(text):
        size = size + len(char.encode()) if FOLDING[ord(char)] != " " else 0
        runs = max(runs, size)
    return runs
