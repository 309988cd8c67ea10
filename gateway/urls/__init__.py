"""Addresses of the gateway's pages (mounted at the root); one module a subject."""

from __future__ import annotations

from gateway.urls import (
    digests,
    lists,
    mail_rules,
    quarantine,
    queues,
    reception,
    scanning,
    signatures,
    tracking,
    writing,
)

app_name = "gateway"

urlpatterns = [
    *digests.patterns,
    *lists.patterns,
    *mail_rules.patterns,
    *quarantine.patterns,
    *queues.patterns,
    *reception.patterns,
    *scanning.patterns,
    *signatures.patterns,
    *tracking.patterns,
    *writing.patterns,
]
