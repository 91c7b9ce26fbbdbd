"""Hypothesis without wall time: a loaded machine is slow, not wrong."""

from hypothesis import settings

settings.register_profile("scoring_periods", deadline=None, max_examples=60)
settings.load_profile("scoring_periods")
