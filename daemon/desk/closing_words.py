"""What finance is told about a close besides its figures, in Swedish and English."""

from typing import Final

_WORDS: Final = {
    "sv": {
        "fault": "Avräkningen av {key} gick inte att räkna fram. Kör avtald verify, och rätta "
        "kundens avtal i registret; felet står i loggen.",
    },
    "en": {
        "fault": "The statement of {key} could not be drawn. Run avtald verify, and mend the "
        "customer's agreements in the register; the log has the fault.",
    },
}


def words(code: str, language: str, **facts: object) -> str:
    """The sentence of that code."""
    return _WORDS["en" if language == "en" else "sv"][code].format(**facts)
