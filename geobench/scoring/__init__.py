"""Answers -> columns per photo -> summaries of slices."""
