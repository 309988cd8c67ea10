"""Judging a message: what is known of it (`inspecting`), and what happens to it for each recipient (`deciding`)."""
