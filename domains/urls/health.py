"""Addresses of the pages of domains' health."""

from __future__ import annotations

from django.urls import path

from domains.views import health

patterns = [
    path("failures/", health.failure_list, name="failure-list"),
    path("domains/<int:domain_id>/health/", health.domain_health, name="domain-health"),
    path("domains/<int:domain_id>/health/check/", health.domain_check, name="domain-check"),
]
