"""The archive's commands: what pages, the shell, schedules and the API run by name. Each is one service.

Names and arguments are those of the MailStore administration API where it has them; numbers of stores are `id`.
"""

from archive.commands import clearing, folders, indexes, mail, reindexing, stores, unclaimed, upkeep

__all__ = ["clearing", "folders", "indexes", "mail", "reindexing", "stores", "unclaimed", "upkeep"]
