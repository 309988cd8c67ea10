"""Users from a CSV file: read (`rows`), judged in sets (`judging`), then made all at once or not at all (`users`)."""
