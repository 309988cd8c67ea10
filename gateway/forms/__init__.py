"""The shape of what people fill in about the gateway; rules raise in the services."""
