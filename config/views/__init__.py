"""Pages that belong to no app: health, overview, style guide, errors."""
