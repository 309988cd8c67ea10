"""Addresses of the gateway's pages (mounted at the root); one module a subject."""

from __future__ import annotations

from gateway.urls import digests, quarantine, queues, reception, scanning, tracking, writing

app_name = "gateway"

urlpatterns = [
    *digests.patterns,
    *quarantine.patterns,
    *queues.patterns,
    *reception.patterns,
    *scanning.patterns,
    *tracking.patterns,
    *writing.patterns,
]
