"""Writes of the archive, one module per subject: stores, imports, exports, access, maintenance."""
