"""Addresses of the shell's own pages; config.urls mounts them under the name `config`."""

from __future__ import annotations

from django.urls import path

from config.shell import lists, overview, palette, preferences, styleguide

shell_patterns = [
    path("", overview.overview, name="overview"),
    path("styleguide", styleguide.styleguide, name="styleguide"),
    path("preferences", preferences.preferences, name="preferences"),
    path("lists/memory", lists.list_memory, name="list-memory"),
    path("palette", palette.palette, name="palette"),
    path("running", palette.running, name="running"),
]
