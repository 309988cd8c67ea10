"""Addresses of the branding of a domain, a customer and the server: the same pages for each."""

from __future__ import annotations

from typing import Any

from django.urls import path

from accounts.permissions import Level
from domains.views import branding

_PLACES = {
    Level.DOMAIN: "domains/<int:domain_id>/branding/",
    Level.CUSTOMER: "customers/<int:customer_id>/branding/",
    Level.SERVER: "branding/",
}
_PAGES: dict[str, tuple[str, Any]] = {
    "": ("", branding.show),
    "-edit": ("edit/", branding.edit),
    "-preview": ("preview/", branding.preview),
    "-logo": ("logo/", branding.logo),
    "-reset": ("<str:name>/reset/", branding.reset),
}

patterns = [
    path(place + below, view, {"level": level}, name=f"{level}-branding{what}")
    for level, place in _PLACES.items()
    for what, (below, view) in _PAGES.items()
]
