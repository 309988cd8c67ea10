"""Addresses of the scanners."""

from __future__ import annotations

from django.urls import path

from gateway.views import scanning as views

patterns = [
    path("gateway/scanners/", views.scanners, name="scanners"),
    path("gateway/scanners/try/", views.scanner_trial, name="scanner-trial"),
    path("gateway/signs/", views.signs, name="signs"),
]
