"""What the apps register in the kit must lead somewhere. A new tab, action or place is checked without being told."""

from __future__ import annotations

import re

import heroicons
import pytest

from accounts.permissions import Right
from config.kit import bulk, finding, nav, switching, tabs
from config.kit.templatetags.kit import icon
from tests.browser.walk import routes

NAMES = {name for name, _pattern in routes()}


def test_every_tab_leads_to_a_page_and_asks_a_right_that_exists() -> None:
    for kind, found in tabs.kinds().items():
        for tab in found:
            assert tab.url_name in NAMES, (kind, tab)
            assert str(tab.label)
            assert tab.right is None or Right(tab.right)


def test_every_item_of_the_navigation_leads_to_a_page_and_has_its_icon() -> None:
    for item in nav._items:
        assert item.url_name in NAMES, item
        assert icon(item.icon)
        assert item.right is None or Right(item.right)


def test_every_bulk_action_has_a_verb_an_icon_and_a_right_that_exists() -> None:
    for list_name, action in bulk.registered():
        assert re.fullmatch(r"[a-z][a-z0-9-]*", action.name), (list_name, action.name)
        assert str(action.label)
        assert not action.icon or icon(action.icon)
        assert action.needs is None or Right(action.needs)


def test_every_place_and_kind_of_object_has_a_name() -> None:
    for _order, switcher in switching._switchers:
        assert re.fullmatch(r"[a-z-]+", switcher.name) and str(switcher.label)
    for provider in finding._providers:
        assert str(provider.kind) and icon(provider.icon)


def test_an_icon_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(heroicons.IconDoesNotExist):
        icon("no-such-icon")
