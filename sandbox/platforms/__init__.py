"""The receiving platforms' APIs as one strict local server, whose state anyone can inspect."""
