"""Upkeep of a store, one module per operation: `plan()` says what would be done, `run()` does it and can be stopped.

Not for bulk import (`archive.store.ingest`).
"""
