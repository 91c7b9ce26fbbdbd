"""Periods, seals, disputes, alerts: the rules, without a database."""
