"""Measurements, each as a ratio to the bare library doing the same reading and writing in the same run.

A machine's noise moves every figure of a run alike, so ratios are what one can compare and figures are what
one can plan with. `./run bench` prints both and writes them as JSON.
"""
