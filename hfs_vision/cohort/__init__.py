"""Many persons: one table of all counts, before and after a treatment, agreement of two counters.

`persons` reads diaries, `counts` makes the table. `periods` says which sessions of a person are
before and after, `paired` what the persons come to, `raters` how far two counts of the same
recordings agree. `words` says what figures mean, `figures` draws, `page` and `writing` write.
"""
