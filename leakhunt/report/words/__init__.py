"""Every sentence of a report, and nowhere else.

The judgement gives codes and figures; what they mean to a reader is said here, each thing in one
place: :mod:`places <leakhunt.report.words.places>` (processes, lines, holders),
:mod:`growths <leakhunt.report.words.growths>` (why one is called a leak, and where),
:mod:`verdicts <leakhunt.report.words.verdicts>` (the sentence above a report),
:mod:`lines <leakhunt.report.words.lines>` (what stands below a table) and
:mod:`notes <leakhunt.report.words.notes>` (what a reader must know besides).

A sentence says what follows from the figures beside it, and no more. Numbers, sizes and durations
come from :mod:`leakhunt.units`, which knows one from many.
"""
