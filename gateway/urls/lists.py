"""Addresses of what mailing lists do: moderation, digests, the way off a list."""

from __future__ import annotations

from django.urls import path

from gateway.views import list_posts as views

patterns = [
    path("lists/<int:list_id>/held/", views.list_held_page, name="list-held"),
    path("lists/<int:list_id>/held/<int:posting_id>/", views.list_decide, name="list-decide"),
    path("lists/<int:list_id>/digest/", views.list_digest, name="list-digest"),
    path("lists/<int:list_id>/leave/<str:proof>/", views.list_leave, name="list-leave"),
]
