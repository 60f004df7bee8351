"""Names in sentences of unknown wording."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from license_ledger.history.mentions import MOST_WORDS, by_sentence, longest, runs

SENTENCES = [
    ("Benutzer Ann Bell deaktiviert", "Ann Bell"),
    ("Benutzer „Ann Bell“ deaktiviert.", "Ann Bell"),
    ("Utilisateur D'Angelo-Smith, Zoé: gelé", "D'Angelo-Smith"),
    ("ユーザAnn Bellを無効化しました", "Ann Bell"),
    ("ユーザ山田太郎を無効化しました", "山田太郎"),
    ("用户李已停用", "李"),
    ("사용자 김철수를 비활성화했습니다", "김철수"),
    ("ผู้ใช้สมชายถูกปิด", "สมชาย"),
    ("Пользователь Анна Петрова деактивирован", "Анна Петрова"),
    ("Usuario ann.bell@acme.com deshabilitado", "ann.bell@acme.com"),
    ("Maria del Carmen van der Berg wurde eingefroren", "Maria del Carmen van der Berg"),
    ("Perfil de Ann Bell cambiado de Sales User a Read Only", "Sales User"),
]


@pytest.mark.parametrize(("sentence", "name"), SENTENCES)
def test_a_name_is_among_the_runs(sentence: str, name: str) -> None:
    """Whatever stands around it, in any script."""
    assert name in {span.text for span in runs([sentence])}


@given(st.text(max_size=60))
def test_runs_are_pieces_of_their_sentence(sentence: str) -> None:
    """Property: each is what stands in its place, and none is blank."""
    for span in runs([sentence]):
        assert sentence[span.start : span.end] == span.text
        assert span.text.strip() == span.text != ""


def test_runs_of_a_long_sentence_are_not_all_of_it() -> None:
    """The work grows with the words and not with their square."""
    spans = runs([" ".join(f"w{number}" for number in range(50))])

    assert len(spans) < 50 * MOST_WORDS
    assert max(span.text.count(" ") for span in spans) == MOST_WORDS - 1


def test_a_name_within_a_longer_one_does_not_count() -> None:
    """Ann Bell is not meant where Ann Bell Moss is; overlapping names both stay."""
    names = {"Ann Bell", "Ann Bell Moss", "Bell", "Moss Hart"}
    found = longest(span for span in runs(["Ann Bell Moss Hart", "nur Bell"]) if span.text in names)

    assert by_sentence(found) == {0: ["Ann Bell Moss", "Moss Hart"], 1: ["Bell"]}
