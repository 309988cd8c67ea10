"""Quarantine and recent mail: one's own, and those an administrator looks after."""

from __future__ import annotations

from django.urls import path

from gateway.views import quarantine, quarantine_actions, quarantine_lists

_OWN, _ALL = "quarantine/<int:recipient_id>/", "gateway/quarantine/<int:recipient_id>/"

patterns = [
    path("quarantine/", quarantine_lists.own_list, name="own-list"),
    path("quarantine/released/", quarantine_lists.own_released, name="own-released"),
    path("quarantine/recent/", quarantine_lists.own_recent, name="own-recent"),
    path("quarantine/bulk/", quarantine_lists.own_bulk, name="own-bulk"),
    path(_OWN, quarantine.own_item, name="own-item"),
    path("gateway/quarantine/", quarantine_lists.quarantine_list, name="quarantine-list"),
    path("gateway/quarantine/released/", quarantine_lists.released_list, name="released-list"),
    path("gateway/quarantine/bulk/", quarantine_lists.quarantine_bulk, name="quarantine-bulk"),
    path("gateway/recent/", quarantine_lists.recent_list, name="recent-list"),
    path("gateway/requests/", quarantine_lists.request_list, name="request-list"),
    path("gateway/requests/<int:request_id>/decide/", quarantine_actions.request_decide, name="request-decide"),
    path(_ALL, quarantine.quarantine_item, name="quarantine-item"),
    path(f"{_ALL}body/", quarantine.item_body, name="item-body"),
    path(f"{_ALL}message.eml", quarantine.item_eml, name="item-eml"),
    path(f"{_ALL}parts/<int:index>/", quarantine.item_part, name="item-part"),
    path(f"{_ALL}open/", quarantine_actions.open_to_read, name="item-open"),
    path(f"{_ALL}release/", quarantine_actions.release, name="item-release"),
    path(f"{_ALL}delete/", quarantine_actions.delete, name="item-delete"),
    path(f"{_ALL}sender/", quarantine_actions.sender, name="item-sender"),
    path(f"{_ALL}report/", quarantine_actions.report, name="item-report"),
    path(f"{_ALL}request/", quarantine_actions.request_release, name="item-request"),
]
