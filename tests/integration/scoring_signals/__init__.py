"""Signals, districts and other families on a whole running system."""
