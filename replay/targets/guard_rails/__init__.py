"""What stands between a replay and an account that it could hurt: identity, account, region, tags, and the plan."""
