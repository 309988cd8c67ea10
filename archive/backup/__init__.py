"""Backups: what a set holds, where it lies, how it is written, checked, thinned out and read again.

The format stands in README.md beside this. No Django: rights, rows and tasks are `archive.services.backup`.
"""
