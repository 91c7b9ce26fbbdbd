"""Periods, seals, disputes, alerts on a real database."""
