"""The configuration as one readable file: written whole, read back with a diff first, part by part.

It holds what administrators set: options, roles, customers and domains with their settings, policies, relays, rules,
scanners, queue, IP lists, router table, compliance, retention, profiles, webhooks, jobs, own mail server, log. It never
holds people, addresses or mail. Secrets are left out, or sealed with a passphrase. Not a backup of the data
(`archive.backup`). The file: docs/configuration.md.
"""
