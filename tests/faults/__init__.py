"""The promise, put to the test from outside: whatever is killed or reordered, each fact counts once.

Nothing here imports the services or their engine. The generator, the count and the client are written from
docs/CONTRACT.md alone, so that they can be wrong in other ways than the system is.
"""
