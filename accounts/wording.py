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


def action_text(action: str) -> str:
    """What an audit event says to people; one without a sentence is shown by its name."""
    sentences = {
        "user.create": _("Made"),
        "user.make_administrator": _("Made an administrator"),
        "user.invitation_link": _("Invitation link made"),
        "user.reset_link": _("Link for a new password made"),
        "user.set_password": _("Password set"),
        "user.set_preferences": _("Preferences changed"),
        "user.disable": _("Shut out"),
        "user.enable": _("Let in again"),
        "user.sign_in": _("Signed in"),
        "user.sign_out": _("Signed out"),
    }
    return sentences.get(action, action)
