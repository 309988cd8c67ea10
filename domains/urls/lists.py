"""Addresses of mailing lists' pages."""

from __future__ import annotations

from django.urls import path

from domains.views import list_confirmation, lists

_L = "lists/<int:list_id>"
_S = f"{_L}/subscribers/<int:subscriber_id>"

patterns = [
    path("lists/", lists.list_list, name="list-list"),
    path("lists/mine/", lists.own_lists, name="own-lists"),
    path("lists/confirm/<str:token>/", list_confirmation.list_confirm, name="list-confirm"),
    path("domains/<int:domain_id>/lists/", lists.domain_lists, name="domain-lists"),
    path("domains/<int:domain_id>/lists/new/", lists.list_create, name="list-create"),
    path(f"{_L}/", lists.list_detail, name="list-detail"),
    path(f"{_L}/edit/", lists.list_edit, name="list-edit"),
    path(f"{_L}/switch/", lists.list_switch, name="list-switch"),
    path(f"{_L}/delete/", lists.list_delete, name="list-delete"),
    path(f"{_L}/subscribers/", lists.list_subscribers, name="list-subscribers"),
    path(f"{_L}/subscribers/add/", lists.subscribers_add, name="subscribers-add"),
    path(f"{_S}/", lists.subscriber_detail, name="subscriber-detail"),
    path(f"{_S}/accept/", lists.subscriber_accept, name="subscriber-accept"),
    path(f"{_S}/remove/", lists.subscriber_remove, name="subscriber-remove"),
]
