"""Addresses of the pages of synchronisation with a directory."""

from __future__ import annotations

from django.urls import path

from domains.views import directory

patterns = [
    path("sources/<int:source_id>/sync/", directory.source_sync, name="source-sync"),
    path("sources/<int:source_id>/sync/<int:run_id>/", directory.directory_run, name="directory-run"),
]
