"""What the gateway puts into the registries of the apps below it: one module a subject, called once at the start."""

from gateway.offers import (
    digests,
    known_settings,
    lists,
    mail_rules,
    quarantine,
    queues,
    reception,
    scanning,
    signatures,
    tracking,
    writing,
)


def register() -> None:
    digests.register()
    known_settings.register()
    lists.register()
    mail_rules.register()
    quarantine.register()
    queues.register()
    reception.register()
    scanning.register()
    signatures.register()
    tracking.register()
    writing.register()
