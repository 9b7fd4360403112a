"""Compares events with a reference, a human's or another program's.

``matching``, ``evaluate`` and ``scores`` compare; ``kappa`` and ``agreement`` are of two raters;
``clock_offset`` finds how far two clocks are apart. ``read_references``, ``pair_files`` and
``write_scores`` are the files, which docs/evaluation.md describes.
"""
