"""The user's readings of words: what they are, and where they stand in a text."""

from vinovits.text.lexicon.entry import LexiconEntry, checked
from vinovits.text.lexicon.lexicon import Lexicon

__all__ = ["Lexicon", "LexiconEntry", "checked"]
