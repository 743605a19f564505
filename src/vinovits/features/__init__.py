"""Text in, numpy out: the feature models that tell a voice what the words mean."""
