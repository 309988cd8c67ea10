"""How mail programs introduce what they quote, in the six languages. Lines alone; offsets are `texts` and `pages`.

Every pattern looks at one line (or three joined) of limited length, so nothing here takes more than linear time.
Seen in: Outlook, Outlook on the web, Gmail, Apple Mail, Thunderbird, K-9, Roundcube, Lotus Notes, Yahoo, Proton.
"""

from __future__ import annotations

import re

MOST_CHARS = 500

_BANNERS = "|".join(
    (
        "original message", "original appointment", "forwarded message", "begin forwarded message",
        "ursprüngliche nachricht", "originalnachricht", "original-nachricht", "weitergeleitete nachricht",
        "anfang der weitergeleiteten nachricht", "originaltermin",
        "message d'origine", "message d’origine", "message original", "message initial", "message transféré",
        "message transmis", "rendez-vous d'origine", "rendez-vous d’origine",
        "mensaje original", "mensaje reenviado", "mensaje transmitido", "cita original",
        "opprinnelig melding", "original melding", "videresendt melding", "videresendt e-post",
        "oprindelig meddelelse", "original meddelelse", "oprindelig besked", "videresendt meddelelse",
        "videresendt besked",
    )
)  # fmt: skip
_BANNER = re.compile(rf"[ \t]*-{{2,20}}[ \t]*(?:{_BANNERS})[^\w\n]*(?:by [^\n]{{1,80}}?)?[ \t]*-{{2,20}}[ \t]*", re.I)
_BEGIN = re.compile(
    r"[ \t]*(?:begin forwarded message|anfang der weitergeleiteten nachricht|début du message (?:transféré|réexpédié)|"
    r"inicio del mensaje reenviado|videresendt melding|start på videresendt besked)[ \t\xa0]*:[ \t]*",
    re.I,
)
_RULE = re.compile(r"[ \t]*_{10,}[ \t]*")

_FROM = "from|von|de|fra"
_OTHERS = (
    "sent|date|to|cc|subject|gesendet|datum|an|betreff|kopie|envoyé|à|objet|enviado(?: el)?|fecha|para|asunto|"
    "sendt|dato|til|kopi|emne|reply-to|importance|wichtigkeit"
)
_FROM_LINE = re.compile(rf"[ \t]*\*?(?:{_FROM})[ \t\xa0]?:\*?[ \t\xa0]*\S", re.I)
_OTHER_LINE = re.compile(rf"[ \t]*\*?(?:{_OTHERS})[ \t\xa0]?:\*?(?:[ \t\xa0]|$)", re.I)

_WROTE = r"wrote|writes|schrieb|schreibt|a écrit|écrit|escribió|escribio|escribe|skrev|skriver|følgende"
_NEAR = re.compile(rf"[^\n]{{0,300}}\b(?:{_WROTE})\b[^\n]{{0,200}}[::][ \t\xa0]*", re.I)
_ALONE = re.compile(
    rf"[ \t]*(?:on|am|le|el|den|på|fra)\b(?=[^\n]*\d)[^\n]{{5,300}}\b(?:{_WROTE})\b[^\n]{{0,120}}[::][ \t\xa0]*", re.I
)


def is_banner(line: str) -> bool:
    """A line such as `-----Original Message-----`, below which all is quoted."""
    return len(line) <= MOST_CHARS and bool(_BANNER.fullmatch(line) or _BEGIN.fullmatch(line))


def is_rule(line: str) -> bool:
    """The row of underscores that Outlook draws before what it quotes."""
    return len(line) <= MOST_CHARS and _RULE.fullmatch(line) is not None


def is_from(line: str) -> bool:
    """`From: Ada`, as a line of the header that Outlook repeats."""
    return len(line) <= MOST_CHARS * 4 and _FROM_LINE.match(line) is not None


def is_other_field(line: str) -> bool:
    """`Sent: …`, `To: …`, `Subject: …`."""
    return len(line) <= MOST_CHARS * 20 and _OTHER_LINE.match(line) is not None


def introduces(text: str, *, alone: bool = False) -> bool:
    """`On Monday Ada wrote:`. alone: nothing else says that a quote follows, so it has to begin and date like one."""
    if len(text) > MOST_CHARS:
        return False
    return (_ALONE if alone else _NEAR).fullmatch(text) is not None
