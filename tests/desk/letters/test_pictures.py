"""The drawings of a report's mail: PNG that a second reader reads, in proportion, tiny (J3)."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from daemon.desk.letters import pictures

BLUE, ORANGE, LINE = (35, 120, 168, 255), (217, 131, 36, 255), (154, 167, 178, 255)
COLUMNS = st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 10**6)), min_size=1, max_size=12)


def drawn(*values):
    picture = pictures.columns(tuple(values))
    return Image.open(io.BytesIO(picture.content)).convert("RGBA")


def heights(image, many):
    """Blue and orange pixels in the middle of each column."""
    places = [round(image.width * (place + 0.5) / many) for place in range(many)]
    lines = [[image.getpixel((x, y)) for y in range(image.height)] for x in places]
    return [(line.count(BLUE), line.count(ORANGE)) for line in lines]


def test_columns_stand_in_proportion_and_the_highest_fills_the_drawing_j3():
    image = drawn((50, 0), (25, 25), (0, 100), (0, 0))
    room = image.height - 2
    assert heights(image, 4) == [
        (room // 2, 0),
        (room // 4, room // 2 - room // 4),
        (0, room),
        (0, 0),
    ]


def test_what_is_not_drawn_is_see_through_and_all_stand_on_a_line():
    image = drawn((0, 0), (1, 0))
    assert image.getpixel((0, 0))[3] == 0
    assert {image.getpixel((x, image.height - 1)) for x in range(image.width)} == {LINE}


def test_something_is_never_drawn_as_nothing():
    (small, _), _ = heights(drawn((1, 0), (100_000, 0)), 2)
    assert small > 0


@given(COLUMNS)
def test_any_numbers_give_one_small_picture_of_the_same_size(values):
    image = drawn(*values)
    assert image.size == (2 * pictures.WIDTH, 2 * pictures.HEIGHT)
    assert len(pictures.columns(tuple(values)).content) < 8_000
    for blue, orange in heights(image, len(values)):
        assert blue + orange <= image.height - 2


@pytest.mark.parametrize("other", [((1, 2),), ((1, 0), (2, 0))])
def test_the_same_numbers_are_the_same_picture_and_others_another(other):
    one = pictures.columns(((1, 0),))
    assert pictures.columns(((1, 0),)) == one
    assert pictures.columns(other).content_id != one.content_id
