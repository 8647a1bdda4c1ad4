"""What people decide on data under the policy: acts, sharing, requests."""
