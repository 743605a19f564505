"""Books: what is read of the files that people have them in."""
