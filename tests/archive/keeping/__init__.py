"""The rules about keeping mail, without a database."""
