"""Pages about people: `entry` (coming in and leaving), `account` (one's own), `users` (all, for administrators)."""
