"""Evidence that others can check: the hash tree of a store's messages, signed checkpoints, time stamps, packages.

No Django but in `stamps` (the gate). The format of packages and checkpoints: deploy/verifier/README.md; who checks them
offline: deploy/verifier/verify_package.py, which shares no code with this.
"""
