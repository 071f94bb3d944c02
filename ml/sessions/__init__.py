"""What anonymous visitors do next: facts of open visits, and the models over them."""
