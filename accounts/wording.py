"""Sentences that more than one page of this app says."""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import ngettext


def wait_text(retry_after_s: int) -> str:
    """Why an attempt wasn't looked at, and when the next one is."""
    if retry_after_s < 60:
        when = ngettext("%(count)d second", "%(count)d seconds", retry_after_s) % {"count": retry_after_s}
    else:
        minutes = -(-retry_after_s // 60)
        when = ngettext("%(count)d minute", "%(count)d minutes", minutes) % {"count": minutes}
    return _("Too many attempts. Wait %(when)s and try again.") % {"when": when}
