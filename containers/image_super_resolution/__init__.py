"""Pictures enlarged two- or fourfold, with the detail that was likely there."""
