"""Addresses of the shell's own pages; config.urls mounts them under the name `config`."""

from __future__ import annotations

from django.urls import path

from config.shell import lists, overview, palette, preferences, styleguide, styleguide_pages, switching

shell_patterns = [
    path("", overview.overview, name="overview"),
    path("styleguide", styleguide.styleguide, name="styleguide"),
    path("styleguide/list", styleguide_pages.styleguide_list, name="styleguide-list"),
    path("styleguide/list/bulk", styleguide_pages.styleguide_bulk, name="styleguide-bulk"),
    path("styleguide/object", styleguide_pages.styleguide_object, name="styleguide-object"),
    path("styleguide/object/value", styleguide_pages.styleguide_value, name="styleguide-value"),
    path("styleguide/object/reset", styleguide_pages.styleguide_value_reset, name="styleguide-value-reset"),
    path("preferences", preferences.preferences, name="preferences"),
    path("lists/memory", lists.list_memory, name="list-memory"),
    path("palette", palette.palette, name="palette"),
    path("palette/objects", palette.palette_objects, name="palette-objects"),
    path("switch/<slug:name>", switching.switch, name="switch"),
    path("running", palette.running, name="running"),
]
