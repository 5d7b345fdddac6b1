"""A feature that behaves as each request says: it answers, fails, hangs or dies."""
