"""What this app puts into the registries of the apps below it: one module a subject, called once when it starts."""

from domains.offers import (
    address_options,
    addresses,
    branding,
    directory,
    extras,
    finding,
    frames,
    health,
    importing,
    limits,
    lists,
    mailboxes,
    monitoring,
    policies,
    relays,
    reports,
    sentences,
    tenant_options,
    tenants,
)


def register() -> None:
    tenants.register()
    directory.register()
    tenant_options.register()
    branding.register()
    address_options.register()
    mailboxes.register()
    addresses.register()
    relays.register()
    health.register()
    limits.register()
    lists.register()
    extras.register()
    importing.register()
    policies.register()
    frames.register()
    finding.register()
    monitoring.register()
    reports.register()
    sentences.register()
