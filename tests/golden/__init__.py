"""Golden landmarks: what both landmark models saw in the sample videos, so that most tests need
no model run, and the events that follow from it. `tests.golden.regenerate` makes the files.
"""
