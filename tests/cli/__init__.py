"""The command line: exit codes, one clear line for each mistake, nothing half-written.

Most commands run in this process, because loading MediaPipe takes longer than the work. Signals
and the streams of a process are tested on a process.
"""
