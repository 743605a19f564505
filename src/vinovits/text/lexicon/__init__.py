"""The user's readings of words: what they are, and where they stand in a text."""

from vinovits.text.lexicon.entry import LexiconEntry, checked
from vinovits.text.lexicon.lexicon import Lexicon
from vinovits.text.lexicon.loops import check_loops

__all__ = ["Lexicon", "LexiconEntry", "check_loops", "checked"]
