"""How alike texts are, and the vectors that say so; Chinese first, any language accepted."""
