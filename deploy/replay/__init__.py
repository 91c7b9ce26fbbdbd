"""The first quarter of 2024 as facts: generated, sent as agencies do, counted, held against the report."""
