"""Records of no registry of their own: our layout, and columns or keys that are guessed."""
