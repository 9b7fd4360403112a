"""Coverage-guided fuzzing of everything that reads a file a person may have edited.

``python -m tests.fuzz READER --seconds 600`` lets a reader have what libFuzzer thinks of (by way of
atheris; ``pip install -e ".[fuzz]"``). What must hold is in `readers.py`, what was found worth
keeping in ``corpus/``; `tests/test_fuzz.py` goes through that on every run of the tests.
"""
