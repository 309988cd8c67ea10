"""A state's dot with a word of one's own, and the page of a rule."""

from __future__ import annotations

from typing import Any

from django import template
from django.utils.safestring import SafeString

from config.kit.templatetags.kit import state_html
from domains.tables.rules import url_of
from gateway.wording import REMEDIED

register = template.Library()


@register.simple_tag
def state_dot(state: Any, label: Any = "", tone: str = "") -> SafeString:
    """components/state.html with the label and tone that the page knows."""
    return state_html(str(state), str(label), tone)


@register.simple_tag
def rule_url(row: Any) -> str:
    """Where a rule stands."""
    return url_of(row)


@register.simple_tag
def remedied(outcome: str) -> str:
    """What came of taking a message out of a mailbox, in words."""
    return str(REMEDIED.get(outcome, outcome))
