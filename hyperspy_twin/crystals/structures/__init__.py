"""Crystal structures and where they come from."""
