"""What plugins are tested with."""
