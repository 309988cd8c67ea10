"""Addresses of the gateway's pages (mounted at the root); one module a subject."""

from __future__ import annotations

from gateway.urls import reception, tracking

app_name = "gateway"

urlpatterns = [
    *reception.patterns,
    *tracking.patterns,
]
