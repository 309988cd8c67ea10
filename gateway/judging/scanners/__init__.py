"""Scanners that run as servers of their own: rspamd for spam, clamd for viruses.

Each answers with what it found or raises `NoVerdict`: there is no third way, so that nothing is ever silently clean.
"""
