"""Addresses of this app's pages: tasks, jobs with their results, alerts, approvals."""

from __future__ import annotations

from django.urls import path

from jobs.views import alerts, approvals, counters, jobs, logs, mail_server, monitoring, reports, tasks

app_name = "jobs"

urlpatterns = [
    path("tasks/", tasks.task_list, name="task-list"),
    path("tasks/bulk/", tasks.task_bulk, name="task-bulk"),
    path("tasks/verify-audit/", tasks.verify_audit, name="verify-audit"),
    path("tasks/<int:task_id>/", tasks.task_detail, name="task-detail"),
    path("tasks/<int:task_id>/cancel/", tasks.task_cancel, name="task-cancel"),
    path("tasks/<int:task_id>/start-again/", tasks.task_start_again, name="task-start-again"),
    path("jobs/", jobs.job_list, name="job-list"),
    path("jobs/new/", jobs.job_new, name="job-new"),
    path("jobs/new/<str:command>/", jobs.job_create, name="job-create"),
    path("jobs/next-runs/", jobs.job_preview, name="next-runs"),
    path("jobs/results/", jobs.run_list, name="run-list"),
    path("jobs/results/<int:run_id>/", jobs.run_detail, name="run-detail"),
    path("jobs/<int:job_id>/", jobs.job_detail, name="job-detail"),
    path("jobs/<int:job_id>/edit/", jobs.job_edit, name="job-edit"),
    path("jobs/<int:job_id>/run/", jobs.job_run, name="job-run"),
    path("jobs/<int:job_id>/cancel/", jobs.job_cancel, name="job-cancel"),
    path("jobs/<int:job_id>/enable/", jobs.job_enable, name="job-enable"),
    path("jobs/<int:job_id>/delete/", jobs.job_delete, name="job-delete"),
    path("alerts/", alerts.alert_list, name="alert-list"),
    path("alerts/bulk/", alerts.alert_bulk, name="alert-bulk"),
    path("alerts/new/", alerts.alert_create, name="alert-create"),
    path("alerts/<int:alert_id>/", alerts.alert_detail, name="alert-detail"),
    path("alerts/<int:alert_id>/acknowledge/", alerts.alert_acknowledge, name="alert-acknowledge"),
    path("alerts/<int:alert_id>/delete/", alerts.alert_delete, name="alert-delete"),
    path("reports/", reports.report, name="report"),
    path("reports/frame/", reports.report_frame, name="report-frame"),
    path("reports/text/", reports.report_text, name="report-text"),
    path("reports/send/", reports.report_send, name="report-send"),
    path("counters/<str:level>/<int:object_id>/", counters.counters, name="counters"),
    path("counters/<str:level>/<int:object_id>/reset/", counters.counters_reset, name="counters-reset"),
    path("server/log/", logs.log, name="log"),
    path("server/log/settings/", logs.log_settings, name="log-settings"),
    path("server/monitoring/", monitoring.elements, name="monitoring"),
    path("server/monitoring/<str:name>/forget/", monitoring.element_delete, name="element-delete"),
    path("server/mail/", mail_server.settings, name="mail-server"),
    path("server/mail/test/", mail_server.test, name="mail-server-test"),
    path("server/mail/forget/", mail_server.forget, name="mail-server-forget"),
    path("approvals/", approvals.approval_list, name="approval-list"),
    path("approvals/switch-off/", approvals.approval_switch_off, name="approval-switch-off"),
    path("approvals/<int:approval_id>/", approvals.approval_detail, name="approval-detail"),
    path("approvals/<int:approval_id>/approve/", approvals.approval_approve, name="approval-approve"),
    path("approvals/<int:approval_id>/reject/", approvals.approval_reject, name="approval-reject"),
    path("approvals/<int:approval_id>/withdraw/", approvals.approval_withdraw, name="approval-withdraw"),
]
