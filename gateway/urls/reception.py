"""Addresses of the pages about how mail comes in."""

from __future__ import annotations

from django.urls import path

from gateway.views import certificates, ip_lists, routes

patterns = [
    path("gateway/ips/", ip_lists.ip_list, name="ip-list"),
    path("gateway/ips/new/", ip_lists.ip_add, name="ip-add"),
    path("gateway/ips/check/", ip_lists.ip_check, name="ip-check"),
    path("gateway/ips/<int:entry_id>/", ip_lists.ip_edit, name="ip-edit"),
    path("gateway/ips/<int:entry_id>/remove/", ip_lists.ip_remove, name="ip-remove"),
    path("gateway/routes/", routes.route_list, name="route-list"),
    path("gateway/routes/new/", routes.route_create, name="route-create"),
    path("gateway/routes/check/", routes.route_check, name="route-check"),
    path("gateway/routes/<int:rule_id>/", routes.route_edit, name="route-edit"),
    path("gateway/routes/<int:rule_id>/delete/", routes.route_delete, name="route-delete"),
    path("gateway/certificates/", certificates.certificate_list, name="certificate-list"),
    path("gateway/certificates/new/", certificates.certificate_create, name="certificate-create"),
    path("gateway/certificates/<int:certificate_id>/", certificates.certificate_edit, name="certificate-edit"),
    path(
        "gateway/certificates/<int:certificate_id>/delete/", certificates.certificate_delete, name="certificate-delete"
    ),
]
