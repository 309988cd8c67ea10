"""Addresses of writing mail."""

from __future__ import annotations

from django.urls import path

from gateway.views import writing as views

patterns = [
    path("gateway/test-message/", views.mail_trial, name="mail-trial"),
    path("mail/write/", views.mail_write, name="mail-write"),
]
