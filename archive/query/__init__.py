"""The search language: read it (language), turn it into index queries (compile), mark hits (marks), explain it (help).

Not for: Django, pages, the index itself. Only tantivy is imported here, and only where words meet the index.
"""
