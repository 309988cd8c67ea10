"""What the shell around every page needs: navigation, theme, language, running tasks. Lazy, so partials pay nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import cached_property
from django.utils.translation import get_language, get_language_info

from config.kit import banners, branding, nav, switching

THEMES = ("system", "light", "dark")
ROWS = ("compact", "normal", "comfortable")


@dataclass
class Shell:
    """Looked at by base.html as `shell`; every property is worked out at most once per request."""

    request: HttpRequest

    @cached_property
    def actor(self) -> nav.ActorLike | None:
        user = getattr(self.request, "user", None)
        if user is None or not user.is_authenticated:
            return None
        return getattr(self.request, "actor", None)

    @cached_property
    def frame(self) -> str:
        """Which frame a page that anybody may see (an error page) stands in."""
        return "base.html" if self.actor else "base_plain.html"

    @cached_property
    def brand(self) -> branding.Brand:
        """Whose service this page looks like."""
        return branding.of_request(self.request)

    @cached_property
    def items(self) -> list[nav.Item]:
        return list(nav.items_for(self.actor)) if self.actor else []

    @cached_property
    def sections(self) -> list[nav.Section]:
        return nav.sections_of(self.items)

    @cached_property
    def current(self) -> nav.Item | None:
        return nav.current(self.request, self.items)

    @cached_property
    def crumbs(self) -> list[switching.Crumb]:
        """The customer and domain this page is about, for the top bar."""
        return switching.crumbs_for(self.request) if self.actor else []

    @cached_property
    def shortcuts(self) -> list[nav.Item]:
        return [item for item in self.items if item.keys]

    @cached_property
    def running(self) -> int:
        return nav.running_for(self.actor) if self.actor else 0

    @cached_property
    def banners(self) -> list[banners.Banners]:
        """What this person must know, above every page."""
        return banners.banners_for(self.actor) if self.actor else []

    @cached_property
    def theme(self) -> str:
        chosen = getattr(getattr(self.request, "user", None), "theme", "") or self.request.COOKIES.get("theme", "")
        return chosen if chosen in THEMES else "system"

    @cached_property
    def rows(self) -> str:
        chosen = getattr(getattr(self.request, "user", None), "rows", "") or self.request.COOKIES.get("rows", "")
        return chosen if chosen in ROWS else "normal"

    @cached_property
    def language(self) -> str:
        return get_language() or settings.LANGUAGE_CODE

    @cached_property
    def languages(self) -> list[dict[str, Any]]:
        return [dict(get_language_info(code)) for code, _name in settings.LANGUAGES]


def shell(request: HttpRequest) -> dict[str, object]:
    """Context processor (settings.TEMPLATES)."""
    return {"shell": Shell(request)}
