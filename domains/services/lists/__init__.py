"""Writes of mailing lists (`settings`) and of who is on them (`subscribing`)."""
