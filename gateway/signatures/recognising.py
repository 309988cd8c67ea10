"""Whether a block is in a message already: by its mark, or by its words where a mail program has rewritten it.

Outlook drops classes, Gmail puts something before them, text parts have none, lines are wrapped and quoted: so the
words count, in their order, or nearly all of the block's lines. Not for security: a person can write what they like.
"""

from __future__ import annotations

import re

from archive.mail.markup import text_of_html
from gateway.signatures.block import Block

_WORD = re.compile(r"\w+")
_QUOTE = re.compile(r"(?m)^[ \t]*(?:>[ \t]?)+")
_ADDED = re.compile(r"<(?:https?:|mailto:|tel:)[^<>\s]{1,2000}>|\[(?:cid:|image:)[^\]\n]{0,300}\]", re.I)
LEAST_LETTERS = 10  # a shorter one could be anybody's words
LEAST_LINES = 3
MOST_CHARS = 2_000_000


def words_of_text(text: str) -> str:
    """Its words in order, folded, each between blanks; quote marks and what Outlook adds to links left out."""
    return _folded(_ADDED.sub(" ", _QUOTE.sub("", _ends(text))))


def words_of_html(html: str) -> str:
    return _folded(text_of_html(_ends(html)))


def _ends(text: str) -> str:
    """Beginning and end of what is very long: a signature is near one of them."""
    half = MOST_CHARS // 2
    return text if len(text) <= MOST_CHARS else f"{text[:half]} {text[-half:]}"


def is_in_html(block: Block, html: str, words: str) -> bool:
    return block.mark in html or is_in_words(block, words)


def is_in_words(block: Block, words: str) -> bool:
    """Whether the block, as text or as HTML, is among these words."""
    for lines in (block.text.split("\n"), text_of_html(block.html).split("\n")):
        folded = [line for line in (_folded(_ADDED.sub(" ", each)) for each in lines) if line.strip()]
        whole = " " + " ".join(" ".join(folded).split()) + " "
        if sum(map(str.isalnum, whole)) < LEAST_LETTERS:
            continue
        if whole in words:
            return True
        telling = [line for line in folded if sum(map(str.isalnum, line)) >= LEAST_LETTERS]
        if len(telling) >= LEAST_LINES and sum(line in words for line in telling) >= len(telling) - 1:
            return True
    return False


def _folded(text: str) -> str:
    return f" {' '.join(_WORD.findall(text.casefold()))} "
