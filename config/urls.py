"""Every address of the system, by app."""

from __future__ import annotations

import importlib.util

from django.urls import URLPattern, URLResolver, include, path

from config.shell.urls import shell_patterns
from config.views import health, metrics

config_patterns = [
    path("healthz", health.healthz, name="healthz"),
    path("metrics", metrics.metrics, name="metrics"),
    path("server/health/", health.health_page, name="health"),
    path("server/health/components/<path:name>/", health.health_component, name="health-component"),
    path("server/health/recovery-key/", health.recovery_confirm, name="recovery-confirm"),
    *shell_patterns,
]


def _app_patterns() -> list[URLPattern | URLResolver]:
    """Those with a word of their own first: Django tries every address of the others before it goes on."""
    mounted = [
        ("api/v1/", "api"),
        ("", "api.dialects"),
        ("directory/", "domains"),
        ("", "accounts"),
        ("", "jobs"),
        ("", "archive"),
        ("", "gateway"),
    ]
    return [path(prefix, include(f"{app}.urls")) for prefix, app in mounted if importlib.util.find_spec(f"{app}.urls")]


urlpatterns: list[URLPattern | URLResolver] = [
    path("brand/", include("domains.urls.public")),
    *_app_patterns(),
    path("", include((config_patterns, "config"))),
]

handler400 = "config.shell.errors.bad_request"
handler403 = "config.shell.errors.forbidden"
handler404 = "config.shell.errors.not_found"
handler500 = "config.shell.errors.server_error"
