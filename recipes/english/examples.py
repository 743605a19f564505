"""Make the tables of examples in docs/english.md with the real front end.

Usage: python recipes/english/examples.py [--check]

Without an option the page is rewritten; with --check nothing is written, and the exit code is 1 if
the page is out of date.
"""

from __future__ import annotations

import sys
from pathlib import Path

from click.testing import CliRunner

from vinovits.cli.main import cli
from vinovits.text.english import RULES, read

PAGE = Path(__file__).parents[2] / "docs" / "english.md"
EXAMPLES = {
    "numbers": [
        "1,234,567 people",
        "3.14 and .5",
        "it is -5",
        "007",
        "the 21st",
        "1/2, 3/4, 2 1/2, 5/8",
        "5-10, they won 3-2, 16:9",
        "Room 101, flight 747",
        "call 555-0199 or +44 20 7946 0958",
        "192.168.0.1, v2.3.1",
        "10 + 5 = 15, 3 × 4, x², 10^6, a < b",
        "6.02×10^23, 1e-5",
        "123456789012345678901234567890",
    ],
    "dates": [
        "in 1984, in 2007, in 2024, the 1990s, the '80s",
        "1776–1789, in 1066, 1500 people",
        "2024-03-15, 3/15/2024, 25/12/2024",
        "March 3rd 2024, 3 Mar 2024, June 15-20",
        "9:30pm, 9:05 a.m., 14:05, 9:00",
    ],
    "amounts": [
        "$5.20, £3m, €1.5 billion, US$20, 99¢",
        "a $20 bill, $5-10, $5/month",
        "5kg, a 5-kg bag, 10 km/h, 5 m², 100 mg/dL",
        "-5 °C, 40°F, 50%, 16 GB, 2.4 GHz",
        "she is 5'11\", 3 oz. butter",
    ],
    "words": [
        "Dr. Smith on St. James St. near Elm Dr. today",
        "e.g. apples, i.e. fruit, etc. and so on",
        "the FBI, the U.S. and HTTP, but NASA",
        "three DVDs, two GPUs, the CEO's car",
        "MP3, COVID-19, B2B, iPhone 15, F-16",
        "PyTorch, PostgreSQL, ChatGPT",
        "Henry VIII, Chapter IV, World War II, Henry I think",
        "C++, w/o, and/or, R&B",
        "https://example.com/x?y=1, john.doe@example.org",
        "#OpenSource by @jane_doe, #1",
        "π ≈ 3.14, © 2024 Foo™, § 5",
    ],
    "marks": [
        '"Wait," he said (quietly), "no."',
        "It was a long—very long—day",
        "Well… maybe; or not: who knows",
        "Really?! Yes!!!",
        "Nice 👍 work :-)",
    ],
}


SHOWN = "Dr. Who read $2.50 to a zorblatt."
"""What `vinovits phones` is shown with."""
RELEASED = [
    "The 1st ran 100m in 9.58s.",
    "3.14, 1984, $2.50",
    "9:30 a.m. on 3/15/2024",
    "a well-known (text-to-speech) voice",
    "50% of €30",
    "Dr. Smith on Elm St.",
]


def table(texts: list[str]) -> str:
    """A Markdown table of what is written and what is said."""
    rows = ["| written | spoken |", "|---|---|"]
    for text in texts:
        words = " ".join(word.text for sentence in read(text) for word in sentence.words)
        rows.append(f"| {text} | {words.removesuffix(' .')} |")
    return "\n".join(rows)


def released_table() -> str:
    """A Markdown table of the released readings of 2.1 beside ours."""
    rows = ["| written | 2.1 says | ours |", "|---|---|---|"]
    for text in RELEASED:
        said = [
            " ".join(
                word.text
                for sentence in read(text, RULES[name])
                for word in sentence.words
                if word.phones
            ).removesuffix(" .")
            for name in ("2.1", "better/2.1")
        ]
        rows.append(f"| {text} | {said[0]} | {said[1]} |")
    return "\n".join(rows)


def command_output() -> str:
    """A code block with what `vinovits phones` prints."""
    result = CliRunner().invoke(cli, ["phones", SHOWN])
    return f'```\n$ vinovits phones "{SHOWN.replace("$", chr(92) + "$")}"\n{result.stdout}```'


def filled(page: str) -> str:
    """The page with the tables between their comments made anew."""
    parts = {name: table(texts) for name, texts in EXAMPLES.items()}
    parts |= {"released": released_table(), "phones": command_output()}
    for name, part in parts.items():
        begin, end = f"<!-- {name} -->\n", f"<!-- end {name} -->"
        head, _, rest = page.partition(begin)
        _, _, tail = rest.partition(end)
        page = f"{head}{begin}{part}\n{end}{tail}"
    return page


def main(arguments: list[str]) -> int:
    """Rewrite or check the page; return the exit code."""
    page = PAGE.read_text("utf-8")
    made = filled(page)
    if arguments == ["--check"]:
        return int(made != page)
    PAGE.write_text(made, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
