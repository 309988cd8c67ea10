"""The compiler of translations agrees with gettext's own reader."""

from __future__ import annotations

import gettext
from pathlib import Path

import pytest

from config import translations

SAMPLE = r"""# a comment
msgid ""
msgstr ""
"Content-Type: text/plain; charset=UTF-8\n"
"Plural-Forms: nplurals=2; plural=(n != 1);\n"

#: some/file.py
msgid "Search"
msgstr "Suche"

msgctxt "a person"
msgid "Search"
msgstr "Durchsuchung"

msgid "%(count)d message"
msgid_plural "%(count)d messages"
msgstr[0] "%(count)d Nachricht"
msgstr[1] "%(count)d Nachrichten"

msgid ""
"two "
"lines\n"
msgstr ""
"zwei „Zeilen“\n"
"\"ja\"\t"

#, fuzzy
msgid "doubtful"
msgstr "zweifelhaft"

msgid "empty"
msgstr ""

#~ msgid "old"
#~ msgstr "alt"
"""


@pytest.fixture
def german(tmp_path: Path) -> gettext.GNUTranslations:
    folder = tmp_path / "de" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    (folder / "django.po").write_text(SAMPLE, "utf-8")
    [target] = translations.compile_all(tmp_path)
    assert translations.compile_all(tmp_path) == []
    with target.open("rb") as file:
        return gettext.GNUTranslations(file)


def test_words_contexts_plurals_and_long_texts_are_found(german: gettext.GNUTranslations) -> None:
    assert german.gettext("Search") == "Suche"
    assert german.pgettext("a person", "Search") == "Durchsuchung"
    assert german.ngettext("%(count)d message", "%(count)d messages", 1) == "%(count)d Nachricht"
    assert german.ngettext("%(count)d message", "%(count)d messages", 5) == "%(count)d Nachrichten"
    assert german.gettext("two lines\n") == 'zwei „Zeilen“\n"ja"\t'


def test_doubtful_empty_and_old_ones_show_the_original(german: gettext.GNUTranslations) -> None:
    assert [german.gettext(word) for word in ("doubtful", "empty", "old")] == ["doubtful", "empty", "old"]


def test_a_broken_file_is_named_with_its_line(tmp_path: Path) -> None:
    source = tmp_path / "django.po"
    source.write_text('msgid "open\n')
    with pytest.raises(translations.BadTranslation, match=r"django\.po:1"):
        translations.compile_file(source)
