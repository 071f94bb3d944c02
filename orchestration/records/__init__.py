"""What the law wants written down about processing, drawn up from what is configured."""
