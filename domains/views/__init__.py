"""Pages of what we serve; one module a subject."""
