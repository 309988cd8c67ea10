"""The gateway's pages."""
