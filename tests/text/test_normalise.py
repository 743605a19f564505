"""What is written, and what is said for it: marks are shown, the closing full stop isn't."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

from vinovits.text import front_ends
from vinovits.text.reading import Sentence


def read(text: str) -> list[Sentence]:
    return list(front_ends.read(text, ["en"], "2.3"))


def spoken(text: str) -> str:
    words = " ".join(word.text for sentence in read(text) for word in sentence.words)
    return words.removesuffix(" .").lower()


NUMBERS = [
    ("7", "seven"),
    ("345", "three hundred forty five"),
    ("1,234,567", "one million two hundred thirty four thousand five hundred sixty seven"),
    ("1000000", "one million"),
    ("1 000 000", "one million"),
    ("₹1,00,000", "one hundred thousand rupees"),
    ("3.14", "three point one four"),
    (".5", "point five"),
    ("0.5", "zero point five"),
    ("1,234.56", "one thousand two hundred thirty four point five six"),
    ("007", "zero zero seven"),
    ("it is -5", "it is minus five"),
    ("it is −5", "it is minus five"),
    ("±5", "plus or minus five"),
    ("1st 2nd 3rd 21st 100th", "first second third twenty first one hundredth"),
    ("1e-5", "one times ten to the power of minus five"),
    ("6.02×10^23", "six point zero two times ten to the power of twenty three"),
    ("1/2", "one half"),
    ("3/4 of it", "three quarters of it"),
    ("½", "one half"),
    ("2 1/2", "two and a half"),
    ("2½ cups", "two and a half cups"),
    ("5/8", "five eighths"),
    ("8/10", "eight out of ten"),
    ("9.8/10", "nine point eight out of ten"),
    ("120/80", "one hundred twenty over eighty"),
    ("5-10", "five to ten"),
    ("5–10%", "five to ten percent"),
    ("they won 3-2", "they won three to two"),
    ("16:9", "sixteen to nine"),
    ("1920x1080", "nineteen twenty by ten eighty"),
    ("2x faster", "two times faster"),
    ("50%", "fifty percent"),
    ("room 101", "room one oh one"),
    ("flight 747", "flight seven forty seven"),
    ("the 747s", "the seven forty sevens"),
    ("No. 5", "number five"),
    ("#1", "number one"),
    ("5551234567", "five five five one two three four five six seven"),
    ("call 555-1234", "call five five five , one two three four"),
    ("(212) 555-0123", "two one two , five five five , zero one two three"),
    ("+44 20 7946", "plus four four , two zero , seven nine four six"),
    ("123-45-6789", "one two three , four five , six seven eight nine"),
    ("192.168.0.1", "one ninety two dot one sixty eight dot zero dot one"),
    ("v2.3.1", "version two point three point one"),
    ("Section 3.1.2", "section three point one point two"),
    ("10 + 5 = 15", "ten plus five equals fifteen"),
    ("10 x 2 = 20", "ten times two equals twenty"),
    ("7 - 3 = 4", "seven minus three equals four"),
    ("6 ÷ 2", "six divided by two"),
    ("a < b", "a is less than b"),
    ("x²", "x squared"),
    ("2^8", "two to the power of eight"),
    ("10⁻³", "ten to the power of minus three"),
    ("20/20, 24/7, 9/11", "twenty twenty , twenty four seven , nine eleven"),
]

DATES = [
    ("in 1984", "in nineteen eighty four"),
    ("in 2007", "in two thousand seven"),
    ("in 2024", "in twenty twenty four"),
    ("in 1905", "in nineteen oh five"),
    ("the 1900s", "the nineteen hundreds"),
    ("the 1990s", "the nineteen nineties"),
    ("the '90s", "the nineties"),
    ("the 80s", "the eighties"),
    ("in 1066,", "in ten sixty six ,"),
    ("1500 people", "one thousand five hundred people"),
    ("1776–1789", "seventeen seventy six to seventeen eighty nine"),
    ("1990-95", "nineteen ninety to ninety five"),
    ("(1812)", "eighteen twelve"),
    ("44 BC", "forty four b c"),
    ("2024-03-15", "march fifteenth twenty twenty four"),
    ("3/15/2024", "march fifteenth twenty twenty four"),
    ("15.03.2024", "march fifteenth twenty twenty four"),
    ("25/12/2024", "december twenty fifth twenty twenty four"),
    ("March 3rd 2024", "march third twenty twenty four"),
    ("March 3, 2024", "march third twenty twenty four"),
    ("3 Mar 2024", "the third of march twenty twenty four"),
    ("the 3rd of May", "the third of may"),
    ("Sept. 5", "september fifth"),
    ("June 15-20", "june fifteenth to twentieth"),
    ("May 2020", "may twenty twenty"),
    ("on 3/15", "on march fifteenth"),
    ("2024-03-15T14:05:00Z", "march fifteenth twenty twenty four fourteen oh five"),
    ("at 9:30", "at nine thirty"),
    ("9:30pm", "nine thirty p m"),
    ("9:05 a.m. today", "nine oh five a m today"),
    ("9 a.m.", "nine a m"),
    ("9:00", "nine o'clock"),
    ("14:05", "fourteen oh five"),
    ("14:00", "fourteen hundred"),
    ("3pm-5pm", "three p m to five p m"),
    ("John 3:16", "john three sixteen"),
]

AMOUNTS = [
    ("$5.20", "five dollars and twenty cents"),
    ("$1", "one dollar"),
    ("$1.01", "one dollar and one cent"),
    ("$0.99", "ninety nine cents"),
    ("£3m", "three million pounds"),
    ("£1.50", "one pound and fifty pence"),
    ("€1.5 billion", "one point five billion euros"),
    ("¥500", "five hundred yen"),
    ("US$20", "twenty u s dollars"),
    ("20 €", "twenty euros"),
    ("5 USD", "five u s dollars"),
    ("EUR 900", "nine hundred euros"),
    ("99¢", "ninety nine cents"),
    ("$5-10", "five to ten dollars"),
    ("$5-$10", "five dollars to ten dollars"),
    ("a $20 bill", "a twenty dollar bill"),
    ("the $64,000 question", "the sixty four thousand dollar question"),
    ("$5/month", "five dollars per month"),
    ("5kg", "five kilograms"),
    ("1 kg", "one kilogram"),
    ("a 5-kg bag", "a five kilogram bag"),
    ("2.5 cm", "two point five centimeters"),
    ("10 km/h", "ten kilometers per hour"),
    ("60 mph", "sixty miles per hour"),
    ("-5 °C", "minus five degrees celsius"),
    ("40°F", "forty degrees fahrenheit"),
    ("72° outside", "seventy two degrees outside"),
    ("16 GB", "sixteen gigabytes"),
    ("2.4 GHz", "two point four gigahertz"),
    ("5 m²", "five square meters"),
    ("12 sq ft", "twelve square feet"),
    ("100 mg/dL", "one hundred milligrams per deciliter"),
    ("5 µm", "five micrometers"),
    ("10 Ω", "ten ohms"),
    ("9.58s", "nine point five eight seconds"),
    ("25-30 min", "twenty five to thirty minutes"),
    ("3 oz. butter", "three ounces butter"),
    ("5'11\"", "five foot eleven"),
    ("she is 6' tall", "she is six feet tall"),
    ('a 12" ruler', "a twelve inch ruler"),
    ('he said "I am 11"', "he said i am eleven"),
    ("12 in. long", "twelve inches long"),
    ("5 in total", "five in total"),
    ("50k followers", "fifty thousand followers"),
    ("4K", "four k"),
    ("221B Baker Street", "two hundred twenty one b baker street"),
    ("Rs. 500", "five hundred rupees"),
]

WORDS = [
    ("Dr. Smith, Mr. Jones and Mrs. Brown", "doctor smith , mister jones and missus brown"),
    ("on St. James St. today", "on saint james street today"),
    ("10 Elm Dr. near", "ten elm drive near"),
    ("e.g. apples, i.e. fruit, etc.", "for example apples , that is fruit , et cetera"),
    ("Batman vs. Superman", "batman versus superman"),
    ("John F. Kennedy Jr. met", "john f kennedy junior met"),
    ("near Mt. Everest", "near mount everest"),
    ("pp. 3-7", "pages three to seven"),
    ("Vol. II", "volume two"),
    ("FBI", "fbi"),
    ("GPU", "g p u"),
    ("the U.S. and the U.K. agreed", "the u s and the u k agreed"),
    ("The U.S.'s role", "the u s's role"),
    ("HTML and JSON", "html and json"),
    ("NASA and NATO", "nasa and nato"),
    ("I work in IT.", "i work in i t"),
    ("3 M.D.s and 2 Ph.D.s.", "three m ds and two p h ds"),
    ("GPUs", "g p us"),
    ("AT&T and R&B", "a t and t and r and b"),
    ("MP3, COVID-19, B2B, H2O", "m p three , covid nineteen , b two b , h two o"),
    ("iPhone 15", "iphone fifteen"),
    ("PyTorch and PostgreSQL", "pytorch and postgresql"),
    ("ChatGPT on macOS", "chat g p t on macos"),
    ("Henry VIII", "henry the eighth"),
    ("Henry VIII's wives", "henry the eighth's wives"),
    ("Chapter IV", "chapter four"),
    ("World War II", "world war two"),
    ("WWII", "world war two"),
    ("Act V", "act five"),
    ("Henry I think", "henry i think"),
    ("I am", "i am"),
    ("King Charles I of England", "king charles the first of england"),
    ("Malcolm X", "malcolm x"),
    ("the XIXth century", "the nineteenth century"),
    ("Vitamin A, Plan A", "vitamin a , plan a"),
    ("C++, C# and .NET", "c plus plus , c sharp and dot net"),
    ("w/o, and/or, n/a", "without , and or , not applicable"),
    ("word(s)", "words"),
    ("well-known", "well known"),
    ("the 5-year-old", "the five year old"),
    ("'Tis the season, get 'em", "'tis the season , get 'em"),
    ("rock 'n' roll", "rock and roll"),
    ("the dogs' bowls", "the dogs' bowls"),
    ("naïve café", "naive cafe"),
    ("ｈｅｌｌｏ", "hello"),
    ("π ≈ 3.14", "pi approximately equals three point one four"),
    ("α and β", "alpha and beta"),
    ("THIS IS ALL UPPERCASE TEXT", "this is all uppercase text"),
]

WEB = [
    ("https://example.com/x", "example dot com slash x"),
    ("See www.example.com.", "see w w w dot example dot com"),
    ("example.com/about?x=1", "example dot com slash about question mark x equals one"),
    ("john.doe@mail.example.org", "john dot doe at mail dot example dot org"),
    ("report.pdf", "report dot pdf"),
    ("@jane_doe", "at jane doe"),
    ("#OpenSource", "hashtag open source"),
    ("Mr. & Mrs.", "mister and missus"),
    ("© 2024 Foo™", "copyright twenty twenty four foo"),
    ("§ 5", "section five"),
    ("100 % sure", "one hundred percent sure"),
]

MARKS = [
    ('"Wait," he said (quietly), "no."', "wait , he said , quietly , no"),
    ("long—very long—journey", "long , very long , journey"),
    ("Wait -- I forgot", "wait , i forgot"),
    ("one; two: three", "one , two , three"),
    ("Really?! Yes!!!", "really ? ! yes !"),
    ("well… maybe", "well , maybe"),
    ("Well...", "well …"),
    ("— Dash first", "dash first"),
    ("- bullet", "bullet"),
    ("see this.[12] Next", "see this . next"),
    ("Wow 😀 nice 👍", "wow nice"),
    ("ok :-) <3", "ok"),
    ("<b>bold</b> &amp; plain", "bold and plain"),
    ("<foo bar='x' baz=\"y z\">some</foo> <path d='M0 0'/>thing<hr/>", "some thing"),
    ("<button>Go</button> dear <your name>", "go dear your name"),
    ("Hi <script>alert(1)</script>there<!-- no -->", "hi there"),
    ("**bold** and `code`", "bold and code"),
    ("=====", ""),
]


@pytest.mark.parametrize(
    ("written", "expected"), [*NUMBERS, *DATES, *AMOUNTS, *WORDS, *WEB, *MARKS]
)
def test_reading(written: str, expected: str) -> None:
    assert spoken(written) == expected


@pytest.mark.parametrize("digits", [9, 10, 36, 37, 300, 400, 4999, 20_000])
def test_a_number_of_any_length_is_read(digits: int) -> None:
    words = spoken("7" * digits).split()
    assert words
    if digits > 36:
        assert words.count("seven") == digits


def test_one_number_shares_one_span_and_a_long_one_has_one_for_each_digit() -> None:
    (sentence,) = read("I have 25 cats, 0123")
    spans = {word.text: (word.start, word.end) for word in sentence.words}
    assert spans["twenty"] == spans["five"] == (7, 9)
    assert (spans["zero"], spans["three"]) == ((16, 17), (19, 20))


def test_spans_point_into_the_original_behind_folded_characters() -> None:
    text = "\u200bＣａｆé ﬁne"
    (sentence,) = read(text)
    words = [text[word.start : word.end] for word in sentence.words if not word.is_punctuation]
    assert words == ["Ｃａｆé", "ﬁne"]


def test_the_tables_of_the_documentation_are_up_to_date() -> None:
    script = Path(__file__).parents[2] / "recipes" / "english" / "examples.py"
    assert runpy.run_path(str(script))["main"](["--check"]) == 0
