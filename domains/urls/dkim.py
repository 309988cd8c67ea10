"""Addresses of the pages of a domain's DKIM keys."""

from __future__ import annotations

from django.urls import path

from domains.views import dkim

patterns = [
    path("domains/<int:domain_id>/dkim/", dkim.domain_dkim, name="domain-dkim"),
    path("domains/<int:domain_id>/dkim/new/", dkim.dkim_create, name="dkim-create"),
    path("domains/<int:domain_id>/dkim/rotate/", dkim.dkim_rotate, name="dkim-rotate"),
    path("dkim/<int:key_id>/activate/", dkim.dkim_activate, name="dkim-activate"),
    path("dkim/<int:key_id>/retire/", dkim.dkim_retire, name="dkim-retire"),
    path("dkim/<int:key_id>/delete/", dkim.dkim_delete, name="dkim-delete"),
]
