"""From text to phones and tones, one front end per language."""
