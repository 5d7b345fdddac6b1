"""A feature that does what its request says: answer, fail, hang or die."""
