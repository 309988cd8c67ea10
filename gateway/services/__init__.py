"""What may be done in the gateway: every write is here and asks for the right itself."""
