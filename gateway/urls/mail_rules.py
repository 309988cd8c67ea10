"""Addresses of mail rules. A place is one word: own, server, domain-5, user-7."""

from __future__ import annotations

from django.urls import path, register_converter

from gateway.selectors.mail_rules import WORD
from gateway.views import mail_rules as views
from gateway.views import rule_pages


class PlaceConverter:
    """Whose rules."""

    regex = WORD

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(PlaceConverter, "ruleplace")

patterns = [
    # what stands in the navigation has an address without arguments
    path("mail-rules/own/", views.own_mailrules, name="own-mailrules"),
    path("mail-rules/server/", views.mailrules, {"place": "server"}, name="server-mailrules"),
    path("mail-rules/own/away/", rule_pages.own_away, name="own-away"),
    path("mail-rules/<ruleplace:place>/", views.mailrules, name="mailrules"),
    path("mail-rules/<ruleplace:place>/rules/new/", views.mailrule_create, name="mailrule-create"),
    path("mail-rules/<ruleplace:place>/rules/<int:number>/", views.mailrule_edit, name="mailrule-edit"),
    path("mail-rules/<ruleplace:place>/rules/<int:number>/delete/", views.mailrule_delete, name="mailrule-delete"),
    path("mail-rules/<ruleplace:place>/scripts/new/", views.mailscript_create, name="mailscript-create"),
    path("mail-rules/<ruleplace:place>/scripts/<int:script_id>/", views.mailscript_edit, name="mailscript-edit"),
    path("mail-rules/<ruleplace:place>/scripts/<int:script_id>/use/", views.mailscript_use, name="mailscript-use"),
    path(
        "mail-rules/<ruleplace:place>/scripts/<int:script_id>/delete/",
        views.mailscript_delete,
        name="mailscript-delete",
    ),
    path("mail-rules/<ruleplace:place>/settings/", views.mailrules_settings, name="mailrules-settings"),
    path("mail-rules/<ruleplace:place>/try/", rule_pages.mailrules_try, name="mailrules-try"),
    path("mail-rules/<ruleplace:place>/away/", rule_pages.away, name="away"),
]
