"""What makes records: a plan of trainings, what they leave, and the files that name it."""
