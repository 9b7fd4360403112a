"""Measurements that anyone can repeat: ``python -m tests.benchmarks.NAME --help``.

They print figures and judge nothing; docs/benchmarks.md says what they show and what they do not.
"""
