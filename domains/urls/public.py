"""Addresses of what every browser may read (mounted at brand/): logos and stylesheets of brands."""

from __future__ import annotations

from django.urls import path

from domains.views import brand_files

app_name = "brand"

urlpatterns = [
    path("logo/<str:name>", brand_files.logo, name="logo"),
    path("<str:name>", brand_files.stylesheet, name="stylesheet"),
]
