"""Addresses of this app's pages: tasks, jobs, alerts, approvals."""

from __future__ import annotations

from django.urls import path

from jobs.views import approvals, tasks

app_name = "jobs"

urlpatterns = [
    path("tasks/", tasks.task_list, name="task-list"),
    path("tasks/bulk/", tasks.task_bulk, name="task-bulk"),
    path("tasks/verify-audit/", tasks.verify_audit, name="verify-audit"),
    path("tasks/<int:task_id>/", tasks.task_detail, name="task-detail"),
    path("tasks/<int:task_id>/cancel/", tasks.task_cancel, name="task-cancel"),
    path("tasks/<int:task_id>/start-again/", tasks.task_start_again, name="task-start-again"),
    path("approvals/", approvals.approval_list, name="approval-list"),
    path("approvals/switch-off/", approvals.approval_switch_off, name="approval-switch-off"),
    path("approvals/<int:approval_id>/", approvals.approval_detail, name="approval-detail"),
    path("approvals/<int:approval_id>/approve/", approvals.approval_approve, name="approval-approve"),
    path("approvals/<int:approval_id>/reject/", approvals.approval_reject, name="approval-reject"),
    path("approvals/<int:approval_id>/withdraw/", approvals.approval_withdraw, name="approval-withdraw"),
]
