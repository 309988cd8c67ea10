"""Loops that kill, fill and crowd a store. CI runs a seeded share of each; `make torture` runs them all."""
