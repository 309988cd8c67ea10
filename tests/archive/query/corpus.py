"""A small mail archive written for these tests, its index, and an oracle that reads every message instead.

The oracle shares with the product the reading of the query (parse) and the index's analyzer; everything else it decides
on plain Python values, so it and the index can only agree by both being right.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field

import tantivy

from archive.query.analysis import ANALYZER, build_analyzer, prepare, words_of
from archive.query.compile import compile_query
from archive.query.language import days_of
from archive.query.nodes import (
    All,
    And,
    Days,
    Field,
    HasAttachment,
    InFolder,
    MessageId,
    Node,
    Not,
    Or,
    Phrase,
    Prefix,
    Size,
    Text,
    Word,
)

ZONE = datetime.timezone(datetime.timedelta(hours=2))
NOW = datetime.datetime(2004, 3, 31, 12, tzinfo=ZONE)
FOLDERS = {1: "Inbox", 2: "Projects", 3: "Projects/New house", 4: "Projekte (alt)", 5: "Inboxes"}
Person = tuple[str, str]


@dataclass(frozen=True)
class Mail:
    number: int
    subject: str
    from_: tuple[Person, ...]
    to: tuple[Person, ...]
    body: str
    date: datetime.datetime
    size: int = 1000
    cc: tuple[Person, ...] = ()
    names: tuple[str, ...] = ()
    attached_text: str = ""
    folders: tuple[int, ...] = (1,)
    message_id: str = ""

    def people(self, name: str) -> tuple[Person, ...]:
        return {"from": self.from_, "to": self.to, "cc": self.cc}[name]

    def values(self, name: str) -> list[str]:
        """The texts of a field; a phrase never crosses from one to the next."""
        match name:
            case "subject":
                return [self.subject]
            case "body":
                return [self.body]
            case "attachment":
                return [*self.names, self.attached_text]
            case "head":
                return [self.subject, *(v for f in ("from", "to", "cc") for v in self.values(f)), *self.names]
            case _:
                return [f"{shown} {address}" for shown, address in self.people(name)]


def day(text: str, hour: int = 12) -> datetime.datetime:
    return datetime.datetime.fromisoformat(text).replace(hour=hour, tzinfo=ZONE)


ALICE = ("Alice Größe", "alice@example.org")
BOB = ("Bob van Dyke", "bob.smith@mail.Example.org")
CAROL = ("", "carol@example.org.uk")
ALICIA = ("Alicia", "alicia@alice.net")
LIST = ("bob.smith@mail.example.org via Team", "team@lists.example.com")
YUKI = ("山田 雪", "yuki@bücher.de")

MAILS = (
    Mail(1, "Annual report", (ALICE,), (BOB,), "Please read the annual report before monday.", day("2004-01-31", 0)),
    Mail(
        2,
        "Re: Annual report",
        (BOB,),
        (ALICE,),
        "Read it. The report is fine, foo-bar and foo bar.",
        day("2004-01-31", 23),
    ),
    Mail(
        3,
        "Größe und Straße",
        (ALICE,),
        (CAROL,),
        "Die GROESSE ist gross, der Fußball heißt ballon.",
        day("2004-02-01", 0),
    ),
    Mail(
        4,
        "résumé",
        (CAROL,),
        (ALICE, BOB),
        "mon re\u0301sume\u0301 est attaché",
        day("2004-02-29"),
        1024,
        names=("Resume_2004.pdf",),
    ),
    Mail(
        5,
        "house",
        (ALICIA,),
        (ALICE,),
        "bar foo, a foobar and food",
        day("2003-12-31", 23),
        1025,
        cc=(BOB,),
        folders=(3,),
    ),
    Mail(
        6,
        "plans",
        (BOB,),
        (ALICIA,),
        "see attachment",
        day("2004-03-24"),
        5 << 20,
        names=("plan.txt",),
        attached_text="secret garden plan",
        folders=(2,),
    ),
    Mail(7, "", (LIST,), (), "", day("2004-03-31"), folders=(4,), message_id="A(1)@x.org"),
    Mail(
        8,
        "東京の天気",
        (YUKI,),
        (ALICE,),
        "明日の東京都は晴れです。한국어를 배워요 Привет мир",
        day("2004-03-30"),
        folders=(5, 1),
    ),
    Mail(
        9,
        "long",
        (ALICE,),
        (BOB,),
        "x" * 63 + " " + "y" * 64 + " end",
        day("2004-03-30", 23),
        1 << 30,
        message_id="<odd id>",
    ),
    Mail(
        10,
        "read report",
        (CAROL,),
        (CAROL,),
        "report read 12:30 http://example.org/foo?bar=1 don't R&D C++",
        day("1969-12-31"),
        0,
    ),
    Mail(
        11,
        "copy",
        (ALICE, BOB),
        (CAROL,),
        "annual annual report 3.14 a_b",
        day("2005-01-01", 0),
        cc=(CAROL, ALICIA),
        message_id="id-11@example.org",
    ),
    Mail(12, "İstanbul ΣΟΦΟΣ", (ALICIA,), (BOB,), "file ﬁle naïve coöperate Ærø", day("0001-01-01"), folders=(3, 2)),
)


def address_terms(people: tuple[Person, ...]) -> set[str]:
    """What the index keeps of addresses, as the contract with archive/store/index.py says."""
    terms = set()
    for _, written in people:
        address = written.lower()
        local, _, domain = address.rpartition("@")
        labels = domain.split(".")
        terms |= {address, f"{local}@"} | {"@" + ".".join(labels[at:]) for at in range(max(1, len(labels) - 1))}
    return terms


def build_schema() -> tantivy.Schema:
    builder = tantivy.SchemaBuilder()
    for name in ("rank", "number", "size"):
        builder.add_unsigned_field(name, indexed=True, fast=True)
    builder.add_integer_field("date", indexed=True, fast=True)
    for name in ("folder", "mailbox", "attached"):
        builder.add_unsigned_field(name, indexed=True)
    for name in ("subject", "from", "to", "cc", "head", "body", "attachment"):
        builder.add_text_field(name, tokenizer_name=ANALYZER, index_option="position")
    for name in ("address_from", "address_to", "address_cc", "msgid"):
        builder.add_text_field(name, tokenizer_name="raw", index_option="basic")
    return builder.build()


def document_of(mail: Mail) -> tantivy.Document:
    document = tantivy.Document()
    seconds = int((mail.date - datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)).total_seconds())
    document.add_unsigned("rank", max(0, seconds + 5_364_662_400) << 30 | mail.number)
    document.add_unsigned("number", mail.number)
    document.add_integer("date", seconds)
    document.add_unsigned("size", mail.size)
    document.add_unsigned("attached", int(bool(mail.names)))
    for folder in mail.folders:
        document.add_unsigned("folder", folder)
    for name in ("subject", "from", "to", "cc", "head", "body", "attachment"):
        for value in mail.values(name):
            document.add_text(name, prepare(value))
    for name in ("from", "to", "cc"):
        for term in address_terms(mail.people(name)):
            document.add_text(f"address_{name}", term)
    if mail.message_id:
        document.add_text("msgid", mail.message_id.strip("<>"))
    return document


def folder_numbers(path: str) -> list[int]:
    return [number for number, name in FOLDERS.items() if f"{name}/".startswith(f"{path}/")]


@dataclass
class Library:
    """The index of the mails above."""

    mails: tuple[Mail, ...] = MAILS
    schema: tantivy.Schema = field(default_factory=build_schema)

    def __post_init__(self) -> None:
        self.analyzer = build_analyzer()
        index = tantivy.Index(self.schema)
        index.register_tokenizer(ANALYZER, build_analyzer())
        writer = index.writer(15_000_000, 1)
        for mail in self.mails:
            writer.add_document(document_of(mail))
        writer.commit()
        index.reload()
        self.searcher = index.searcher()

    def find(self, node: Node) -> set[int]:
        """The numbers the index finds; its total must be their count."""
        query = compile_query(
            node, self.schema, self.analyzer.analyze, folder_numbers=folder_numbers, zone=ZONE, now=NOW
        )
        result = self.searcher.search(query, limit=1000, count=True, order_by_field="rank")
        numbers = self.searcher.fast_field_values("number", [address for _, address in result.hits])
        assert result.count == len(numbers)  # type: ignore[attr-defined]
        return {int(number) for number in numbers if number is not None}

    def count(self, query: tantivy.Query) -> int:
        return int(self.searcher.search(query).count)  # type: ignore[attr-defined]

    def read(self, node: Node) -> set[int]:
        """The numbers of the mails that match when every one is read."""
        return {mail.number for mail in self.mails if matches(mail, node, ("body", "head", "attachment"))}


def matches(mail: Mail, node: Node, fields: tuple[str, ...]) -> bool:
    match node:
        case All():
            return True
        case And(children):
            return all(matches(mail, child, fields) for child in children)
        case Or(children):
            return any(matches(mail, child, fields) for child in children)
        case Not(child):
            return not matches(mail, child, fields)
        case Field(name, child):
            return matches(mail, child, (name,))
        case Word() | Phrase() | Prefix():
            return _text_matches(mail, node, fields)
        case _:
            return _fact_matches(mail, node)


def _text_matches(mail: Mail, node: Text, fields: tuple[str, ...]) -> bool:
    name = fields[0]
    if name in ("from", "to", "cc") and not isinstance(node, Phrase) and {"@", "."} & set(node.text.strip(".")):
        return any(_address_matches(address.lower(), node) for _, address in mail.people(name))
    open_end = isinstance(node, Prefix) and node.text[-1].isalnum() and not "一" <= node.text[-1] <= "龥"
    asked = words_of(node.text)
    return any(_stand_in(words_of(value), asked, open_end) for name in fields for value in mail.values(name))


def _stand_in(words: list[str], asked: list[str], open_end: bool) -> bool:
    for at in range(len(words) - len(asked) + 1):
        here = words[at : at + len(asked)]
        if here[:-1] == asked[:-1] and (here[-1] == asked[-1] or (open_end and here[-1].startswith(asked[-1]))):
            return True
    return False


def _address_matches(address: str, node: Text) -> bool:
    asked = node.text.lower().strip("<>,;")
    local, _, domain = address.rpartition("@")
    if isinstance(node, Prefix):
        forms = [address, f"{local}@", *(f"@{above}" for above in _domains(domain))]
        return any(form.startswith((asked, f"@{asked}")) for form in forms)
    if "@" in asked.strip("@"):
        return address == asked
    if asked.endswith("@"):
        return local == asked[:-1]
    if asked.startswith("@"):
        return asked[1:] in _domains(domain)
    return asked == local or asked in _domains(domain)


def _domains(domain: str) -> list[str]:
    labels = domain.split(".")
    return [".".join(labels[at:]) for at in range(max(1, len(labels) - 1))]


def _fact_matches(mail: Mail, node: Node) -> bool:
    match node:
        case HasAttachment():
            return bool(mail.names)
        case MessageId(value):
            return bool(value) and mail.message_id.strip("<>") == value
        case InFolder(path):
            return any(FOLDERS[n] == path or FOLDERS[n].startswith(path + "/") for n in mail.folders)
        case Size(name, _, size_bytes):
            return mail.size > size_bytes if name == "larger" else mail.size < size_bytes
        case Days(name, text):
            days = days_of(text, NOW.date())
            assert days
            sent = mail.date.astimezone(ZONE).date()
            return {"before": sent < days[0], "after": sent > days[1], "on": days[0] <= sent <= days[1]}[name]
        case _:
            raise TypeError(node)
