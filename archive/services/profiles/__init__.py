"""Services of profiles: keeping them, running them, running them by themselves, checking completeness."""
