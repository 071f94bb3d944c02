"""A world to try everything in: a shop that writes messy data, platforms that receive audiences."""
