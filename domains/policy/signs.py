"""What counts as broken headers, as a broken encoding, and as a sign of advertising: every name, and what it means.

The names are codes that are stored and shown (`facts.bad_headers` and its neighbours); `explained` says one in words.
Broken is what a receiver can't be sure to read as the sender meant it, not what is merely unusual.

Source: RFC 5322 §2.1.1, §3.6 (limits, which fields and how often), RFC 2045 §5-6, RFC 2046 §5.1.1, RFC 2369 and 8058
(lists that one can leave).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from email.utils import parsedate_tz

from domains.policy import mime
from domains.policy.sentences import Datum, Sentence, gettext_noop, sentence

_ONCE = ("from", "sender", "reply-to", "to", "cc", "subject", "date", "message-id")
_CAMPAIGNS = ("x-campaign", "x-campaign-id", "x-campaignid", "x-mailing-id", "x-newsletter-id", "x-mc-user")

BAD_HEADERS: Mapping[str, str] = {
    "too-long": gettext_noop("All header fields together are too long."),
    "too-many": gettext_noop("There are too many header fields."),
    "long-line": gettext_noop("A line of the header has more than 998 characters."),
    "nul": gettext_noop("A header field has a NUL character."),
    "8bit": gettext_noop("A header field has characters without saying which they are."),
    "no-colon": gettext_noop("A line of the header is no header field."),
    "missing-from": gettext_noop("There is no From."),
    "missing-date": gettext_noop("There is no date."),
    "bad-from": gettext_noop("From has no address."),
    "bad-date": gettext_noop("The date is none."),
    "no-boundary": gettext_noop("It has several parts and doesn't say what separates them."),
}
REPEATED = gettext_noop("The field %(field)s stands there more than once.")
BAD_ENCODING: Mapping[str, str] = {
    "transfer-encoding": gettext_noop("A part says that it is encoded in a way that doesn't exist."),
    "base64": gettext_noop("A part is no correct base64."),
    "charset": gettext_noop("A text has characters that its character set doesn't have."),
    "unknown-charset": gettext_noop("A text is in a character set that nobody knows."),
}
ADVERT_SIGNS: Mapping[str, str] = {
    "list-unsubscribe": gettext_noop("One can unsubscribe from it, and it is no discussion list."),
    "feedback-id": gettext_noop("It carries the mark by which senders of bulk mail count complaints."),
    "campaign": gettext_noop("It names the campaign that it belongs to."),
    "bulk": gettext_noop("It calls itself bulk mail, and it is no discussion list."),
}
# what was left out, for the end of "Not everything was looked at: …"
NOT_READ: Mapping[str, str] = {
    "size": gettext_noop("the rest of a large message"),
    "parts": gettext_noop("parts after the first ones"),
    "depth": gettext_noop("parts that lie too deep within others"),
    "text": gettext_noop("the rest of a long text"),
    "uris": gettext_noop("links after the first ones"),
    "archive-entries": gettext_noop("the files of an archive after the first 2,000"),
    "archive-unread": gettext_noop("an archive that can't be opened"),
    "archive-inside": gettext_noop("an archive within an archive"),
    "archive-locked": gettext_noop("an archive with a password"),
    "unchecked-clamd": gettext_noop("viruses, because clamd gave no answer"),
    "unchecked-rspamd": gettext_noop("signs of spam, because rspamd gave no answer"),
    "unchecked-dns": gettext_noop("what DNS says of the sender, because it gave no answer"),
    "time": gettext_noop("texts and links, because that would have taken too long"),
}


def not_read(names: str) -> Sentence:
    """What "Not everything was looked at" is about: codes of `facts.incomplete`, with commas, in words."""
    codes = names.split(", ")
    words: dict[str, Datum] = {
        f"n{number}": Sentence(NOT_READ[code]) if code in NOT_READ else code for number, code in enumerate(codes)
    }
    return Sentence("; ".join(f"%({key})s" for key in words), words)


def explained(name: str) -> Sentence:
    """What one of the names means; a name that isn't ours (a scanner's) stands for itself."""
    text = BAD_HEADERS.get(name) or BAD_ENCODING.get(name) or ADVERT_SIGNS.get(name)
    if text is not None:
        return Sentence(text)
    if name.startswith("repeated-"):
        return sentence(REPEATED, field=name.removeprefix("repeated-").title())
    return Sentence(name)


def bad_headers(head: mime.Head) -> Iterator[str]:
    """What the reader stumbled over, what must be there and isn't, and what may be there only once."""
    yield from head.defects
    for name in ("from", "date"):
        if not head.first(name):
            yield f"missing-{name}"
    if head.first("from") and "@" not in head.first("from"):
        yield "bad-from"
    if head.first("date") and _is_no_date(head.first("date")):
        yield "bad-date"
    repeated = head.repeated()
    for name in _ONCE:
        if name in repeated:
            yield f"repeated-{name}"
    content_type = head.first("content-type").lower()
    if content_type.startswith("multipart/") and "boundary" not in content_type:
        yield "no-boundary"


def _is_no_date(value: str) -> bool:
    try:
        return parsedate_tz(value[:200]) is None
    except (ValueError, IndexError, TypeError):
        return True


def advert_signs(head: mime.Head) -> Iterator[str]:
    """Bulk mail that one can unsubscribe from and that isn't a discussion list."""
    is_discussion = bool(head.first("list-post"))
    if head.first("list-unsubscribe") and not is_discussion:
        yield "list-unsubscribe"
    if head.first("feedback-id"):
        yield "feedback-id"
    if any(head.first(name) for name in _CAMPAIGNS):
        yield "campaign"
    if head.first("precedence").strip().lower() in ("bulk", "junk") and not (is_discussion or head.first("list-id")):
        yield "bulk"
