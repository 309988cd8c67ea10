"""`python -m benchmarks`: how fast and how big, beside notmuch in one run. README.md has the tables and how to repeat.

Not for: tests (nothing here is asserted in CI) and not for product code.
"""
