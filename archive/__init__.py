"""What we keep: stores, folders, messages, search. `store`, `mail`, `sources` and `query` in here know no Django."""
