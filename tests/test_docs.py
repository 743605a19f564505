"""The docs say what the code does: snippets run, names and messages exist, pictures are current."""

from __future__ import annotations

import ast
import dataclasses
import importlib.util
import re
import shlex
import shutil
import wave
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from vinovits.cli.main import cli
from vinovits.engine import shapes, windows
from vinovits.errors import UsageError
from vinovits.features.bert import STATIC_BUCKETS
from vinovits.nets.variants import VARIANTS
from vinovits.store.catalogue import catalogue
from vinovits.text.symbols import LanguageNumbers, SymbolTable
from vinovits.voices import manifest

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = sorted([ROOT / "README.md", *DOCS.glob("*.md"), ROOT / "recipes" / "joe-en" / "README.md"])

pages = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def blocks(page: Path, language: str) -> list[str]:
    """Fenced code of one language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text("utf-8"), re.M | re.S)


def prose(page: Path) -> str:
    """The page without its fenced code."""
    return re.sub(r"^ *```.*?^ *```$", "", page.read_text("utf-8"), flags=re.M | re.S)


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        "README.md",
        "docs/first-five-minutes.md",
        "docs/how-it-works.md",
        "docs/python-api.md",
        "docs/converting.md",
    ],
)
def test_python_snippets_run_one_after_the_other(
    name: str, tiny_checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for file in tiny_checkpoint.iterdir():
        shutil.copy(file, tmp_path)
    found = blocks(ROOT / name, "python")
    assert found
    names: dict[str, object] = {}
    for number, code in enumerate(found):
        exec(compile(code, f"{name}, snippet {number + 1}", "exec"), names)


def test_how_it_works_shows_what_its_snippet_prints(capsys: pytest.CaptureFixture[str]) -> None:
    [code] = blocks(DOCS / "how-it-works.md", "python")
    [shown] = blocks(DOCS / "how-it-works.md", "text")
    exec(code, {})
    assert capsys.readouterr().out == shown


def test_documented_steps_are_those_of_the_code() -> None:
    text = (DOCS / "how-it-works.md").read_text("utf-8")
    growth = ", ".join(map(str, windows.GROWTH))
    for name, value in (
        ("PHONE_STEP", shapes.PHONE_STEP),
        ("FRAME_STEP", shapes.FRAME_STEP),
        ("STEP", windows.STEP),
        ("GROWTH", growth),
    ):
        assert f"`{name}` ({value})" in text


def test_documented_static_shapes_are_those_of_the_code() -> None:
    text = (DOCS / "devices.md").read_text("utf-8")
    for unit, lengths in (
        ("steps", shapes.PHONE_BUCKETS),
        ("frames", shapes.FRAME_BUCKETS),
        ("tokens", STATIC_BUCKETS),
    ):
        assert f"| {', '.join(map(str, lengths[:-1]))} or {lengths[-1]} {unit}" in text
    first, later = windows.FIXED
    assert f"windows of {first} and {later} frames; of {windows.SHORT[0]} for" in text


@pages
def test_shell_commands_are_understood(page: Path) -> None:
    joined = (block.replace("\\\n", " ") for block in blocks(page, "sh"))
    lines = [line for block in joined for line in block.splitlines()]
    lines += re.findall(r'`(vinovits (?:\w+) [^`]*(?:"|--)[^`]*)`', prose(page))
    for line in lines:
        for words in _commands(line):
            if words[0] == "vinovits" and not words[1].startswith("-"):
                _parse(words[1:])
            elif words[0] == "make":
                goals = [word for word in words[1:] if "=" not in word]
                makefile = (ROOT / "Makefile").read_text("utf-8")
                assert all(re.search(rf"^{goal}:", makefile, re.M) for goal in goals), line


def _parse(words: list[str]) -> None:
    """Parse a command without running it; the files that it names needn't be there."""
    try:
        cli.commands[words[0]].make_context(words[0], words[1:])
    except UsageError as error:
        if "no such file or directory" not in str(error):
            raise


def _commands(line: str) -> Iterator[list[str]]:
    """The words of each command of a pipeline."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|")
    lexer.whitespace_split = True
    words: list[str] = []
    for word in [*lexer, "|"]:
        if word != "|":
            words.append(word)
        elif words:
            yield words
            words = []


@pages
def test_links_lead_somewhere(page: Path) -> None:
    text = prose(page)
    targets = re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(r'(?:src|href)="([^"]+)"', text)
    for target in targets:
        if target.startswith(("https://", "#")):
            continue
        path, _, anchor = target.partition("#")
        found = page.parent / path
        assert found.is_file(), f"{page.name}: {target}"
        if anchor:
            assert anchor in _anchors(found), f"{page.name}: {target}"


def _anchors(page: Path) -> set[str]:
    """Of the headings, as mkdocs makes them."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.M)
    return {
        re.sub(r"[\s-]+", "-", re.sub(r"[^\w\s-]", "", heading.lower())).strip("-")
        for heading in headings
    }


@pages
def test_no_figure_is_left_to_be_filled_in(page: Path) -> None:
    assert re.findall(r"@[A-Z0-9_]+@", page.read_text("utf-8")) == []


def test_every_page_is_in_the_navigation() -> None:
    listed = re.findall(r": ([\w-]+\.md)$", (ROOT / "mkdocs.yml").read_text("utf-8"), re.M)
    assert sorted(listed) == sorted(page.name for page in DOCS.glob("*.md"))


def test_the_site_takes_nothing_from_elsewhere() -> None:
    config = (ROOT / "mkdocs.yml").read_text("utf-8")
    assert "font: false" in config
    assert "http" not in config


@pytest.fixture(scope="module")
def pictures() -> ModuleType:
    """docs/pictures.py, which isn't in a package."""
    spec = importlib.util.spec_from_file_location("pictures", DOCS / "pictures.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # Dataclasses look their module up while they are made.
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(__import__("sys").modules, "pictures", module)
        spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["stages.svg", "windows.svg"])
def test_pictures_are_current(pictures: ModuleType, name: str) -> None:
    drawn = pictures.PICTURES[name]()
    committed = (DOCS / "images" / name).read_text("utf-8")
    assert drawn == committed, "Run `python docs/pictures.py` and look at what it draws."


@pytest.mark.parametrize("path", ["vinovits.engine.synthesis.gone", "vinovits.gone.flow", "gone"])
def test_pictures_refuse_names_that_are_gone(pictures: ModuleType, path: str) -> None:
    with pytest.raises(LookupError, match=re.escape(path)):
        pictures.lookup(path)


@pytest.mark.parametrize(
    "kind",
    [
        manifest.VoiceManifest,
        manifest.Card,
        manifest.Defaults,
        manifest.FeatureNeed,
        manifest.Spectrogram,
        manifest.EmotionNeed,
        SymbolTable,
        LanguageNumbers,
    ],
)
def test_every_key_of_the_manifest_is_explained(kind: type) -> None:
    text = (DOCS / "voice-folder.md").read_text("utf-8")
    missing = [field.name for field in dataclasses.fields(kind) if f"`{field.name}`" not in text]
    assert missing == []


def test_documented_defaults_are_those_of_the_code() -> None:
    text = (DOCS / "voice-folder.md").read_text("utf-8")
    for name, value in dataclasses.asdict(manifest.Defaults()).items():
        assert f"| `{name}` | {value} |" in text


@pytest.mark.parametrize("name", VARIANTS)
def test_each_family_has_its_needs_and_a_command(name: str) -> None:
    heading = "1.1.0 and 1.1.1" if name in ("1.1.0", "1.1.1") else name
    text = _section("families.md", heading)
    variant = VARIANTS[name]
    models = [need.model for need in variant.features]
    if variant.condition is not None and variant.condition.model:
        models.append(variant.condition.model)
    for model in models:
        assert f"`{model}`" in text
    for language in ("zh", "ja"):
        assert (f"vinovits[{language}]" in text) is (language in variant.languages)
    for command in ("vinovits models pull ", "vinovits say "):
        assert command in text
    assert re.search(r"vinovits (convert|pull) ", text)
    pulled = re.findall(r"^vinovits models pull (.+)$", text, re.M)
    assert {model for line in pulled for model in line.split()} <= set(models)


@pytest.mark.parametrize("name", VARIANTS)
def test_the_table_of_families_is_that_of_the_code(name: str) -> None:
    variant = VARIANTS[name]
    text = (DOCS / "families.md").read_text("utf-8")
    [row] = re.findall(rf"^\| `{re.escape(name)}` \|(.*)\|$", text, re.M)
    symbols, languages, features, condition, flow = (cell.strip() for cell in row.split("|"))
    table = variant.table
    assert symbols.split(", ")[0] == str(len(table.symbols))
    assert int(symbols.split(", ")[1]) == table.tone_count
    assert languages == ", ".join(variant.languages)
    assert features == ", ".join(f"`{need.name}` ({need.width})" for need in variant.features)
    taken = variant.condition
    assert condition == ("" if taken is None else f"{taken.input} ({taken.width})")
    assert flow == f"{variant.transformer_flow_layers} layers"


def test_the_table_of_models_is_that_of_the_catalogue() -> None:
    rows = re.findall(
        r"^\| `([^`]+)` \| .+? \| .+? \| (.+?) \| (.+?) \|$",
        _section("models.md", "Feature models"),
        re.M,
    )
    told = {name: (size, licence) for name, size, licence in rows}
    known = [model for model in catalogue().values() if model.kind == "features"]
    assert list(told) == [model.name for model in known]
    for model in known:
        size = f"{model.size_bytes / 1e9:.1f} GB" if model.size_bytes else "not known"
        assert told[model.name][0].removeprefix("about ") == size
        assert told[model.name][1] == model.licence


def test_messages_in_the_docs_are_those_of_the_code() -> None:
    constants = "\n".join(
        node.value
        for path in (ROOT / "src").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )
    headings = re.findall(r"^### `(.+)`$", (DOCS / "troubleshooting.md").read_text("utf-8"), re.M)
    cells = re.findall(r"^\| `(.+?)`[^|`]* \|", _section("converting.md", "When it fails"), re.M)
    assert headings
    assert cells
    foreign = {"ensurepip is not available"}  # Python's own
    for message in {*headings, *cells} - foreign:
        for part in message.split("…"):
            # Logging has placeholders of its own.
            assert part.strip() in constants.replace("%s", ""), message


def _section(name: str, heading: str) -> str:
    text = (DOCS / name).read_text("utf-8")
    return text.split(f"## {heading}\n")[1].split("\n## ")[0]


@pytest.mark.parametrize("path", sorted((DOCS / "samples").glob("*.wav")), ids=lambda p: p.name)
def test_samples_are_small_and_plain(path: Path) -> None:
    with wave.open(str(path)) as sample:
        assert (sample.getframerate(), sample.getsampwidth(), sample.getnchannels()) == (
            22050,
            2,
            1,
        )
        assert 2 < sample.getnframes() / sample.getframerate() < 12
