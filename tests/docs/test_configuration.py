"""docs/configuration.md says what the settings say."""

from pathlib import Path

from tests.docs.configuration_page import page

DOCS = Path(__file__).resolve().parents[2] / "docs"


def test_the_page_is_current():
    written = (DOCS / "configuration.md").read_text(encoding="utf-8").strip()
    assert written == page().strip(), (
        "make it anew: python -m tests.docs.configuration_page > docs/configuration.md"
    )


def test_every_key_of_the_sample_stands_on_the_page():
    import re

    from daemon.settings.sample import sample

    keys = set(re.findall(r"^#?([a-z_0-9]+) = ", sample(), re.MULTILINE))
    assert len(keys) > 60
    text = page()
    assert [key for key in sorted(keys) if f"| `{key}` |" not in text] == []
