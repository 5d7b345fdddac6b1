"""Programs that trained and measured the project's own networks; they are not part of the images."""
