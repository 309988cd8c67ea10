"""Known passwords that nobody may choose: looking one up on disk (`searching`), which lists there are (`lists`), and
making a file searchable (`indexing`).

A list is the file that POSTKEEP_BREACH_LIST names, one that somebody uploaded, or both. Nothing is asked of any other
machine, no list is read into memory, and what is looked up is written down nowhere. Not for rules of length or mixture
(`accounts.password_rules`).
"""
