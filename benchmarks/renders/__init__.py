"""Programs that draw the features' example pictures."""
