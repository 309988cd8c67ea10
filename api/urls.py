"""Addresses of the API: the document, the reference, and version 1's operations."""

from __future__ import annotations

from django.urls import path

from api import views
from api.v1.routes import door

app_name = "api"
urlpatterns = [
    path("", views.reference, name="reference"),
    path("reference/<slug:slug>/", views.reference_group, name="reference-group"),
    path("openapi.json", views.openapi, name="openapi"),
    *door.patterns,
]
