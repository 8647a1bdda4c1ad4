"""What a profile asks besides paths: lists, side files, tiers; and what was wrong with them."""
