"""Backups as services: where they go, writing, checking, thinning out, and every way back. Rights, rows, audit, alerts.

What a set is and how it is written stands in `archive.backup`.
"""
