"""Filters and tags every template has (a builtin of the engine): numbers, sizes, times, icons, states.

They format; they never query and never decide.
"""

from __future__ import annotations

import datetime as dt
import functools
from html import escape
from typing import Any
from urllib.parse import urlencode

import heroicons
from django import template
from django.http import HttpRequest
from django.template.context import RequestContext
from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language, ngettext, pgettext
from django.utils.translation import gettext as _

register = template.Library()

_UNITS = ("KiB", "MiB", "GiB", "TiB", "PiB")

# Which of the five tones a state's dot has. The word always stands beside it.
_TONES = {
    "good": {"ok", "completed", "active", "normal", "current", "verified", "archived", "done", "running"},
    "busy": {"in_progress", "started"},
    "warn": {"warning", "interrupted", "cancel_requested", "degraded", "duplicate", "partial", "write_protected"},
    "bad": {"error", "failed", "damaged", "rejected", "expired"},
    "held": {"held", "legal", "locked"},
}


@register.filter
def number(value: Any) -> str:
    """1204 → "1,204" in the person's language; a list as its parts; what is no number is shown as it is."""
    if isinstance(value, list | tuple):
        return ", ".join(number(each) for each in value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "" if value is None else str(value)
    if isinstance(value, int):
        return _whole(value, get_language() or "")
    return number_format(round(value, 1), decimal_pos=1, force_grouping=True)


@functools.lru_cache(maxsize=4096)
def _whole(value: int, language: str) -> str:
    return number_format(value, decimal_pos=0, force_grouping=True)


def size_text(size_bytes: int) -> str:
    """A size a person can compare: three significant digits, binary units."""
    if size_bytes < 1024:
        return ngettext("%(count)s byte", "%(count)s bytes", size_bytes) % {"count": number(size_bytes)}
    power = 1
    while power < len(_UNITS) and size_bytes / 1024**power >= 1000:
        power += 1
    size = size_bytes / 1024**power
    places = 2 if size < 10 else 1 if size < 100 else 0
    return f"{number_format(round(size, places), decimal_pos=places, force_grouping=True)} {_UNITS[power - 1]}"


@register.filter
def filesize_exact(value: Any) -> str:
    """A size with the exact number of bytes on hover."""
    if value is None or value == "":
        return ""
    size = int(value)
    exact = ngettext("%(count)s byte", "%(count)s bytes", size) % {"count": number(size)}
    return format_html('<data class="size" value="{}" title="{}">{}</data>', size, exact, size_text(size))


@register.filter
def size(value: Any) -> str:
    """A size as plain text, for titles and attributes."""
    return "" if value is None or value == "" else size_text(int(value))


def _as_datetime(value: Any) -> dt.datetime:
    if isinstance(value, int | float):
        return dt.datetime.fromtimestamp(value, dt.UTC)
    if isinstance(value, str):
        value = dt.datetime.fromisoformat(value)
    if not isinstance(value, dt.datetime):
        value = dt.datetime.combine(value, dt.time())
    return value if timezone.is_aware(value) else timezone.make_aware(value, dt.UTC)


def exact_time(moment: dt.datetime) -> str:
    """Date, time to the second and zone."""
    local = timezone.localtime(moment)
    return f"{_day_in(local.date(), True, get_language() or '')}, {local:%H:%M:%S %Z}"


def relative_time(moment: dt.datetime, now: dt.datetime) -> str:
    """ "3 minutes ago" within a day; then the day, with the year only where it is another one."""
    seconds = int((now - moment).total_seconds())
    if not -86_400 < seconds < 86_400:
        return day_text(moment, now)
    language = get_language() or ""
    if seconds < 0:
        minutes, hours = max(1, round(-seconds / 60)), round(-seconds / 3600)
        return _until(minutes, 0, language) if seconds > -3600 else _until(0, hours, language)
    if seconds < 45:
        return _("just now")
    return _since(max(1, round(seconds / 60)), 0, language) if seconds < 3600 else _since(0, seconds // 3600, language)


# The rows of a list have few different days and times, and both Django's formatting and gettext are slow.


@functools.lru_cache(maxsize=1024)
def _since(minutes: int, hours: int, language: str) -> str:
    if minutes:
        return ngettext("%(count)d minute ago", "%(count)d minutes ago", minutes) % {"count": minutes}
    return ngettext("%(count)d hour ago", "%(count)d hours ago", hours) % {"count": hours}


@functools.lru_cache(maxsize=1024)
def _until(minutes: int, hours: int, language: str) -> str:
    if minutes:
        return ngettext("in %(count)d minute", "in %(count)d minutes", minutes) % {"count": minutes}
    return ngettext("in %(count)d hour", "in %(count)d hours", hours) % {"count": hours}


@functools.lru_cache(maxsize=4096)
def _day_in(day: dt.date, with_year: bool, language: str) -> str:
    if with_year:
        return date_format(day, pgettext("date format: day, month and year, as Django's date filter", "j M Y"))
    return date_format(day, pgettext("date format: day and month, as Django's date filter", "j M"))


def day_text(moment: dt.datetime, now: dt.datetime) -> str:
    local = timezone.localtime(moment)
    return _day_in(local.date(), local.year != timezone.localtime(now).year, get_language() or "")


@register.simple_tag(takes_context=True)
def nav_here(context: Any) -> Any:
    """The item of the navigation under which a page stands: where its first crumb leads, else what its name says.

    Pages about one thing that other apps have (rights on a domain, its options) stand under that thing's list.
    """
    shell = context["shell"]
    home = next((url for _label, url in getattr(context.get("object"), "crumbs", ())), "")
    items = [item for section in shell.sections for item in section.items] if home else []
    return next((item for item in items if item.url == home), shell.current)


@register.filter
def day(value: Any) -> str:
    """A date in words, with its year: 3 May 2026."""
    if value is None or value == "":
        return ""
    return _day_in(timezone.localtime(_as_datetime(value)).date(), True, get_language() or "")


@register.filter
def ago(value: Any) -> str:
    """A moment as people say it, the exact one on hover. Takes datetime, epoch seconds or ISO text."""
    if value is None or value == "":
        return ""
    moment = _as_datetime(value)
    title, words = escape(exact_time(moment)), escape(relative_time(moment, timezone.now()))
    return SafeString(f'<time datetime="{moment.isoformat()}" title="{title}">{words}</time>')


@register.filter
def exact(value: Any) -> str:
    """A moment in full."""
    if value is None or value == "":
        return ""
    moment = _as_datetime(value)
    return format_html('<time datetime="{}">{}</time>', moment.isoformat(), exact_time(moment))


@register.filter
def exact_text(value: Any) -> str:
    """A moment in full, without markup: for mails in plain text."""
    return "" if value is None or value == "" else exact_time(_as_datetime(value))


@register.filter
def duration(value: Any) -> str:
    """Seconds as "2 min 5 s"; two units at most."""
    if value is None or value == "":
        return ""
    seconds = value.total_seconds() if isinstance(value, dt.timedelta) else float(value)
    if seconds < 10:
        return _("%(count)s s") % {"count": number_format(round(seconds, 1), decimal_pos=1)}
    whole = int(seconds)
    if whole < 60:
        return _("%(count)s s") % {"count": whole}
    if whole < 3600:
        return _("%(minutes)d min %(seconds)d s") % {"minutes": whole // 60, "seconds": whole % 60}
    return _("%(hours)d h %(minutes)d min") % {"hours": whole // 3600, "minutes": whole % 3600 // 60}


# Signs that an outline of 16 px would make too thin; beside text of 13 px everything else is an outline of 18 px.
_STROKES = frozenset(
    {"chevron-left", "chevron-right", "chevron-down", "chevron-up", "x-mark", "plus", "check"}
    | {"arrow-left", "arrow-right", "arrow-up", "arrow-down"}
)


@functools.lru_cache(maxsize=512)
def _icon(name: str, size_px: int, css: str) -> SafeString:
    attributes: dict[str, object] = {"aria_hidden": "true", "focusable": "false", "class": f"icon {css}".strip()}
    is_small = size_px <= 16
    style = "micro" if is_small and name in _STROKES else "outline"
    size_px = 18 if is_small and style == "outline" else size_px
    return mark_safe(heroicons._render_icon(style, name, size_px, attributes))  # noqa: S308 - the wheel's own SVG


@register.simple_tag
def icon(name: str, size: int = 20, css: str = "") -> str:
    """A heroicon; decoration beside a word, so it is hidden from screen readers."""
    return _icon(str(name), size, str(css))


@register.filter
def tone(state: Any) -> str:
    """The colour family of a state's dot: good, busy, warn, bad, held or none."""
    word = str(state).lower()
    return next((tone for tone, states in _TONES.items() if word in states), "none")


@register.filter
def state_label(state: Any) -> str:
    """The word for a state that came without one."""
    words = {
        "waiting": _("Waiting"),
        "in_progress": _("In progress"),
        "cancel_requested": _("Stopping"),
        "cancelled": _("Cancelled"),
        "completed": _("Completed"),
        "failed": _("Failed"),
        "interrupted": _("Interrupted"),
        "ok": _("OK"),
        "warning": _("Warning"),
        "error": _("Error"),
        "current": _("Current"),
        "normal": _("Normal"),
        "write_protected": _("Write-protected"),
        "disabled": _("Disabled"),
        "active": _("Active"),
        "archived": _("Archived"),
        "duplicate": _("Duplicate"),
        "rejected": _("Rejected"),
    }
    return words.get(str(state).lower()) or str(state).replace("_", " ").capitalize()


@functools.lru_cache(maxsize=512)
def _state(tone_name: str, label: str) -> SafeString:
    dot = '<i class="state__dot" aria-hidden="true"></i>'
    return format_html('<span class="state state--{}">{}{}</span>', tone_name, mark_safe(dot), label)  # noqa: S308


def state_html(state: str, label: str = "", tone_name: str = "") -> SafeString:
    """components/state.html without the template engine: a list has fifty of them."""
    return _state(tone_name or tone(state), label or state_label(state))


@register.filter
def percent(done: Any, total: Any) -> int:
    """Whole percent, never 100 before it is all done."""
    if not total or not isinstance(done, int | float):
        return 0
    return int(min(100, done * 100 // total))


@register.filter
def words(value: Any) -> str:
    """The name of a command's argument or result as people say it: snake_case → "Snake case"."""
    known = {
        "user": _("User"),
        "paths": _("Paths"),
        "upload": _("Upload"),
        "folder": _("Folder"),
        "store": _("Store"),
        "mbox": _("Kind of mbox"),
        "query": _("Query"),
        "format": _("Format"),
        "destination": _("Destination"),
        "seconds": _("Seconds"),
        "bytes": _("Bytes"),
        "source": _("In the source"),
        "purged": _("Removed"),
        "older_than_days": _("Older than (days)"),
    }
    return known.get(str(value)) or str(value).replace("_", " ").strip().capitalize()


@register.simple_tag(takes_context=True)
def query(context: RequestContext, **changes: Any) -> str:
    """This page's query string with some values changed ("" or None removes); for filter, sort and tab links."""
    request: HttpRequest | None = context.get("request")
    pairs: list[tuple[str, str]] = []
    if request is not None:
        pairs = [(key, value) for key, values in request.GET.lists() if key not in changes for value in values]
    pairs += [(key, str(value)) for key, value in changes.items() if value not in (None, "")]
    return "?" + urlencode(pairs)


@register.filter
def item(mapping: Any, key: str) -> Any:
    """mapping[key] for keys the template language can't spell, None where it is missing."""
    return mapping.get(key) if hasattr(mapping, "get") else None


@register.filter
def unlocalize_int(value: Any) -> str:
    """An integer for an attribute: digits only, whatever the language."""
    return str(int(value))


def _amount(value: int, unit: str) -> str:
    return size_text(value) if unit == "bytes" else number(value)


@register.filter
def progress_amount(progress: dict[str, Any]) -> str:
    """ "12,000 of 28,032 messages", "1.2 GiB of 4 GiB"."""
    unit, done, total = progress.get("unit", ""), int(progress.get("done") or 0), progress.get("total")
    if unit == "bytes":
        values = {"done": size_text(done), "total": size_text(int(total or 0))}
        return _("%(done)s of %(total)s") % values if total else values["done"]
    values = {"done": number(done), "total": number(int(total or 0)), "unit": unit_label(unit, int(total or done))}
    return _("%(done)s of %(total)s %(unit)s") % values if total else _("%(done)s %(unit)s") % values


@register.filter
def progress_rate(progress: dict[str, Any]) -> str:
    rate, unit = float(progress.get("rate") or 0), progress.get("unit", "")
    if unit == "bytes":
        return _("%(rate)s per second") % {"rate": size_text(int(rate))}
    return _("%(rate)s per second") % {"rate": number(round(rate) if rate >= 10 else rate)}


def unit_label(unit: str, count: int) -> str:
    """The name of what a task counts."""
    if unit == "messages":
        return ngettext("message", "messages", count)
    if unit == "files":
        return ngettext("file", "files", count)
    return _(unit) if unit else ""


@register.filter
def duration_rough(value: Any) -> str:
    """Time left: nobody needs tenths of a second of a guess."""
    return duration(max(10, round(float(value)))) if float(value) >= 10 else _("a few seconds")


@register.filter
def counter_label(name: Any) -> str:
    """The word for a task's counter."""
    known = {
        "archived": _("Archived"),
        "duplicates": _("Duplicates"),
        "rejected": _("Rejected"),
        "indexed": _("Indexed"),
        "altered": _("Altered"),
        "exported": _("Exported"),
        "messages": _("Messages"),
        "bytes": _("Bytes"),
        "errors": _("Errors"),
        "skipped": _("Skipped"),
        "checked": _("Checked"),
        "damaged": _("Damaged"),
    }
    return known.get(str(name)) or words(name)
