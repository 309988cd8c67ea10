"""Addresses of the pages of groups and forwards, and of who gets mail for an address."""

from __future__ import annotations

from django.urls import path

from domains.views import addresses, expansion

patterns = [
    path("groups/", addresses.group_list, name="group-list"),
    path("domains/<int:domain_id>/groups/", addresses.domain_groups, name="domain-groups"),
    path("groups/bulk/", addresses.group_bulk, name="group-bulk"),
    path("groups/new/", addresses.group_create, name="group-create"),
    path("groups/<int:address_id>/", addresses.group_detail, name="group-detail"),
    path("groups/<int:address_id>/edit/", addresses.group_edit, name="group-edit"),
    path("groups/<int:address_id>/add/", addresses.group_members_add, name="group-members-add"),
    path("groups/<int:address_id>/remove/", addresses.group_member_remove, name="group-member-remove"),
    path("groups/<int:address_id>/delete/", addresses.group_delete, name="group-delete"),
    path("groups/<int:address_id>/history/", addresses.group_history, name="group-history"),
    path("who-gets-mail/", expansion.who_gets_mail, name="who-gets-mail"),
]
