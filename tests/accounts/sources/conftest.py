"""What tests of sources need: a directory, a provider, and a gate that is open to this machine."""

from tests.sources import _directory, _provider, make_source, open_gate, provider, slapd

__all__ = ["_directory", "_provider", "make_source", "open_gate", "provider", "slapd"]
