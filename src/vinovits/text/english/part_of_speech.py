"""A guess at what a word is in its place, from its neighbours alone.

It serves only to choose between two readings of one spelling, so it knows the words that decide
most often - articles, pronouns, auxiliaries, "to" - and says "unknown" for the rest.
"""

from __future__ import annotations

from collections.abc import Sequence

from vinovits.text.word_sets import word_set

NOUN, VERB, PAST, PARTICIPLE, UNKNOWN = "noun", "verb", "past", "participle", "unknown"

_DETERMINERS = word_set(
    "the a an this that these those my your his her its our their no some any each every "
    "another whose all both few many several much more most such what which one two three "
    "four five six seven eight nine ten first last next new old same other own"
)
_PREPOSITIONS = word_set(
    "of in on at by for with from about into over under between through during without "
    "against after before since until within near among behind beyond despite toward towards "
    "upon per as than like"
)
_MODALS = word_set(
    "will would can could shall should may might must do does did don't doesn't didn't can't "
    "couldn't won't wouldn't shouldn't mustn't cannot let's please i'll you'll he'll she'll "
    "we'll they'll it'll i'd you'd he'd she'd we'd they'd who'll helped help"
)
_HAVE_OR_BE = word_set(
    "have has had having haven't hasn't hadn't be am is are was were been being isn't aren't "
    "wasn't weren't i've you've we've they've he's she's it's who's who've i'm you're we're "
    "they're get gets got getting"
)
_PLURAL_SUBJECTS = word_set("i you we they who people men women children police")
_SINGULAR_SUBJECTS = frozenset(["he", "she", "it"])
_OBJECTS = word_set("me him them us her it")
_CAUSING = word_set("let make makes made help helps helped see saw watch watched hear heard")
_ADVERBS = word_set(
    "always never often usually also just still even ever only really not now then already "
    "soon both all easily quickly slowly quietly simply probably actually finally recently "
    "first sometimes once"
)
_NOUNS_AFTER_TO = word_set(
    "due according thanks access subject prior related addicted exposed similar attached respect"
)
_PAST_SIGNS = word_set(
    "yesterday ago last was were had did said went came saw told knew thought once when then "
    "morning"
)
_CONTRACTED_BE = word_set("it's he's she's that's there's here's what's who's let's how's where's")
_MARKS = frozenset("!?….,'-")
_ADJECTIVE_ENDINGS = (
    "al",
    "ic",
    "ous",
    "ive",
    "ful",
    "less",
    "able",
    "ible",
    "ary",
    "est",
    "ish",
    "an",
)


def guess(words: Sequence[str], index: int) -> str:
    """Guess the part of speech of one word.

    Args:
        words: The sentence in lower case, marks included.
        index: Which of them.

    Returns:
        "noun" (also for adjectives), "verb", "past", "participle" or "unknown". The last two kinds
        of verb are told from "verb" only by what stands before ("has", "he").
    """
    before = index - 1
    while before >= 0 and words[before] in _ADVERBS:
        before -= 1
    previous = words[before] if before >= 0 else ""
    following = words[index + 1] if index + 1 < len(words) else ""
    if previous == "" or previous in _MARKS:
        if following in _DETERMINERS or following in _OBJECTS:
            return VERB  # "Close the door", "Record it"
        return UNKNOWN
    by_auxiliary = _after_auxiliary(words, before, index)
    if by_auxiliary:
        return by_auxiliary
    if previous in _DETERMINERS or _is_possessive(previous):
        return NOUN
    if previous in _PREPOSITIONS:
        return NOUN
    if previous in ("and", "or"):
        return _coordinated(words, before, following)
    return _after_content_word(words, before, previous, following)


def _after_auxiliary(words: Sequence[str], before: int, index: int) -> str:
    """What "to", modals, "have", "be" and subjects decide; "" if none of these stands before."""
    previous = words[before]
    earlier = words[before - 1] if before > 0 else ""
    if previous == "to":
        return NOUN if earlier in _NOUNS_AFTER_TO else VERB
    if previous in _MODALS:
        return VERB
    if previous in _HAVE_OR_BE:
        return PARTICIPLE
    if previous in _OBJECTS and earlier in _CAUSING:
        return VERB
    if previous in _SINGULAR_SUBJECTS:
        if earlier in _MODALS:
            return VERB
        return VERB if words[index].endswith("s") else PAST
    if previous in _PLURAL_SUBJECTS:
        past = previous != "who" and earlier not in _MODALS and any(w in _PAST_SIGNS for w in words)
        return PAST if past else VERB
    return ""


def _is_possessive(word: str) -> bool:
    return word.endswith(("'s", "s'")) and word not in _CONTRACTED_BE


def _coordinated(words: Sequence[str], before: int, following: str) -> str:
    """In "to read and record" the verb's sign may stand before the first of two."""
    for word in reversed(words[max(0, before - 4) : before]):
        if word in _DETERMINERS or word in _PREPOSITIONS or word in _MARKS:
            break
        if word == "to" or word in _MODALS or word in _PLURAL_SUBJECTS:
            return VERB
    return VERB if following in _DETERMINERS or following in _OBJECTS else UNKNOWN


def _after_content_word(words: Sequence[str], before: int, previous: str, following: str) -> str:
    if following == "of":
        return NOUN
    earlier = words[before - 1] if before > 0 else ""
    plural = previous.endswith("s") and not previous.endswith(("ss", "us", "is"))
    if plural and (following in _DETERMINERS or following in _OBJECTS or earlier in _DETERMINERS):
        return VERB
    if earlier in _DETERMINERS or _is_possessive(earlier):
        if previous.endswith(_ADJECTIVE_ENDINGS):
            return NOUN
        if following in _DETERMINERS or following in _OBJECTS:
            return PAST
        return NOUN
    if previous.endswith(_ADJECTIVE_ENDINGS):
        return NOUN
    if following in _DETERMINERS and not plural:
        return PAST
    return UNKNOWN
