"""What can be done to many rows of a list at once; one module a subject. Each row goes through its service."""
