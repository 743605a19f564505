"""Who reads what: a narrator, speakers, and rules that tell whose a stretch of a book is."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vinovits.books.model import Block, Kind
from vinovits.errors import MissingExtraError, UsageError
from vinovits.text.markup import parse

SETTINGS = (
    *("voice", "speaker", "style", "style_weight", "emotion", "seed", "speed", "sdp_ratio"),
    *("noise", "noise_w", "pause", "language", "assist_text", "assist_weight"),
)
"""What a role may set: the voice, and what it is to sound like."""
NARRATOR = "narrator"
DIALOGUE = "dialogue"
_KINDS = {"headings": Kind.HEADING, "quotations": Kind.QUOTE, "notes": Kind.NOTE}
"""Parts of a book that may have a role of their own."""
QUOTES = ("“”", '""', "「」", "『』", "«»", "„“")
_MOST_PATTERN = 500
_TURN = re.compile(r"\[speaker ([^\[\]]{1,80})\](.*?)\[/speaker\]", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Pauses:
    """Seconds of silence, beside what voices make of punctuation by themselves."""

    paragraph: float = 0.5
    heading: float = 1.0
    """Before and behind headings."""
    scene: float = 1.5
    """At a change of scene."""
    chapter: float = 2.5
    """Between chapters of one file."""
    turn: float = 0.1
    """Within a paragraph, where another reads on."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Tells whose some lines are."""

    speaker: str
    says: re.Pattern[str] | None = None
    """Found in a paragraph outside its quotes, which are then the speaker's."""
    line: re.Pattern[str] | None = None
    """Found at the beginning of a paragraph that is the speaker's; itself it isn't read."""


@dataclass(frozen=True, slots=True)
class Cast:
    """Who reads a book."""

    roles: Mapping[str, Mapping[str, Any]]
    """Voice and settings by the name of the role: "narrator", which all others complete, perhaps
    "dialogue", "headings", "quotations", "notes", and the names of speakers."""
    rules: tuple[Rule, ...] = ()
    quotes: tuple[str, ...] = QUOTES
    """Pairs of characters between which somebody speaks."""
    pauses: Pauses = field(default_factory=Pauses)
    lexicon: Path | None = None

    def role(self, name: str) -> dict[str, Any]:
        """Voice and settings of a role; what it doesn't set is the narrator's."""
        return {**self.roles[NARRATOR], **self.roles.get(name, {})}

    def turns(self, block: Block) -> list[tuple[str, str]]:
        """Who reads which stretches of a block.

        Args:
            block: With text.

        Returns:
            Names of roles, and texts in our markup, in order; stretches that nobody could hear are
            with the one before.
        """
        usual = next((name for name, kind in _KINDS.items() if kind is block.kind), NARRATOR)
        usual = usual if usual in self.roles else NARRATOR
        turns = list(self._tagged(block.text, usual))
        if any(not _is_whole(text) for _, text in turns):
            # A stretch of markup crosses the border of a turn.
            return [(usual, block.text)]
        return _merged(turns)

    def _tagged(self, text: str, usual: str) -> Iterator[tuple[str, str]]:
        """Turns that tags tell, and those that rules do in the rest."""
        for rule in self.rules:
            if rule.line is not None and (match := rule.line.match(text)):
                yield rule.speaker, text[match.end() :].lstrip()
                return
        begin = 0
        for match in _TURN.finditer(text):
            if match[1] in self.roles:
                yield from self._spoken(text[begin : match.start()], usual)
                yield match[1], match[2]
                begin = match.end()
        yield from self._spoken(text[begin:], usual)

    def _spoken(self, text: str, usual: str) -> Iterator[tuple[str, str]]:
        """A stretch, parted into what is in quotes and what isn't."""
        if DIALOGUE not in self.roles and not any(rule.says for rule in self.rules):
            yield usual, text
            return
        pieces = list(_quoted(text, self.quotes))
        around = " ".join(piece for piece, is_quoted in pieces if not is_quoted)
        saying = next(
            (rule.speaker for rule in self.rules if rule.says and rule.says.search(around)), None
        )
        said_by = saying or (DIALOGUE if DIALOGUE in self.roles else usual)
        for piece, is_quoted in pieces:
            yield said_by if is_quoted else usual, piece


def _quoted(text: str, quotes: tuple[str, ...]) -> Iterator[tuple[str, bool]]:
    """Stretches in order, and whether somebody speaks there. Quotes may lack their end."""
    begin = 0
    position = 0
    opening = {pair[0]: pair[1] for pair in quotes}
    while position < len(text):
        closing = opening.get(text[position])
        if closing is None:
            position += 1
            continue
        end = text.find(closing, position + 1)
        end = len(text) if end < 0 else end + 1
        if begin < position:
            yield text[begin:position], False
        yield text[position:end], True
        begin = position = end
    if begin < len(text):
        yield text[begin:], False


def _merged(turns: list[tuple[str, str]]) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for role, text in turns:
        silent = not any(character.isalnum() for character in text)
        if found and (silent or found[-1][0] == role):
            found[-1] = found[-1][0], found[-1][1] + text
        elif not found and silent:
            found.append((role, text))
        elif len(found) == 1 and not any(character.isalnum() for character in found[0][1]):
            found[0] = role, found[0][1] + text
        else:
            found.append((role, text))
    return [(role, text.strip()) for role, text in found if text.strip()]


def _is_whole(text: str) -> bool:
    from vinovits.errors import TextError

    try:
        parse(text, "plain")
    except TextError:
        return False
    return True


def plain_cast(settings: Mapping[str, Any]) -> Cast:
    """One voice reads all.

    Args:
        settings: "voice", and others of `SETTINGS`.
    """
    return Cast({NARRATOR: dict(settings)})


def read_cast(path: Path, settings: Mapping[str, Any]) -> Cast:
    """Read a cast from a file in YAML.

    Args:
        path: The file.
        settings: The narrator's where the file doesn't set them.

    Raises:
        UsageError: There is no such file, or something in it can't be right.
        MissingExtraError: What reads YAML isn't installed.
    """
    try:
        import yaml
    except ModuleNotFoundError:
        raise MissingExtraError(
            "Reading a cast needs a package that isn't installed: run "
            "`pip install 'vinovits[books]'`."
        ) from None
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise UsageError(
            f"The cast {path} can't be read: {(error.strerror or '').lower()}."
        ) from None
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(f"The cast {path} isn't YAML: {' '.join(str(error).split())}") from None
    return _cast(_mapping(data, f"The cast {path.name}"), settings, path)


_TOP = (NARRATOR, DIALOGUE, *_KINDS, "speakers", "rules", "quotes", "pauses", "lexicon")


def _cast(data: Mapping[str, Any], settings: Mapping[str, Any], path: Path) -> Cast:
    _known(data, _TOP, f"The cast {path.name}")
    roles: dict[str, Mapping[str, Any]] = {NARRATOR: dict(settings)}
    for name in (NARRATOR, DIALOGUE, *_KINDS):
        if name in data:
            roles[name] = {**roles.get(name, {}), **_role(data[name], name)}
    speakers = _mapping(data.get("speakers") or {}, "`speakers`")
    for name, role in speakers.items():
        if str(name) in _TOP:
            raise UsageError(f"A speaker can't be called {name!r}: that is the name of a role.")
        roles[str(name)] = _role(role, str(name))
    rules = data.get("rules") or []
    quotes = data.get("quotes", list(QUOTES))
    if not isinstance(rules, list) or not isinstance(quotes, list):
        raise UsageError("`rules` and `quotes` of a cast are lists.")
    for pair in quotes:
        if not isinstance(pair, str) or len(pair) != 2:
            raise UsageError(f"{pair!r:.40} is no pair of quotes, such as “”.")
    lexicon = data.get("lexicon")
    if lexicon is not None and not isinstance(lexicon, str):
        raise UsageError("`lexicon` of a cast is the name of a file.")
    return Cast(
        roles,
        tuple(_rule(rule, roles) for rule in rules),
        tuple(quotes),
        _pauses(data.get("pauses") or {}),
        None if lexicon is None else path.parent / lexicon,
    )


def _mapping(data: object, what: str) -> Mapping[Any, Any]:
    if not isinstance(data, Mapping):
        raise UsageError(f"{what} isn't a mapping of names to values.")
    return data


def _known(data: Mapping[Any, Any], names: tuple[str, ...], what: str) -> None:
    for name in data:
        if name not in names:
            near = difflib.get_close_matches(str(name), names, 1)
            hint = f" Did you mean {near[0]!r}?" if near else f" There are: {', '.join(names)}."
            raise UsageError(f"{what} has no entry {name!r:.60}.{hint}")


def _role(data: object, name: str) -> Mapping[str, Any]:
    if isinstance(data, str):
        return {"voice": data}
    role = _mapping(data, f"The role {name!r}")
    _known(role, SETTINGS, f"The role {name!r}")
    return dict(role)


def _rule(data: object, roles: Mapping[str, Any]) -> Rule:
    rule = _mapping(data, "A rule")
    _known(rule, ("speaker", "says", "line"), "A rule")
    speaker = rule.get("speaker")
    if speaker not in roles:
        near = difflib.get_close_matches(str(speaker), [str(role) for role in roles], 1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise UsageError(f"A rule names the speaker {speaker!r:.60}, who isn't in the cast.{hint}")
    patterns = {name: _pattern(rule[name]) for name in ("says", "line") if name in rule}
    if not patterns:
        raise UsageError(f"The rule of {speaker!r} needs `says` or `line`.")
    return Rule(str(speaker), patterns.get("says"), patterns.get("line"))


def _pattern(text: object) -> re.Pattern[str]:
    if not isinstance(text, str) or not text or len(text) > _MOST_PATTERN:
        raise UsageError(f"{text!r:.60} is no regular expression of a rule.")
    try:
        return re.compile(text)
    except re.error as error:
        raise UsageError(f"{text!r:.60} is no regular expression: {error}.") from None


def _pauses(data: object) -> Pauses:
    given = _mapping(data, "`pauses`")
    _known(given, Pauses.__slots__, "`pauses`")
    for name, seconds in given.items():
        is_number = isinstance(seconds, int | float) and not isinstance(seconds, bool)
        if not is_number or not 0 <= seconds <= 60:
            raise UsageError(f"The pause {name!r} is 0 to 60 seconds, not {seconds!r:.40}.")
    return Pauses(**{name: float(seconds) for name, seconds in given.items()})
