"""Addresses of the pages of quotas and throttles."""

from __future__ import annotations

from django.urls import path

from domains.views import limits

_D, _U = "domains/<int:domain_id>/limits", "users/<int:mailbox_id>/throttles"

patterns = [
    path("limits/", limits.server_limits, name="server-limits"),
    path("limits/quota/<str:kind>/", limits.server_quota, name="server-quota"),
    path("limits/throttle/<str:direction>/", limits.server_throttle, name="server-throttle"),
    path("limits/throttle/<str:direction>/remove/", limits.server_throttle_remove, name="server-throttle-remove"),
    path(f"{_D}/", limits.domain_limits, name="domain-limits"),
    path(f"{_D}/quota/<str:kind>/", limits.domain_quota, name="domain-quota"),
    path(f"{_D}/throttle/<str:direction>/", limits.domain_throttle, name="domain-throttle"),
    path(f"{_D}/throttle/<str:direction>/remove/", limits.domain_throttle_remove, name="domain-throttle-remove"),
    path(f"{_U}/", limits.user_throttles, name="user-throttles"),
    path(f"{_U}/<str:direction>/", limits.user_throttle, name="user-throttle"),
    path(f"{_U}/<str:direction>/remove/", limits.user_throttle_remove, name="user-throttle-remove"),
]
