"""Golden data: what both landmark models and the networks of the patches saw in the sample videos,
so that most tests need no model run, and the events that follow. `tests.golden.regenerate` makes
the files.
"""
