"""The fault harness: its world, its count, its poison and what it prints."""
