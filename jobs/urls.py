"""Addresses of the tasks' pages (mounted at tasks/)."""

from __future__ import annotations

from django.urls import path

from jobs import views

app_name = "jobs"

urlpatterns = [
    path("", views.task_list, name="task-list"),
    path("bulk/", views.task_bulk, name="task-bulk"),
    path("verify-audit/", views.verify_audit, name="verify-audit"),
    path("<int:task_id>/", views.task_detail, name="task-detail"),
    path("<int:task_id>/cancel/", views.task_cancel, name="task-cancel"),
    path("<int:task_id>/start-again/", views.task_start_again, name="task-start-again"),
]
