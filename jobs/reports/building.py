"""A report is built by asking every section, in the present language and for one person."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.permissions import Right
from config.kit.templatetags.kit import number
from jobs.reports.blocks import Content, Figure, Notice, Tone
from jobs.reports.periods import Period
from jobs.reports.registry import Asked, Section, sections

logger = logging.getLogger("postkeep.reports")

MOST_FIGURES = 4
_WORST_FIRST = (Tone.BAD, Tone.WARN, Tone.HELD, Tone.NONE, Tone.GOOD)


@dataclass(frozen=True, slots=True)
class BuiltSection:
    """What a section said; None when it failed, which the log explains."""

    name: str
    title: str
    content: Content | None


@dataclass(frozen=True, slots=True)
class Report:
    """A whole report: everything in words already."""

    period: Period
    sections: Sequence[BuiltSection]

    @property
    def notices(self) -> list[Notice]:
        """What wants attention, worst first."""
        found = [notice for each in self.sections if each.content for notice in each.content.notices]
        return sorted(found, key=lambda notice: _WORST_FIRST.index(notice.tone))

    @property
    def headline(self) -> list[Figure]:
        """The key figures, the sections' in their order."""
        found = [figure for each in self.sections if each.content for figure in each.content.headline]
        return found[:MOST_FIGURES]

    @property
    def tone(self) -> Tone:
        return self.notices[0].tone if self.notices else Tone.GOOD

    @property
    def verdict(self) -> str:
        """In a few words, how things are."""
        count = len(self.notices)
        if not count:
            return _("All is well")
        text = ngettext("%(count)s thing wants attention", "%(count)s things want attention", count)
        return text % {"count": number(count)}

    @property
    def subject(self) -> str:
        said = {"period": _begun_small(str(self.period.timespan.label)), "verdict": self.verdict}
        return _("Status report, %(period)s: %(verdict)s") % said


def _begun_small(words: str) -> str:
    """Inside a sentence; German nouns keep their capitals."""
    return words[:1].lower() + words[1:]


def build(asked: Asked) -> Report:
    """Ask every section. Raises: Forbidden for who may see reports nowhere."""
    asked.actor.require_somewhere(Right.VIEW_REPORTS)
    found = [_load(section, asked) for section in sections()]
    return Report(asked.period, [each for each in found if each is not None])


def _load(section: Section, asked: Asked) -> BuiltSection | None:
    try:
        with transaction.atomic():  # a query that fails must not take the other sections with it
            content = section.load(asked)
    except Exception:
        logger.exception("the section %s of a report failed", section.name)
        return BuiltSection(section.name, str(section.title), None)
    return None if content is None else BuiltSection(section.name, str(section.title), content)
