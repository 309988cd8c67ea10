"""The pages of tasks and of approvals, one module a subject."""
