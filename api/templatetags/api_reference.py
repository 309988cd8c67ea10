"""The little markup that the operations' documentation uses: `code` and **strong**. Everything else is text."""

from __future__ import annotations

import re

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

register = template.Library()
_MARK = re.compile(r"`([^`]+)`|\*\*([^*]+)\*\*")


@register.filter
def marked_up(text: str) -> SafeString:
    """The text as HTML, escaped, with its code and its strong words."""
    parts: list[tuple[SafeString | str]] = []
    end = 0
    for match in _MARK.finditer(text):
        code, strong = match.groups()
        parts.append((text[end : match.start()],))
        parts.append((format_html("<code>{}</code>", code) if code else format_html("<strong>{}</strong>", strong),))
        end = match.end()
    parts.append((text[end:],))
    return format_html_join("", "{}", parts)
