"""Addresses of the pages of what a mailbox has beside its mail."""

from __future__ import annotations

from django.urls import path

from domains.views import extras

_U = "users/<int:mailbox_id>"
_P = f"{_U}/pulls/<int:pull_id>"

patterns = [
    path(f"{_U}/profile/", extras.user_profile, name="user-profile"),
    path(f"{_U}/profile/absence/", extras.user_absence, name="user-absence"),
    path(f"{_U}/profile/facts/", extras.user_facts, name="user-facts"),
    path(f"{_U}/profile/preferences/", extras.user_preferences, name="user-preferences"),
    path(f"{_U}/sharing/", extras.user_sharing, name="user-sharing"),
    path(f"{_U}/sharing/rights/", extras.user_rights, name="user-rights-of-others"),
    path(f"{_U}/pulls/new/", extras.pull_create, name="pull-create"),
    path(f"{_P}/edit/", extras.pull_edit, name="pull-edit"),
    path(f"{_P}/try/", extras.pull_try, name="pull-try"),
    path(f"{_P}/delete/", extras.pull_delete, name="pull-delete"),
]
