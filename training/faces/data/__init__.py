"""What the trainings of the face networks learn from."""
