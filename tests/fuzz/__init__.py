"""Attacks every URL of the portal with requests made at random: `make fuzz`, or `python -m tests.fuzz`.

A case is one to three requests, each from one of the people in `world`, and begins from the same database. It depends
on its number and the seed alone, so `python -m tests.fuzz --seed 1 --only 4711` repeats it alone. What every response
must be is in `faults`.
"""
