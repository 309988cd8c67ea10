"""The pages of tasks, jobs, alerts and approvals; one module a subject."""
