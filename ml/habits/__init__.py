"""When and through what customers answer, drawn towards what is usual."""
