"""Addresses of the directory's pages (mounted at directory/); one module a subject."""

from __future__ import annotations

from domains.urls import (
    addresses,
    branding,
    directory,
    dkim,
    extras,
    health,
    importing,
    limits,
    lists,
    mailboxes,
    policies,
    relays,
    rules,
    tenants,
)

app_name = "domains"

urlpatterns = [
    *importing.patterns,
    *tenants.patterns,
    *branding.patterns,
    *mailboxes.patterns,
    *addresses.patterns,
    *relays.patterns,
    *directory.patterns,
    *dkim.patterns,
    *health.patterns,
    *limits.patterns,
    *lists.patterns,
    *extras.patterns,
    *policies.patterns,
    *rules.patterns,
]
