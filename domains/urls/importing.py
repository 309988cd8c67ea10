"""Addresses of the import of users."""

from __future__ import annotations

from django.urls import path

from domains.views import importing

patterns = [
    path("users/import/", importing.user_import, name="user-import"),
    path("users/import/<uuid:upload_id>/", importing.user_import_run, name="user-import-run"),
]
