"""German says everything that English says, four more languages what end users read; placeholders come along."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from pathlib import Path

import pytest
from django.conf import settings

from accounts.models import User
from config import messages

GERMAN = messages.catalogue_of("de")
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%[sd]|</?\w+[^>]*>")


@pytest.fixture(scope="module")
def collected() -> list[messages.Message]:
    return messages.collect()


def test_every_text_people_see_is_said_in_german(collected: list[messages.Message]) -> None:
    lacking = messages.missing(GERMAN, collected)
    assert not lacking, "\n" + "\n".join(f"{m.singular!r} ({', '.join(m.places)})" for m in lacking)


@pytest.mark.parametrize("language", messages.PARTIAL)
def test_every_text_end_users_read_is_said_in(language: str, collected: list[messages.Message]) -> None:
    lacking = messages.missing(messages.catalogue_of(language), messages.said_in(language, collected))
    assert not lacking, "\n" + "\n".join(f"{m.singular!r} ({', '.join(m.places)})" for m in lacking)


def test_every_place_and_text_named_for_end_users_exists(collected: list[messages.Message]) -> None:
    assert {message.singular for message in collected} >= messages.END_USER_TEXTS
    files = {path.relative_to(messages.ROOT).as_posix() for path in messages.sources(messages.ROOT)}
    assert [each for each in messages.END_USER if not any(fnmatchcase(file, each) for file in files)] == []


def test_every_language_that_can_be_chosen_has_its_texts() -> None:
    spoken = {code for code, _name in settings.LANGUAGES}
    assert spoken == {"en", "de", *messages.PARTIAL} == {choice for choice in User.Language.values if choice}


@pytest.mark.parametrize("language", ["de", *messages.PARTIAL])
def test_translations_carry_the_placeholders_and_tags_of_their_originals(
    language: str, collected: list[messages.Message]
) -> None:
    done = messages.read_po(messages.catalogue_of(language))
    for message in messages.said_in(language, collected):
        allowed = set(PLACEHOLDER.findall(message.singular + message.plural))
        for form in done.get(message.key, []):
            assert set(PLACEHOLDER.findall(form)) <= allowed, form
        needed = set(PLACEHOLDER.findall(message.plural or message.singular))
        assert needed <= set(PLACEHOLDER.findall(done[message.key][-1])), message.singular


def test_the_collector_finds_every_kind_of_call_and_tag(tmp_path: Path) -> None:
    (tmp_path / "templates").mkdir()
    (tmp_path / "accounts").mkdir()
    (tmp_path / "accounts" / "x.py").write_text(
        "_('one'); gettext_lazy('two')\nngettext('%(n)s a', '%(n)s b', n); pgettext('where', 'three'); _(name)\n"
    )
    (tmp_path / "templates" / "x.html").write_text(
        "{% translate 'four' %}{% translate \"it's\" context 'ctx' %}"
        "{% blocktranslate count n=x with y=z %}{{ n }} (of {{ y }}){% plural %}{{ n }} many{% endblocktranslate %}"
        "{% include 'y.html' with text=_('five') %}{{ x|default:_('six') }}"
    )
    found = {(m.context, m.singular, m.plural) for m in messages.collect(tmp_path)}
    assert found == {
        ("", "one", ""),
        ("", "two", ""),
        ("", "%(n)s a", "%(n)s b"),
        ("where", "three", ""),
        ("", "four", ""),
        ("ctx", "it's", ""),
        ("", "five", ""),
        ("", "six", ""),
        ("", "%(n)s (of %(y)s)", "%(n)s many"),
    }


def test_writing_a_file_of_translations_and_reading_it_gives_the_same(tmp_path: Path) -> None:
    path = tmp_path / "django.po"
    texts = [
        messages.Message("", 'say "hi"\n\tand \\ go', "", ["a.py"]),
        messages.Message("c", "%(n)s x", "%(n)s xs", ["b.py", "c.py"]),
    ]
    done = {("", ""): ["Language: de\n"], texts[0].key: ['sag "hi"\n'], texts[1].key: ["%(n)s y", "%(n)s ys"]}
    messages.write_po(path, texts, done)
    assert messages.read_po(path) == done
    assert messages.missing(path, texts) == []
