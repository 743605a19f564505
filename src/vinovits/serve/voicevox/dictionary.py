"""The paths of VOICEVOX's user dictionary."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, Query
from starlette.responses import Response

from vinovits.serve.details import ANSWERS, refuse
from vinovits.serve.services import Services
from vinovits.serve.voicevox.models import UserDictWord
from vinovits.serve.voicevox.words import Words

_UUID = "0b4e2a52-7d0c-5b43-9d2c-0f6f3f5c8a11"
_WORD = {
    "surface": "橋本",
    "priority": 5,
    "context_id": 1348,
    "part_of_speech": "名詞",
    "part_of_speech_detail_1": "固有名詞",
    "part_of_speech_detail_2": "一般",
    "part_of_speech_detail_3": "*",
    "inflectional_type": "*",
    "inflectional_form": "*",
    "stem": "*",
    "yomi": "ハシモト",
    "pronunciation": "ハシモト",
    "accent_type": 0,
    "mora_count": 4,
    "accent_associative_rule": "*",
}
_DICTIONARY = {_UUID: _WORD}

Surface = Annotated[
    str, Query(min_length=1, max_length=100, description="The word.", examples=["橋本"])
]
Pronunciation = Annotated[
    str, Query(min_length=1, max_length=900, description="In katakana.", examples=["ハシモト"])
]
AccentType = Annotated[
    int,
    Query(ge=0, le=1000, description="Mora behind which the tone falls; 0: none.", examples=[0]),
]
WordType = Annotated[
    Literal["PROPER_NOUN", "COMMON_NOUN", "VERB", "ADJECTIVE", "SUFFIX"] | None,
    Query(description="Ignored: each word is a proper noun."),
]
Priority = Annotated[int, Query(ge=0, le=10)]


def _answer(example: Any, what: str) -> dict[int | str, dict[str, Any]]:
    content = {"application/json": {"example": example}}
    return {200: {"description": what, "content": content}, **ANSWERS}


def add_dictionary(router: APIRouter, services: Services) -> None:
    """Add `/user_dict`, `/user_dict_word` and `/import_user_dict`."""
    words = Words()

    def check() -> None:
        if not services.settings.change_lexicon:
            raise refuse(403, "The lexicons of this server can't be changed by requests.")

    @router.get("/user_dict", responses=_answer(_DICTIONARY, "By UUID."))
    def dictionary() -> dict[str, UserDictWord]:
        """The Japanese words of the user's lexicon."""
        return words.all()

    @router.post("/user_dict_word", responses=_answer(_UUID, "The UUID of the word."))
    def add(
        surface: Surface,
        pronunciation: Pronunciation,
        accent_type: AccentType,
        word_type: WordType = None,
        priority: Priority = 5,
    ) -> str:
        """Add a word to the user's lexicon."""
        check()
        return words.add(_word(surface, pronunciation, accent_type, priority))

    @router.put("/user_dict_word/{word_uuid}", status_code=204, responses=ANSWERS)
    def change(
        word_uuid: str,
        surface: Surface,
        pronunciation: Pronunciation,
        accent_type: AccentType,
        word_type: WordType = None,
        priority: Priority = 5,
    ) -> Response:
        """Put another word in the place of one."""
        check()
        words.change(word_uuid, _word(surface, pronunciation, accent_type, priority))
        return Response(status_code=204)

    @router.delete("/user_dict_word/{word_uuid}", status_code=204, responses=ANSWERS)
    def remove(word_uuid: str) -> Response:
        """Remove a word."""
        check()
        words.remove(word_uuid)
        return Response(status_code=204)

    @router.post("/import_user_dict", status_code=204, responses=ANSWERS)
    def take(
        override: Annotated[bool, Query(description="Change words that are there.")],
        body: Annotated[dict[str, UserDictWord], Body(examples=[_DICTIONARY])],
    ) -> Response:
        """Add the words of another dictionary."""
        check()
        words.take(body, override=override)
        return Response(status_code=204)


def _word(surface: str, pronunciation: str, accent_type: int, priority: int) -> UserDictWord:
    return UserDictWord(
        surface=surface, pronunciation=pronunciation, accent_type=accent_type, priority=priority
    )
