"""Signature HTML: an allow-list of formatting, links and pictures; pictures of ours by their reference.

Cleaned when it is kept, and again after placeholders were filled in, so that a value can't become a link that runs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import nh3
from django.utils.translation import gettext as _

from domains.errors import Invalid
from gateway.signatures.filling import unknown_names

MOST_HTML, MOST_TEXT, MOST_PLACEHOLDERS = 100_000, 20_000, 500
_TAGS = {
    "a", "b", "blockquote", "br", "code", "div", "em", "h1", "h2", "h3", "hr", "i", "img", "li", "ol", "p", "pre", "s",
    "small", "span", "strong", "sub", "sup", "table", "tbody", "td", "th", "thead", "tr", "u", "ul",
}  # fmt: skip
_STYLES = {
    "color", "background-color", "font-family", "font-size", "font-style", "font-weight", "text-align",
    "text-decoration", "line-height", "vertical-align", "width", "height", "padding", "padding-left", "padding-right",
    "padding-top", "padding-bottom", "margin", "margin-top", "margin-bottom", "border", "border-left", "border-top",
    "border-collapse",
}  # fmt: skip
_ATTRIBUTES = {
    "*": {"style", "align"}, "a": {"href", "title"}, "img": {"src", "alt", "width", "height"},
    "td": {"colspan", "rowspan", "width", "valign"},
    "table": {"border", "cellpadding", "cellspacing", "width"},
}  # fmt: skip
OURS = re.compile(r"(src\s*=\s*[\"'])(?:https?://[^\"'/]{1,300})?/signatures/pictures/(\d{1,18})/", re.I)
_REFERENCE = re.compile(r"cid:picture-(\d{1,18})")
_FOREIGN_CID = re.compile(r"<img\b[^>]*\bsrc=\"cid:(?!picture-\d)[^>]*>", re.I)


def clean(html: str) -> str:
    """What can't run, watch or load anything but pictures of the web and ours."""
    return nh3.clean(
        html,
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        url_schemes={"http", "https", "mailto", "tel", "cid"},
        filter_style_properties=_STYLES,
        link_rel="noopener noreferrer",
    )


def checked_html(html: str, *, may_use: Iterable[int], placeholders: bool) -> str:
    """Cleaned, with pictures of the pages as references. may_use: ids of pictures. Raises: Invalid."""
    if len(html) > MOST_HTML or "\0" in html:
        raise Invalid(_("A signature has at most %(most)d characters.") % {"most": MOST_HTML}, field="html")
    cleaned = _FOREIGN_CID.sub("", clean(OURS.sub(r"\1cid:picture-\2", html))).strip()
    strange = sorted(pictures_in(cleaned) - set(may_use))
    if strange:
        raise Invalid(_("There is no picture %(number)s here.") % {"number": strange[0]}, field="html")
    if placeholders:
        _check_names(cleaned, "html")
    return cleaned


def checked_text(text: str, *, placeholders: bool) -> str:
    """The written text part. Raises: Invalid."""
    made = text.replace("\r\n", "\n").replace("\r", "\n").strip("\n")
    if len(made) > MOST_TEXT or "\0" in made:
        raise Invalid(_("At most %(limit)s characters.") % {"limit": MOST_TEXT}, field="text")
    if placeholders:
        _check_names(made, "text")
    return made


def _check_names(text: str, field: str) -> None:
    if text.count("{{") > MOST_PLACEHOLDERS:
        raise Invalid(_("At most %(most)d placeholders.") % {"most": MOST_PLACEHOLDERS}, field=field)
    unknown = unknown_names(text)
    if unknown:
        name = unknown[0].lstrip("?")
        raise Invalid(_("There is no placeholder “%(name)s”.") % {"name": name}, field=field)


def pictures_in(html: str) -> set[int]:
    return {int(number) for number in _REFERENCE.findall(html)}


def with_sources(html: str, sources: Mapping[int, str]) -> str:
    """References of pictures replaced by what shows them; one that is gone stays as it is."""
    return _REFERENCE.sub(lambda match: sources.get(int(match[1]), match[0]), html)
