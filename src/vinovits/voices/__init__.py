"""The voice folder: its manifest, reading and checking it, and finding voices by name."""
