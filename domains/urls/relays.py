"""Addresses of relays' pages."""

from __future__ import annotations

from django.urls import path

from domains.views import relays

patterns = [
    path("relays/", relays.relay_list, name="relay-list"),
    path("domains/<int:domain_id>/relays/", relays.domain_relays, name="domain-relays"),
    path("domains/<int:domain_id>/relays/new/", relays.relay_create, name="relay-create"),
    path("relays/<int:relay_id>/", relays.relay_detail, name="relay-detail"),
    path("relays/<int:relay_id>/edit/", relays.relay_edit, name="relay-edit"),
    path("relays/<int:relay_id>/try/", relays.relay_try, name="relay-try"),
    path("relays/<int:relay_id>/delete/", relays.relay_delete, name="relay-delete"),
]
