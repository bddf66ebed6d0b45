"""What a reader opens, and whether it says what the records give."""
