"""240 mixed queries in two languages, ours and notmuch's, drawn from the words and addresses of the mails themselves.

Deterministic: the same mails give the same queries. They are other people's words, so they are kept under the work
folder and never in the repository; results name the kind only.

Written so that both sides mean the same: notmuch stems a bare English word, so its words stand in quotation marks; its
`to:` holds Cc and Bcc too, so ours says (to:… OR cc:…). Not for running them.
"""

from __future__ import annotations

import calendar
import random
import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TypeVar

from archive.mail.extract import Extract

PER_KIND = 15
T = TypeVar("T")
# Not a piece of don't, a_name or x86: what is one word differs between programs there.
_WORD = re.compile(r"(?<![\w.'’&-])[a-z]{3,14}(?![\w'’&-])")
_PAIR = re.compile(r"(?<![\w.'’&-])([a-z]{3,14}) ([a-z]{3,14})(?![\w.'’&-])")
_ADDRESS = re.compile(r"[a-z0-9._-]+@[a-z0-9.-]+\.[a-z]{2,}\Z")


@dataclass(frozen=True, slots=True)
class Query:
    """One question in both languages."""

    kind: str
    ours: str
    notmuch: str


@dataclass
class Vocabulary:
    """What the mails say, and in how many of them."""

    messages: int = 0
    words: Counter[str] = field(default_factory=Counter)
    subjects: Counter[str] = field(default_factory=Counter)
    names: Counter[str] = field(default_factory=Counter)
    senders: Counter[str] = field(default_factory=Counter)
    recipients: Counter[str] = field(default_factory=Counter)
    pairs: Counter[tuple[str, str]] = field(default_factory=Counter)
    subjects_and_names: Counter[tuple[str, str]] = field(default_factory=Counter)
    months: Counter[tuple[int, int]] = field(default_factory=Counter)

    def take(self, text: Extract, year_month: tuple[int, int] | None) -> None:
        """Count one mail."""
        self.messages += 1
        body = text.body.lower()
        self.words.update(set(_WORD.findall(body)))
        subject = set(_WORD.findall(text.subject.lower()))
        self.subjects.update(subject)
        self.pairs.update({(found[1], found[2]) for found in _PAIR.finditer(body[:3000])})
        for address in text.from_:
            name = set(_WORD.findall(address.name.lower()))
            self.names.update(name)
            self.subjects_and_names.update((one, other) for one in subject for other in name)
            self.senders.update(_plain(address.address))
        for address in text.to:
            self.recipients.update(_plain(address.address))
        if year_month is not None:
            self.months[year_month] += 1


def draw(vocabulary: Vocabulary, seed: int = 2026) -> list[Query]:
    """PER_KIND queries of each of the kinds, mixed."""
    drawing = _Drawing(vocabulary, random.Random(seed))  # noqa: S311  (not a secret)
    kinds: dict[str, Callable[[], tuple[str, str]]] = {
        "common word": lambda: _both(_word(drawing.common())),
        "word": lambda: _both(_word(drawing.middling())),
        "rare word": lambda: _both(_word(drawing.rare())),
        "two words": lambda: _both(_word(drawing.common()), _word(drawing.middling())),
        "three words": lambda: _both(_word(drawing.common()), _word(drawing.common()), _word(drawing.middling())),
        "phrase": lambda: _both(_phrase(drawing.pair())),
        "from: address": lambda: _both(_field("from", drawing.one_of(vocabulary.senders))),
        "from: name": lambda: _both(_field("from", drawing.one_of(vocabulary.names))),
        "to: address": lambda: _both(_to(drawing.one_of(vocabulary.recipients))),
        "subject:": lambda: _both(_field("subject", drawing.one_of(vocabulary.subjects))),
        "subject: and from:": lambda: _subject_from(drawing.one_of(vocabulary.subjects_and_names)),
        "month": lambda: _both(_month(drawing.month())),
        "word in a year": lambda: _both(_word(drawing.common()), _year(drawing.month()[0])),
        "exclusion": lambda: _both(_word(drawing.common()), _without(drawing.common())),
        "OR": lambda: _either(drawing.middling(), drawing.rare(), drawing.middling()),
        "prefix*": lambda: _both(_prefix(drawing.middling())),
    }
    found = [Query(kind, *make()) for kind, make in kinds.items() for _ in range(PER_KIND)]
    drawing.random.shuffle(found)
    return found


class _Drawing:
    """Draws from a vocabulary by how frequent a thing is among the mails."""

    def __init__(self, vocabulary: Vocabulary, chance: random.Random) -> None:
        self.random = chance
        self._all = vocabulary
        share = vocabulary.messages
        self._common = _between(vocabulary.words, share * 0.10, share * 0.60)
        self._middling = _between(vocabulary.words, share * 0.005, share * 0.05)
        self._rare = _between(vocabulary.words, 2, max(3, share * 0.0007))

    def common(self) -> str:
        return self.random.choice(self._common)

    def middling(self) -> str:
        return self.random.choice(self._middling)

    def rare(self) -> str:
        return self.random.choice(self._rare)

    def pair(self) -> tuple[str, str]:
        found = _between(self._all.pairs, max(2, self._all.messages * 0.001), self._all.messages)
        return self.random.choice(found)

    def one_of(self, counts: Counter[T]) -> T:
        return self.random.choice(_between(counts, max(2, self._all.messages * 0.0005), self._all.messages))

    def month(self) -> tuple[int, int]:
        return self.random.choice(_between(self._all.months, 2, self._all.messages))


def _between(counts: Counter[T], least: float, most: float) -> list[T]:
    found = sorted((thing for thing, count in counts.items() if least <= count <= most), key=repr)
    return found or sorted(counts, key=repr)


def _both(*parts: tuple[str, str]) -> tuple[str, str]:
    return " ".join(part[0] for part in parts), " ".join(part[1] for part in parts)


def _word(word: str) -> tuple[str, str]:
    return word, f'"{word}"'


def _phrase(words: Iterable[str]) -> tuple[str, str]:
    text = f'"{" ".join(words)}"'
    return text, text


def _field(name: str, value: str) -> tuple[str, str]:
    return f"{name}:{value}", f'{name}:"{value}"'


def _subject_from(pair: tuple[str, str]) -> tuple[str, str]:
    return _both(_field("subject", pair[0]), _field("from", pair[1]))


def _to(address: str) -> tuple[str, str]:
    return f"(to:{address} OR cc:{address})", f'to:"{address}"'


def _month(month: tuple[int, int]) -> tuple[str, str]:
    year, number = month
    last = calendar.monthrange(year, number)[1]
    return f"on:{year:04}-{number:02}", f"date:{year:04}-{number:02}-01..{year:04}-{number:02}-{last:02}"


def _year(year: int) -> tuple[str, str]:
    return f"on:{year:04}", f"date:{year:04}-01-01..{year:04}-12-31"


def _without(word: str) -> tuple[str, str]:
    return f"-{word}", f'-"{word}"'


def _either(*words: str) -> tuple[str, str]:
    return " OR ".join(words), " OR ".join(f'"{word}"' for word in words)


def _prefix(word: str) -> tuple[str, str]:
    stem = word[: max(3, len(word) - 2)]
    return f"{stem}*", f"{stem}*"


def _plain(address: str) -> list[str]:
    lowered = address.lower()
    return [lowered] if _ADDRESS.match(lowered) else []
