"""Pictures, texts and measures that benchmarks, tests and trainings share."""
