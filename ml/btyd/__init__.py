"""Buy till you die: everybody orders at a rate of their own until they leave without a word."""
