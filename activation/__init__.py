"""Keep every platform in step with the warehouse, row by row, with proof."""
