"""Event files of humans and machines, paired by recording, and what came out of comparing them.

``reading`` makes events of a table, ``pairing`` recordings of files and folders, ``writing`` the
JSON and CSV of an evaluation. docs/evaluation.md describes the forms.
"""
