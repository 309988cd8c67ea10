"""How long mail is kept: pure rules about dates, policies, holds and deletions. No queries, no clock."""
