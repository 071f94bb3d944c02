"""The second purchase: curves of first buyers, odds, and what one is worth."""
