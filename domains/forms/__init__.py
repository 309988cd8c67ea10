"""The shape of what people type; one module a subject. Rules raise in the services."""
