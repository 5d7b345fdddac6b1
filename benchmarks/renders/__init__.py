"""Programs that draw the example pictures of the features."""
