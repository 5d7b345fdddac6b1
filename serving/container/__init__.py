"""The container: a front process that speaks HTTP, and model processes that it supervises."""
