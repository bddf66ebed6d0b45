"""What makes records: plan, cells, and the files that name them."""
