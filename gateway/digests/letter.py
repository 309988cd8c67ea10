"""A digest as a letter, HTML and plain text, in the look of the status report; or as a page, for the preview.

In the present language and time zone. Not for what it tells (`items`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from accounts import links
from config.kit.branding import PLAIN, Brand
from config.kit.mailing import Letter
from gateway.digests.items import Item
from jobs.reports.blocks import Tone
from jobs.reports.palette import DARK, DRAWN, LIGHT

HTML, TEXT = "gateway/digest/mail.html", "gateway/digest/mail.txt"
_TONES = {"good": Tone.GOOD, "warn": Tone.WARN, "bad": Tone.BAD}


@dataclass(frozen=True, slots=True)
class Around:
    """What surrounds the list. often: in words; link_days: how long its links work; is_example: of nobody's mail."""

    address: str
    count: int
    link_days: int
    often: str = ""
    brand: Brand = PLAIN
    is_example: bool = False

    @property
    def title(self) -> str:
        """How many there are, and where."""
        text = ngettext("%(count)d new message in quarantine", "%(count)d new messages in quarantine", self.count)
        return text % {"count": self.count}


def as_letter(items: Sequence[Item], around: Around) -> Letter:
    """For a mail."""
    context = _context(items, around)
    return Letter(
        f"{_('Example')}: {around.title}" if around.is_example else around.title,
        render_to_string(TEXT, context).strip() + "\n",
        render_to_string(HTML, context),
    )


def as_page(items: Sequence[Item], around: Around) -> str:
    """For a browser: the same document."""
    return render_to_string(HTML, {**_context(items, around), "in_page": True})


def _context(items: Sequence[Item], around: Around) -> dict[str, Any]:
    home = links.public_url()
    return {
        "items": [(item, _TONES.get(item.tone, Tone.NONE)) for item in items],
        "around": around,
        "more": around.count - len(items),
        "home": home,
        "host": urlsplit(home).hostname,
        "list_url": home + reverse("gateway:own-list"),
        "settings_url": home + reverse("gateway:own-digest"),
        "language": get_language() or "en",
        "accent": f"#{around.brand.colour}" if around.brand.colour else DRAWN[Tone.NONE],
        "light": LIGHT,
        "dark": DARK,
        "drawn": DRAWN,
    }
