"""The documents of a period: report, annexes, data — all from one snapshot of the scoring service's
answers."""
