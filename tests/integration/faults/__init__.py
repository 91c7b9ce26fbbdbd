"""The fault harness itself, on a small scale: what `./run faults` promises."""
