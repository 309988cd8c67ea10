"""Holds, retention and deletion on real stores."""
