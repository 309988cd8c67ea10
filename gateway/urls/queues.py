"""Addresses of queues and repositories."""

from __future__ import annotations

from django.urls import path

from gateway.views import queues, repositories

patterns = [
    path("gateway/queue/", queues.queue, name="queue"),
    path("gateway/queue/bulk/", queues.queue_bulk, name="queue-bulk"),
    path("gateway/queue/destinations/", queues.destinations, name="destinations"),
    path("gateway/queue/destinations/flush/", queues.destination_flush, name="destination-flush"),
    path("gateway/queue/settings/", queues.queue_settings, name="queue-settings"),
    path("gateway/queue/<int:item_id>/", queues.queue_item, name="queue-item"),
    path("gateway/queue/<int:item_id>/turn/", queues.queue_item_turn, name="queue-item-turn"),
    path("gateway/repositories/", repositories.repository_list, name="repositories"),
    path("gateway/repositories/new/", repositories.repository_create, name="repository-create"),
    path("gateway/repositories/<int:repository_id>/", repositories.repository, name="repository"),
    path("gateway/repositories/<int:repository_id>/bulk/", repositories.repository_bulk, name="repository-bulk"),
    path("gateway/repositories/<int:repository_id>/delete/", repositories.repository_delete, name="repository-delete"),
    path("gateway/repositories/messages/<int:item_id>/", repositories.stored, name="stored"),
    path("gateway/repositories/messages/<int:item_id>/read/", repositories.stored_read, name="stored-read"),
]
