"""The named rights. Who holds which is decided in `actors`; what a right covers is asked by services and selectors."""

from __future__ import annotations

from enum import StrEnum


class Right(StrEnum):
    """One thing a person may be allowed to do. Today administrators hold all of them and users none."""

    MANAGE_SERVER = "manage_server"
    MANAGE_USERS = "manage_users"
    MANAGE_STORES = "manage_stores"
    IMPORT_MAIL = "import_mail"
    EXPORT_MAIL = "export_mail"
    VIEW_TASKS_ALL = "view_tasks_all"
    VIEW_HEALTH = "view_health"
    READ_OTHERS_MAIL = "read_others_mail"
