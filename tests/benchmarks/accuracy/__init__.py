"""Accuracy of the detectors on material of known truth; see ``__main__`` and docs/accuracy.md."""
