"""The commands of this app: one module a subject, imported when the app starts. Each is one service."""

from domains.commands import checks, directory, domain_lifecycle, importing, people, purging, quotas

__all__ = ["checks", "directory", "domain_lifecycle", "importing", "people", "purging", "quotas"]
