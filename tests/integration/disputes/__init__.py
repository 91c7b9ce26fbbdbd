"""Disputes on a whole running system."""
