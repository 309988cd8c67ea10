"""Attachment rules: the first that fits decides, names that hide don't hide."""

from __future__ import annotations

import pytest

from domains.policy.attachments import AttachmentIndex, AttachmentRule, Check, attachment_problems, visible
from domains.policy.facts import ArchiveEntry, Attachment, Where
from domains.policy.patterns import PatternMode
from domains.policy.reasons import Code
from tests.domains.policy.builders import deny, file, permit

EXE = deny(r"\.exe$")


def denied(attachment: Attachment, *rules: AttachmentRule) -> bool:
    matches = AttachmentIndex(rules).judge([attachment])
    return any(match.why.code is Code.ATTACHMENT_DENIED for match in matches)


@pytest.mark.parametrize(
    ("name", "hit"),
    [
        ("setup.exe", True),
        ("SETUP.EXE", True),
        ("setup.exe.txt", False),
        ("setup.exe.", True),  # Windows drops dots and spaces at the end
        ("setup.exe ", True),
        ("setup\u202etxt.exe", True),
        ("setup.e\u200bxe", True),
        ("setup.ｅｘｅ", True),  # full width
        ("setup.ex\u0000e", True),
        ("report.pdf", False),
    ],
)
def test_a_name_is_compared_as_it_is_and_as_it_looks(name: str, hit: bool) -> None:
    assert denied(file(name), EXE) is hit


def test_every_name_the_message_gives_counts_against_it() -> None:
    assert denied(file("report.pdf", "setup.exe"), EXE)


def test_an_allow_before_a_deny_is_an_exception() -> None:
    exception = permit("^setup", priority=1)
    everything = deny(r"\.exe$", priority=2)
    assert not denied(file("setup.exe"), exception, everything)
    assert denied(file("other.exe"), exception, everything)
    assert denied(file("setup.exe"), permit("^setup", priority=3), everything)


def test_an_allow_must_fit_all_the_names_of_a_file() -> None:
    assert denied(file("report.pdf", "setup.exe"), permit("pdf$", priority=0), EXE)


def test_with_the_same_priority_the_smaller_id_is_asked_first() -> None:
    assert denied(file("a.exe"), deny("exe", id=1), permit("exe", id=2))
    assert not denied(file("a.exe"), deny("exe", id=2), permit("exe", id=1))
    assert not denied(file("a.exe"), deny("exe", id=10), permit("exe", id=9))


def test_names_and_types_of_one_file_are_one_question() -> None:
    rules = (permit("^tool", priority=1), deny("dosexec", Check.CONTENT_TYPE, id=5, priority=2))
    disguised = Attachment(("picture.png",), content_type="application/x-dosexec", declared_type="image/png")
    assert denied(disguised, *rules)
    assert not denied(Attachment(("tool.png",), content_type="application/x-dosexec"), *rules)


def test_an_allowed_type_must_be_both_what_it_is_and_what_it_is_called() -> None:
    rules = (permit("^image/", Check.CONTENT_TYPE, priority=1), deny(".*", id=9, priority=2))
    assert not denied(Attachment(("a",), content_type="image/png", declared_type="image/png"), *rules)
    assert denied(Attachment(("a",), content_type="application/x-dosexec", declared_type="image/png"), *rules)


def test_files_inside_archives_have_rules_of_their_own() -> None:
    archive = file("a.zip", entries=(ArchiveEntry("docs/setup.exe", "application/x-dosexec"),))
    assert not denied(archive, EXE)
    assert denied(archive, deny(r"\.exe$", Check.ARCHIVE_FILENAME))
    assert denied(archive, deny("^setup", Check.ARCHIVE_FILENAME))
    assert denied(archive, deny("^docs/", Check.ARCHIVE_FILENAME))
    assert denied(archive, deny("dosexec", Check.ARCHIVE_CONTENT_TYPE))
    assert denied(file("a.zip", entries=(ArchiveEntry("docs\\setup.exe"),)), deny("^setup", Check.ARCHIVE_FILENAME))


def test_allowing_an_archive_does_not_allow_what_is_inside() -> None:
    archive = file("a.zip", entries=(ArchiveEntry("x/setup.exe"),))
    rules = (permit("zip$", priority=0), deny(r"\.exe$", Check.ARCHIVE_FILENAME, id=7))
    [found] = [m for m in AttachmentIndex(rules).judge([archive]) if m.why.code is Code.ATTACHMENT_DENIED]
    assert (found.rule_id, found.where, found.piece) == (7, Where.ARCHIVE_NAME, "x/setup.exe")
    assert not denied(archive, *rules, permit("^setup", Check.ARCHIVE_FILENAME, id=8, priority=0))


def test_wildcards_and_plain_text_are_no_expressions() -> None:
    assert denied(file("setup.exe"), deny("*.exe", mode=PatternMode.WILDCARD))
    assert not denied(file("setupXexe"), deny(".exe", mode=PatternMode.TEXT))


def test_forbidden_files_are_told_first() -> None:
    matches = AttachmentIndex([permit("pdf$"), EXE]).judge([file("a.pdf"), file("b.exe")])
    assert [match.piece for match in matches] == ["b.exe", "a.pdf"]


def test_what_was_found_names_the_file_in_short() -> None:
    [match] = AttachmentIndex([EXE]).judge([file("x" * 300 + ".exe")])
    assert len(match.piece) == 80
    assert str(match.why) == f"The attachment “{'x' * 79}…” is forbidden."


def test_a_bad_expression_is_a_problem_with_its_place() -> None:
    [(field, said)] = attachment_problems(deny("a("))
    assert (field, str(said)) == ("filter", "Character 2: this ( is never closed.")
    assert [field for field, _ in attachment_problems(deny("a", priority=-1))] == ["priority"]
    assert [field for field, _ in attachment_problems(deny("a", mode=PatternMode.DOMAIN))] == ["mode"]
    assert attachment_problems(deny("*.exe", mode=PatternMode.WILDCARD)) == []


def test_a_name_looks_like_what_a_person_sees() -> None:
    assert visible("a\u202eb.ｅｘｅ. .") == "ab.exe"
