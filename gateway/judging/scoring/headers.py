"""Signs in header fields, and in where a message comes from."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from domains.policy.facts import EPOCH, AuthResult
from gateway.judging.scoring.links import owner_of
from gateway.judging.scoring.sight import Sight

AHEAD, BEHIND = timedelta(hours=12), timedelta(days=4)
MANY_RECIPIENTS = 15
_MESSAGE_ID = re.compile(r"\s*<[^<>@\s]+@[^<>@\s]+>\s*")
_MARKS = re.compile(r"!|\?\?|\$[\d,.$]|\$\s*$|%|€\s?\d")
_GAPPY = re.compile(r"\b(?:\w[ ._*-]){4,}\w\b|[a-z][013457@][a-z]\w*[a-z]{2}", re.IGNORECASE)
_TAIL = re.compile(r"\S {6,}\S+ *$|[ .!?-]{3,}[a-z]{5,20} *$")
_OFFER = re.compile(
    r"\b(free|save|win|won|cash|money|rates?|mortgages?|credit|debt|loan|guaranteed?|offer|deal|discount|cheap|lowest|"
    r"weight|viagra|pills|sex|xxx|hot|investment|opportunity|earn|income|rich|profits?|urgent|invoice|winner|bonus|"
    r"insurance|only|now|today|limited|lose|pharmacy|casino|gratis|angebot|verdienen|[0-9]{2}%)\b",
    re.IGNORECASE,
)
_ANSWER = re.compile(r"(re|aw|fwd?|wg|sv|tr)(\[\d+\])?:", re.IGNORECASE)
_BULK = re.compile(
    r"bulk|mass ?mail|advance[d]? (direct|mass)|group ?mail|stealth|desktop server|emailer|blaster|"
    r"the bat! \(v1\.5[0-9]\) unreg|"
    r"mach10|aristotle|dynamic opt|diffondi|e-?mail ?magnet|global ?messenger|powermailer|prospect mailer|sendoutlook",
    re.IGNORECASE,
)
_PEOPLE = re.compile(
    r"mutt|gnus|evolution|kmail|pine|sylpheed|claws|"
    r"thunderbird|mozilla|emacs|\bvm\b|exmh|mew|balsa|roundcube|k-9|apple mail|iphone mail|gnumail",
    re.IGNORECASE,
)
_OUTLOOK_ID = re.compile(
    r"\s*<[0-9a-f]{6,12}\$[0-9a-f]{6,8}\$|\s*<[A-Z0-9]{20,}[.A-Z0-9]*@|\s*<[0-9A-Z]{28,}", re.IGNORECASE
)
_FREE_MAIL = frozenset(
    [
        "aol.com",
        "gmail.com",
        "googlemail.com",
        "gmx.de",
        "gmx.net",
        "gmx.com",
        "hotmail.com",
        "outlook.com",
        "live.com",
        "msn.com",
        "yahoo.com",
        "yahoo.co.uk",
        "yahoo.fr",
        "yahoo.de",
        "web.de",
        "freenet.de",
        "mail.ru",
        "mail.com",
        "excite.com",
        "lycos.com",
        "netscape.net",
        "juno.com",
        "email.com",
        "usa.net",
        "rediffmail.com",
        "caramail.com",
        "icloud.com",
        "proton.me",
        "protonmail.com",
        "yandex.ru",
        "libero.it",
        "tiscali.it",
        "163.com",
        "126.com",
        "qq.com",
    ]
)
_ADDRESS_LIKE = re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]+")
_NUMERIC_HOST = re.compile(r"\[?\d{1,3}(?:[.-]\d{1,3}){3}\]?")
_DYNAMIC = re.compile(r"\d{1,3}[-.x]\d{1,3}[-.x]\d{1,3}|dsl|dial|dhcp|cable|dynamic|ppp|pool|cust", re.IGNORECASE)
_VOWELS = frozenset("aeiouy")


def signs(sight: Sight) -> Iterator[str]:
    yield from _fields(sight)
    yield from _date(sight)
    yield from _subject(sight)
    yield from _sender(sight)
    yield from _brought_by(sight)
    yield from _proofs(sight)


def _fields(sight: Sight) -> Iterator[str]:
    head, facts = sight.head, sight.facts
    message_id = head.first("message-id")
    if not message_id:
        yield "no-message-id"
    elif not _MESSAGE_ID.fullmatch(message_id):
        yield "odd-message-id"
    if not facts.header_recipients:
        yield "no-recipient"
    elif len(facts.header_recipients) > MANY_RECIPIENTS:
        yield "many-recipients"
    priority = head.first("x-priority")[:1]
    if (
        priority in ("1", "2")
        or head.first("importance").lower() == "high"
        or head.first("priority").lower() == "urgent"
    ):
        yield "urgent"
    if any(name.startswith("repeated-") for name in facts.bad_headers):
        yield "repeated-field"
    mailer = head.first("x-mailer") or head.first("user-agent")
    if _BULK.search(mailer):
        yield "mailer-bulk"
    if "outlook" in mailer.lower() and message_id and not _OUTLOOK_ID.match(message_id):
        yield "mailer-forged"
    elif _PEOPLE.search(mailer):
        yield "known-program"
    if any(
        name in ("SUBJECT", "FROM", "TO", "DATE", "MESSAGE-ID", "reply-to", "mime-version", "from", "subject")
        for name, _value in head.fields
    ):
        yield "capital-fields"
    if sight.forged_results:
        yield "forged-results"


def _date(sight: Sight) -> Iterator[str]:
    try:
        said = parsedate_to_datetime(sight.head.first("date")[:100])
    except (ValueError, TypeError, IndexError, OverflowError):
        yield "odd-date"
        return
    if sight.received_at == EPOCH:
        return
    said = _aware(said)
    if said - _aware(sight.received_at) > AHEAD:
        yield "date-ahead"
    elif _aware(sight.received_at) - said > BEHIND and not _lay_elsewhere(sight, said):
        yield "date-behind"


def _lay_elsewhere(sight: Sight, said: datetime) -> bool:
    """Whether the server before took it when it says it was written: it lay there, or somebody sends old mail on."""
    try:
        taken = _aware(parsedate_to_datetime(sight.head.first("received").rpartition(";")[2].strip()[:100]))
    except (ValueError, TypeError, IndexError, OverflowError):
        return False
    return abs(taken - said) <= BEHIND


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _subject(sight: Sight) -> Iterator[str]:
    subject, raw = sight.subject, sight.head.first("subject")
    if not subject:
        yield "no-subject"
        return
    letters = [letter for letter in subject if letter.isalpha()]
    if len(letters) > 8 and subject.upper() == subject and subject.lower() != subject:
        yield "subject-capitals"
    if _MARKS.search(subject):
        yield "subject-marks"
    if _GAPPY.search(subject):
        yield "subject-gappy"
    if _TAIL.search(sight.facts.subject):
        yield "subject-tail"
    if _OFFER.search(subject):
        yield "subject-offer"
    answers = sight.head.first("in-reply-to") or sight.head.first("references")
    if _ANSWER.match(subject) and not answers and not sight.head.first("list-id"):
        yield "subject-pretends"
    if answers:
        yield "answers"
    if "8bit" in sight.facts.bad_headers or not raw.isascii():
        yield "raw-8bit"


def _sender(sight: Sight) -> Iterator[str]:
    facts = sight.facts
    if not facts.header_from:
        yield "from-empty"
        return
    entry = facts.header_from[0]
    local, _at, domain = entry.address.rpartition("@")
    digits = sum(letter.isdigit() for letter in local)
    if digits >= 3:
        yield "from-digits"
    if _is_random(local):
        yield "from-random"
    shown = _ADDRESS_LIKE.search(entry.name)
    if shown is not None and shown[0].lower() != entry.address.lower():
        yield "from-other"
    if entry.name and ("!" in entry.name or "$" in entry.name or _OFFER.search(entry.name)):
        yield "from-shouts"
    answer_to = facts.reply_to[0].address.lower() if facts.reply_to else ""
    reply_domain = answer_to.rpartition("@")[2]
    if reply_domain in _FREE_MAIL and reply_domain != domain.lower():
        yield "reply-elsewhere"
    addresses = {each.address.lower() for each in facts.header_recipients}
    if addresses == {entry.address.lower()} or entry.address.lower() in {each.lower() for each in facts.recipients}:
        yield "to-self"


def _is_random(local: str) -> bool:
    """Letters and digits in turn, or many consonants in a row, as no person is called."""
    local = local.lower()
    if len(local) > 6 and re.search(r"[a-z]\d+[a-z]+\d", local):
        return True
    run = 0
    for letter in local:
        run = run + 1 if letter.isalpha() and letter not in _VOWELS else 0
        if run > 5:
            return True
    return False


def _brought_by(sight: Sight) -> Iterator[str]:
    if sight.client_name is None:
        return
    if not sight.client_name:
        yield "client-nameless"
    elif sight.facts.header_from:
        domain = sight.facts.header_from[0].address.rpartition("@")[2].lower()
        if domain not in _FREE_MAIL and owner_of(sight.client_name.lower().rstrip(".")) == owner_of(domain):
            yield "own-server"
    helo = sight.helo.strip().lower()
    if not helo or "." not in helo.strip("[].") or _NUMERIC_HOST.fullmatch(helo) or helo.startswith("localhost"):
        yield "helo-odd"


def _proofs(sight: Sight) -> Iterator[str]:
    found = sight.signed_by
    if not sight.takes_mail:
        yield "no-way-back"
    if found.spf.result is AuthResult.FAIL:
        yield "spf-fail"
    elif found.spf.result is AuthResult.SOFTFAIL:
        yield "spf-softfail"
    if found.dkim and all(each.result in (AuthResult.FAIL, AuthResult.PERMERROR) for each in found.dkim):
        yield "dkim-broken"
    if found.dmarc.result is AuthResult.FAIL:
        yield {"reject": "dmarc-reject", "quarantine": "dmarc-quarantine"}.get(found.dmarc.policy, "dmarc-fail")
    elif found.dmarc.result is AuthResult.PASS:
        yield "dmarc-pass"
        if sight.head.first("list-unsubscribe"):
            yield "newsletter"
