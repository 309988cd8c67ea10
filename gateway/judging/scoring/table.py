"""All signs that the built-in scorer knows, in one table: the group, the points, and what it is in words.

Positive points speak for spam, negative ones for wanted mail. A message with 5 points or more is spam unless a policy
says otherwise. Changing a figure here changes the scorer; `benchmarks/scorer.py` says how well it then does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from domains.policy.sentences import gettext_noop as _


class Group(StrEnum):
    HEADERS = "headers"
    SENDER = "sender"
    TEXT = "text"
    HTML = "html"
    LINKS = "links"
    FILES = "files"
    WANTED = "wanted"


GROUPS: Mapping[Group, str] = {
    Group.HEADERS: _("Header fields"),
    Group.SENDER: _("Where it comes from"),
    Group.TEXT: _("What it says"),
    Group.HTML: _("How it is written"),
    Group.LINKS: _("Its links"),
    Group.FILES: _("Its attachments"),
    Group.WANTED: _("What speaks for it"),
}


@dataclass(frozen=True, slots=True)
class Sign:
    """`text` is English, marked for translation."""

    group: Group
    points: float
    text: str


_H, _S, _T, _M, _L, _F, _W = Group

SIGNS: Mapping[str, Sign] = {
    # header fields
    "no-message-id": Sign(_H, 1.2, _("It has no Message-ID.")),
    "odd-message-id": Sign(_H, 1.8, _("Its Message-ID is none.")),
    "date-ahead": Sign(_H, 2.0, _("Its date is more than half a day in the future.")),
    "date-behind": Sign(_H, 1.3, _("Its date is more than four days in the past.")),
    "odd-date": Sign(_H, 1.0, _("It has no date, or one that nobody can read.")),
    "no-subject": Sign(_H, 0.8, _("It has no subject.")),
    "subject-capitals": Sign(_H, 1.6, _("The subject shouts in capitals.")),
    "subject-marks": Sign(_H, 1.3, _("The subject has exclamation marks, several question marks or signs of money.")),
    "subject-gappy": Sign(_H, 1.2, _("The subject has its words s p a c e d out, or letters replaced by digits.")),
    "subject-tail": Sign(_H, 2.5, _("After many blanks the subject ends in letters without meaning.")),
    "subject-offer": Sign(_H, 1.5, _("The subject offers something.")),
    "subject-pretends": Sign(_H, 0.5, _("The subject pretends to answer, and nothing was asked.")),
    "raw-8bit": Sign(_H, 1.8, _("Subject or From have characters without saying which they are.")),
    "no-recipient": Sign(_H, 1.2, _("It names nobody that it is for.")),
    "many-recipients": Sign(_H, 0.8, _("It names very many recipients.")),
    "urgent": Sign(_H, 1.2, _("It calls itself urgent.")),
    "repeated-field": Sign(_H, 1.5, _("A header field that may be there once is there several times.")),
    "mailer-forged": Sign(_H, 1.8, _("It names a mail program that writes other header fields than these.")),
    "mailer-bulk": Sign(_H, 1.5, _("It was written by a program for mass mail.")),
    "capital-fields": Sign(_H, 1.0, _("Its header fields are written as no mail program writes them.")),
    "forged-results": Sign(_H, 1.0, _("It claims results of checks in our name.")),
    # sender
    "spf-fail": Sign(_S, 2.0, _("The sender's domain says that this server may not send for it (SPF).")),
    "spf-softfail": Sign(_S, 0.8, _("The sender's domain doubts that this server may send for it (SPF).")),
    "dkim-broken": Sign(_S, 0.4, _("It has a signature, and none holds (DKIM).")),
    "dmarc-reject": Sign(_S, 4.0, _("From's domain wants such mail refused (DMARC).")),
    "dmarc-quarantine": Sign(_S, 2.5, _("From's domain wants such mail put aside (DMARC).")),
    "dmarc-fail": Sign(_S, 0.8, _("Nothing proves that From is right (DMARC).")),
    "client-nameless": Sign(_S, 1.5, _("The server that brought it has no name in DNS.")),
    "helo-odd": Sign(_S, 1.5, _("The server that brought it gave no proper name of its own.")),
    "no-way-back": Sign(_S, 2.0, _("The sender's domain takes no mail, so that nobody can answer.")),
    "from-digits": Sign(_S, 0.4, _("The sender's address has many digits.")),
    "from-random": Sign(_S, 0.4, _("The sender's address looks made up.")),
    "from-empty": Sign(_S, 1.0, _("From has no address.")),
    "from-other": Sign(_S, 1.5, _("The name in From is another address.")),
    "from-shouts": Sign(_S, 0.8, _("The name in From shouts or offers something.")),
    "reply-elsewhere": Sign(_S, 1.2, _("Answers go to a free mail service elsewhere.")),
    "to-self": Sign(_S, 1.0, _("It pretends to come from the one it goes to.")),
    # text
    "says-money": Sign(_T, 1.4, _("It is about getting rich.")),
    "says-work": Sign(_T, 1.6, _("It offers work at home or a share in a chain.")),
    "says-credit": Sign(_T, 1.3, _("It offers credit, insurance or to pay one's debts.")),
    "says-inheritance": Sign(_T, 2.6, _("It tells of a fortune that somebody must help to move.")),
    "says-remedy": Sign(_T, 1.5, _("It sells remedies.")),
    "says-adult": Sign(_T, 2.0, _("It sells what is for adults.")),
    "says-buy": Sign(_T, 0.5, _("It urges to buy.")),
    "says-free": Sign(_T, 0.3, _("It gives things away.")),
    "says-guarantee": Sign(_T, 0.9, _("It promises that there is no risk.")),
    "says-click": Sign(_T, 0.7, _("It wants to be clicked.")),
    "says-remove": Sign(_T, 0.9, _("It says how to be left alone.")),
    "says-lawful": Sign(_T, 0.9, _("It says that it is no spam.")),
    "says-bulk-mail": Sign(_T, 0.9, _("It sells addresses or the sending of mass mail.")),
    "says-account": Sign(_T, 1.3, _("It threatens with the loss of an account.")),
    "says-prize": Sign(_T, 0.4, _("It says that one has won.")),
    "says-coins": Sign(_T, 1.3, _("It is about digital coins, or is paid with them.")),
    "says-software": Sign(_T, 0.7, _("It sells programs or copies far too cheap.")),
    "says-diploma": Sign(_T, 1.5, _("It sells diplomas.")),
    "says-dear": Sign(_T, 1.5, _("It greets a friend, customer or owner without a name.")),
    "many-subjects": Sign(_T, 0.6, _("Four or more of these together.")),
    "shouts": Sign(_T, 1.2, _("Much of it is in capitals.")),
    "exclaims": Sign(_T, 1.5, _("It has very many exclamation marks.")),
    "money-amounts": Sign(_T, 0.2, _("It names amounts of money again and again.")),
    "disguised-words": Sign(_T, 0.8, _("Words are disguised by digits, dots or gaps.")),
    "phone-number": Sign(_T, 1.2, _("It wants to be called at once.")),
    "random-end": Sign(_T, 1.0, _("It ends in letters without meaning.")),
    "almost-empty": Sign(_T, 1.2, _("It hardly has any text, but links.")),
    # html
    "html-only": Sign(_M, 0.9, _("It has HTML and no plain text.")),
    "html-images": Sign(_M, 1.2, _("It is made of pictures and hardly any text.")),
    "html-hidden": Sign(_M, 0.4, _("It has text that nobody can see.")),
    "html-split": Sign(_M, 2.0, _("Words are cut apart by tags or comments.")),
    "html-form": Sign(_M, 0.2, _("It has a form to fill in.")),
    "html-script": Sign(_M, 0.3, _("It has a program in it.")),
    "html-frame": Sign(_M, 0.3, _("It loads another page.")),
    "html-loud": Sign(_M, 0.8, _("It is written in large coloured letters.")),
    "html-broken": Sign(_M, 0.4, _("It begins or ends like no page does.")),
    "text-in-base64": Sign(_M, 1.2, _("Plain words are hidden in base64.")),
    "text-in-escapes": Sign(_M, 0.3, _("Plain words are hidden in escapes.")),
    "no-charset": Sign(_M, 0.7, _("It has other letters than English ones without saying which.")),
    "odd-charset": Sign(_M, 1.4, _("Its encoding is broken or unknown.")),
    "odd-parts": Sign(_M, 0.3, _("Its parts are put together as no mail program does.")),
    # links
    "link-number": Sign(_L, 2.5, _("A link leads to a number instead of a name.")),
    "link-user": Sign(_L, 1.8, _("A link pretends to lead elsewhere by a user name.")),
    "link-escaped": Sign(_L, 0.7, _("A link hides where it leads to by escapes.")),
    "link-port": Sign(_L, 0.7, _("A link leads to an unusual port.")),
    "link-cheap": Sign(_L, 0.4, _("A link leads to a top-level domain that is given away or cheap.")),
    "link-short": Sign(_L, 0.3, _("A link is shortened, so that nobody sees where it leads to.")),
    "link-other": Sign(_L, 1.0, _("A link shows one address and leads to another.")),
    "link-lookalike": Sign(_L, 1.0, _("A link leads to a name in letters that can be mistaken.")),
    "link-remove": Sign(_L, 0.3, _("A link is there to be left alone.")),
    "link-redirect": Sign(_L, 0.2, _("A link leads elsewhere through a third party.")),
    "link-random": Sign(_L, 0.4, _("A link leads to a name without meaning.")),
    # files
    "file-program": Sign(_F, 3.0, _("A program is attached.")),
    "file-double": Sign(_F, 2.5, _("An attachment pretends to be of another kind by its name.")),
    "file-archived-program": Sign(_F, 2.5, _("A program is in an attached archive.")),
    "file-macros": Sign(_F, 1.0, _("A document with macros is attached.")),
    "file-page": Sign(_F, 1.4, _("A web page is attached.")),
    "file-locked": Sign(_F, 1.0, _("An attached archive can't be looked into.")),
    # wanted
    "answers": Sign(_W, -1.8, _("It answers a message.")),
    "discussion": Sign(_W, -1.0, _("It comes through a discussion list.")),
    "list": Sign(_W, -0.3, _("It comes through a list.")),
    "quotes": Sign(_W, -1.5, _("It quotes what was written before.")),
    "signed": Sign(_W, -1.5, _("Its text is signed by PGP or S/MIME.")),
    "code": Sign(_W, -1.2, _("It has a change to a program in it.")),
    "signature": Sign(_W, -0.4, _("It ends in a signature as people write it.")),
    "plain": Sign(_W, -0.3, _("It is plain text without links.")),
    "own-server": Sign(_W, -1.8, _("The server that brought it belongs to From's domain.")),
    "own-links": Sign(_W, -0.6, _("Most of its links lead to From's own domain.")),
    "newsletter": Sign(_W, -0.8, _("It is a newsletter with a proper way to unsubscribe, and its sender is proved.")),
    "dmarc-pass": Sign(_W, -0.5, _("From is proved to be right (DMARC).")),
    "known-program": Sign(_W, -1.0, _("It was written by a mail program that people use and mass mailers don't name.")),
}
