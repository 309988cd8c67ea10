"""What is done to a message of somebody we serve before it leaves: see README.md. Not for incoming mail."""
