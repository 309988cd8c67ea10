"""Addresses of the pages of brokers, customers, providers and domains."""

from __future__ import annotations

from django.urls import path

from domains.views import brokers, customers, domain_changes, domain_names, domains

_C, _D = "customers/<int:customer_id>", "domains/<int:domain_id>"

patterns = [
    path("brokers/", brokers.broker_list, name="broker-list"),
    path("brokers/new/", brokers.broker_create, name="broker-create"),
    path("brokers/<int:broker_id>/", brokers.broker_edit, name="broker-edit"),
    path("brokers/<int:broker_id>/limits/", brokers.broker_limits_page, name="broker-limits"),
    path("brokers/<int:broker_id>/delete/", brokers.broker_delete, name="broker-delete"),
    path("providers/", brokers.provider_list, name="provider-list"),
    path("providers/new/", brokers.provider_create, name="provider-create"),
    path("providers/<int:provider_id>/", brokers.provider_edit, name="provider-edit"),
    path("providers/<int:provider_id>/delete/", brokers.provider_delete, name="provider-delete"),
    path("customers/", customers.customer_list, name="customer-list"),
    path("customers/new/", customers.customer_create, name="customer-create"),
    path("customers/bulk/", customers.customer_bulk, name="customer-bulk"),
    path(f"{_C}/", customers.customer_detail, name="customer-detail"),
    path(f"{_C}/edit/", customers.customer_edit, name="customer-edit"),
    path(f"{_C}/domains/", customers.customer_domains, name="customer-domains"),
    path(f"{_C}/limits/", customers.customer_limits, name="customer-limits"),
    path(f"{_C}/state/", customers.customer_state, name="customer-state"),
    path(f"{_C}/delete/", customers.customer_delete, name="customer-delete"),
    path("domains/", domains.domain_list, name="domain-list"),
    path("domains/new/", domains.domain_create, name="domain-create"),
    path("domains/bulk/", domains.domain_bulk, name="domain-bulk"),
    path(f"{_D}/", domains.domain_detail, name="domain-detail"),
    path(f"{_D}/settings/", domains.domain_settings_page, name="domain-settings"),
    path(f"{_D}/settings/access/", domains.domain_access, name="domain-access"),
    path(f"{_D}/settings/<str:name>/", domains.domain_value, name="domain-value"),
    path(f"{_D}/settings/<str:name>/reset/", domains.domain_reset, name="domain-reset"),
    path(f"{_D}/usage/", domains.domain_usage_page, name="domain-usage"),
    path(f"{_D}/names/", domain_names.domain_names_page, name="domain-names"),
    path(f"{_D}/names/all/", domain_names.domain_names_replace, name="domain-names-replace"),
    path(f"{_D}/names/<int:name_id>/remove/", domain_names.domain_name_remove, name="domain-name-remove"),
    path(f"{_D}/rename/", domain_names.domain_rename, name="domain-rename"),
    path(f"{_D}/state/", domain_changes.domain_state, name="domain-state"),
    path(f"{_D}/move/", domain_changes.domain_move, name="domain-move"),
    path(f"{_D}/delete/", domain_changes.domain_delete, name="domain-delete"),
    path(f"{_D}/restore/", domain_changes.domain_restore, name="domain-restore"),
    path(f"{_D}/purge/", domain_changes.domain_purge, name="domain-purge"),
]
