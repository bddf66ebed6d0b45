"""Stored arrays -> the rows of the tables."""
