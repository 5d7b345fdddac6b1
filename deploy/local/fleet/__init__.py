"""The containers of the local stack, and the table that shows them."""
