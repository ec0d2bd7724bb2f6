"""Damaged files for every reader, and what must hold of whatever a reader takes.

`specimens` are valid files, `mutations` damage them, `readers` holds for each format the reader and
the test of its answer, `guard` bounds time and memory. The tests and ``tools/fuzz.py`` share them.
"""
