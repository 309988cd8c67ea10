"""Version 1: one module per group of operations, and `routes`, which puts them together."""
