"""Addresses of the pages of policies."""

from __future__ import annotations

from django.urls import path

from domains.views import policies

patterns = [
    path("policies/", policies.policy_list, name="policy-list"),
    path("policies/<int:policy_id>/", policies.policy_detail, name="policy-detail"),
    path("policies/<int:policy_id>/edit/", policies.policy_edit, name="policy-edit"),
    path("policies/<int:policy_id>/delete/", policies.policy_delete, name="policy-delete"),
    path("policies/<int:policy_id>/default/", policies.policy_default, name="policy-default"),
    path("domains/<int:domain_id>/policies/", policies.domain_policies, name="domain-policies"),
    path("domains/<int:domain_id>/policies/new/", policies.policy_create, name="policy-create"),
    path("users/<int:mailbox_id>/policy/", policies.user_policy, name="user-policy"),
    path("users/<int:mailbox_id>/policy/edit/", policies.user_policy_edit, name="user-policy-edit"),
]
