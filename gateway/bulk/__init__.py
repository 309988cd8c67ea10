"""What can be done to many rows of the gateway's lists at once; one module a subject."""
