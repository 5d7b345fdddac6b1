"""Face detection: box, 106 landmarks, gender and age of every face in a photograph."""
