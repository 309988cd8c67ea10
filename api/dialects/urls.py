"""Addresses of the dialects: their pages, and each dialect below its prefix on the web port, whatever the path."""

from __future__ import annotations

from django.urls import path, re_path

from api.dialects import pages
from api.dialects.door import view_of
from api.dialects.served import DIALECTS

app_name = "dialects"
served = [
    re_path(
        rf"^{dialect.prefix}(?P<rest>/[\s\S]*)?\Z", view_of(dialect, f"/{dialect.prefix}"), name=f"at-{dialect.name}"
    )
    for dialect in DIALECTS
    if dialect.prefix
]
beside = [  # version 1 of the API, at api/v1, was asked before
    re_path(rf"^(?:{'|'.join(dialect.also)})(?:/[\s\S]*)?\Z", view_of(dialect, ""), name=f"beside-{dialect.name}")
    for dialect in DIALECTS
    if dialect.also
]
urlpatterns = [
    *served,
    *beside,
    path("server/dialects/", pages.dialect_list, name="dialect-list"),
    path("server/dialects/<slug:name>/", pages.dialect_detail, name="dialect-detail"),
    path("server/dialects/<slug:name>/script/", pages.dialect_check, name="dialect-check"),
]
