"""What to offer next: baskets, tastes, odds, and how both lists are judged."""
