"""Mail rules: the sentences of their events, and the clock that forgets what is over."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from accounts import sentences
from accounts.permissions import Right
from config.kit import nav, tabs

_PAGES = (
    "gateway:mailrule-create", "gateway:mailrule-edit", "gateway:mailscript-create", "gateway:mailscript-edit",
    "gateway:mailrules-settings", "gateway:mailrules-try",
)  # fmt: skip


def register() -> None:
    nav.register(
        "account", _("Mail rules"), "gateway:own-mailrules", "funnel", order=42,
        words=_("sieve filter folder forward sort"),
    )  # fmt: skip
    nav.register(
        "account", _("Out of office"), "gateway:own-away", "paper-airplane", order=43,
        words=_("vacation holiday answer automatic reply away"),
    )  # fmt: skip
    nav.register(
        "gateway", _("Mail rules"), "gateway:server-mailrules", "funnel", right=Right.MANAGE_GATEWAY, order=25,
        words=_("sieve filter redirect"),
    )  # fmt: skip
    tabs.register(
        "domain",
        _("Mail rules"),
        "gateway:mailrules",
        right=Right.VIEW_POLICIES,
        order=55,
        args=_of_domain,
        under=_PAGES,
    )
    tabs.register(
        "user", _("Mail rules"), "gateway:mailrules", right=Right.VIEW_POLICIES, order=43, args=_of_mailbox,
        under=(*_PAGES, "gateway:away"),
    )  # fmt: skip
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


def _of_domain(domain: Any) -> tuple[object, ...]:
    return (f"domain-{domain.pk}",)


def _of_mailbox(mailbox: Any) -> tuple[object, ...]:
    return (f"user-{mailbox.pk}",)
