"""Addresses of users: the mailboxes with their people."""

from __future__ import annotations

from django.urls import path

from domains.views import mailbox_actions, mailbox_addresses, mailboxes

patterns = [
    path("users/", mailboxes.user_list, name="user-list"),
    path("domains/<int:domain_id>/users/", mailboxes.domain_users, name="domain-users"),
    path("users/bulk/", mailboxes.user_bulk, name="user-bulk"),
    path("users/new/", mailboxes.user_create, name="user-create"),
    path("users/<int:mailbox_id>/", mailboxes.user_detail, name="user-detail"),
    path("users/<int:mailbox_id>/edit/", mailboxes.user_edit, name="user-edit"),
    path("users/<int:mailbox_id>/addresses/", mailbox_addresses.user_addresses, name="user-addresses"),
    path("users/<int:mailbox_id>/aliases/", mailbox_addresses.user_alias_add, name="user-alias-add"),
    path(
        "users/<int:mailbox_id>/aliases/<int:alias_id>/remove/",
        mailbox_addresses.user_alias_remove,
        name="user-alias-remove",
    ),
    path("users/<int:mailbox_id>/forwarding/", mailbox_addresses.user_forwarding, name="user-forwarding"),
    path("users/<int:mailbox_id>/address/", mailbox_addresses.user_rename, name="user-rename"),
    path("users/<int:mailbox_id>/groups/", mailboxes.user_groups, name="user-groups"),
    path("users/<int:mailbox_id>/quota/", mailboxes.user_quota, name="user-quota"),
    path("users/<int:mailbox_id>/history/", mailboxes.user_history, name="user-history"),
    path("users/<int:mailbox_id>/link/", mailbox_actions.user_link, name="user-link"),
    path("users/<int:mailbox_id>/password/", mailbox_actions.user_password, name="user-password"),
    path("users/<int:mailbox_id>/state/", mailbox_actions.user_state, name="user-state"),
    path("users/<int:mailbox_id>/delete/", mailbox_actions.user_delete, name="user-delete"),
    path("users/<int:mailbox_id>/restore/", mailbox_actions.user_restore, name="user-restore"),
    path("users/<int:mailbox_id>/purge/", mailbox_actions.user_purge, name="user-purge"),
]
