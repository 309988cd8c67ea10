"""Pages of the archive: mail (lists), messages (reading), imports, exports, access (others' archives), stores."""
