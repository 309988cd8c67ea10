"""Addresses of this app's pages: tasks, jobs, alerts."""

from __future__ import annotations

from django.urls import path

from jobs import views

app_name = "jobs"

urlpatterns = [
    path("tasks/", views.task_list, name="task-list"),
    path("tasks/bulk/", views.task_bulk, name="task-bulk"),
    path("tasks/verify-audit/", views.verify_audit, name="verify-audit"),
    path("tasks/<int:task_id>/", views.task_detail, name="task-detail"),
    path("tasks/<int:task_id>/cancel/", views.task_cancel, name="task-cancel"),
    path("tasks/<int:task_id>/start-again/", views.task_start_again, name="task-start-again"),
]
