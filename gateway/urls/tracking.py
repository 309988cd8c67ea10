"""Addresses of following messages."""

from __future__ import annotations

from django.urls import path

from gateway.views import remediation
from gateway.views import tracking as views

patterns = [
    path("gateway/messages/", views.tracking, name="tracking"),
    path("messages/", views.own_mail, name="own-mail"),
    path("messages/<int:recipient_id>/", views.passport, name="passport"),
    path("messages/<int:recipient_id>/remove/", remediation.remediate, name="remediate"),
]
