"""Django's PostgreSQL, emptied faster: `base` is the module that Django looks for in a database engine."""
