"""The library of the dataset modules: what turns raw rows into questions with answers.

A module's `build(inputs)` returns `Candidates`: a table with a row per possible question, and a function that asks about one row.
`sampling` does the rest. Choices come from a `Draw`, which hashes the row's keys, so a row is made the same way wherever and whenever it
is made.
"""
