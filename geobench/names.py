"""What things may be called: names, labels, and the one label that is taken."""

CEILING = "oracle-training-place"
"""The label of the row that always answers with the training place nearest to the truth."""
