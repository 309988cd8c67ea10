"""Addresses of CSV files, in and out; one page a kind (domains.services.importing.kinds)."""

from __future__ import annotations

from django.urls import path

from domains.views import importing

patterns = [
    path("import/", importing.csv_kinds, name="csv-kinds"),
    path("import/<slug:kind>/", importing.csv_import, name="csv-import"),
    path("import/<slug:kind>/example/", importing.csv_example, name="csv-example"),
    path("import/<slug:kind>/<uuid:upload_id>/", importing.csv_import_run, name="csv-import-run"),
    path("export/<slug:kind>/", importing.csv_export, name="csv-export"),
]
