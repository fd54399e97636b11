"""A desk with a register, for the tests of what it does."""

import pytest

from tests.builders import a_desk


@pytest.fixture
def desk(store, tmp_path):
    """Alert! (acme), Attend! from November (beta), none and English (delta); two engineers."""
    return a_desk(store, tmp_path)
