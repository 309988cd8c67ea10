"""What may be seen of the gateway's rows, by whom."""
