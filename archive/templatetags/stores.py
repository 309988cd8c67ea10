"""Figures of the engine's reports in templates: `{% load stores %}` … `report.numbers|figures`."""

from __future__ import annotations

from collections.abc import Mapping

from django import template

from archive import store_wording

register = template.Library()


@register.filter
def figures(numbers: Mapping[str, int]) -> list[tuple[str, str]]:
    """(value, words) of each figure, sizes as sizes."""
    return store_wording.shown(numbers)
