"""What the program does when something is broken: files, models, numbers, disks, processes.

Each row names one fault, makes it for real, runs the command line on it, and judges what the user
sees, the exit code and what is on the disk. ``python -m tests.faults`` runs all of them and the
damaged videos of `tests.faults.mutations`, and writes docs/reliability.md from what came out.
"""
