"""The pages that belong to no app: overview, style guide, preferences, palette, error pages."""
