"""The four levels of priority (C4–C6, C8)."""

import pytest

from daemon.domain import priority


def test_there_are_four_levels_and_normal_is_the_default():
    """C4."""
    assert [each.number for each in priority.LEVELS] == [1, 2, 3, 4]
    assert [each.swedish for each in priority.LEVELS] == ["Kritisk", "Hög", "Normal", "Låg"]
    assert [each.english for each in priority.LEVELS] == ["Critical", "High", "Normal", "Low"]
    assert priority.level(priority.DEFAULT).swedish == "Normal"


def test_every_level_quotes_the_row_of_the_published_table(shared):
    """C8: the confirmation states the row of the priority table."""
    page = (shared / "supportavtal.md").read_text(encoding="utf-8")
    for each in priority.LEVELS:
        assert f"| {each.title('sv')} | {each.meaning_sv} |" in page


@pytest.mark.parametrize("each", priority.LEVELS, ids=lambda each: each.english)
def test_a_level_speaks_both_languages(each):
    assert each.name("sv") == each.swedish
    assert each.name("en") == each.english
    assert each.meaning("sv") == each.meaning_sv
    assert each.meaning("en") == each.meaning_en
    assert each.title("en") == f"{each.number} - {each.english}"
    assert each.meaning_en.endswith(".")


@pytest.mark.parametrize("number", [0, 5, -1])
def test_a_number_outside_the_table_is_refused(number):
    with pytest.raises(ValueError, match="no priority"):
        priority.level(number)
