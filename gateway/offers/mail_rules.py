"""Mail rules: the sentences of their events, and the clock that forgets what is over."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from accounts import sentences


def register() -> None:
    sentences.register(
        {
            "mailrules.activate": _("Mail rules put into use"),
            "mailrules.away": _("Out-of-office note changed"),
            "mailrules.create": _("Mail rules made"),
            "mailrules.deactivate": _("Mail rules no longer used"),
            "mailrules.delete": _("Mail rules deleted"),
            "mailrules.edit": _("Mail rules changed"),
            "mailrules.settings": _("Settings of mail rules changed"),
        }
    )
    sentences.register_fields(
        {
            "answers_outside": _("Answers others too"),
            "days": _("Again after days"),
            "ends_on": _("Until"),
            "folders": _("How folders are told"),
            "inside": _("Text for people of the domain"),
            "is_on": _("Answers"),
            "most_redirects": _("Sent on at most"),
            "outside": _("Text for others"),
            "script": _("Script"),
            "starts_on": _("From"),
            "text": _("Text"),
        }
    )
