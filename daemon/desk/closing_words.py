"""What finance is told about a close besides its figures, in Swedish and English."""

from typing import Final

_WORDS: Final = {
    "sv": {
        "fault": "Avräkningen av {key} gick inte att räkna fram. Kör avtald verify, och rätta "
        "kundens avtal i registret; felet står i loggen.",
        "before_first": "{time} utöver timbanken är arbetade före den första månad som faktureras; "
        "de debiteras inte. Flytta first_month om de ska med.",
        "stray": "Justeringar på {time} gäller ett datum då kunden inte har någon timbank; de "
        "räknas inte.",
    },
    "en": {
        "fault": "The statement of {key} could not be drawn. Run avtald verify, and mend the "
        "customer's agreements in the register; the log has the fault.",
        "before_first": "{time} beyond the time bank were worked before the first month that is "
        "billed; they are not charged. Move first_month if they should be.",
        "stray": "Adjustments of {time} are dated when the customer has no time bank; they do not "
        "count.",
    },
}


def words(code: str, language: str, **facts: object) -> str:
    """The sentence of that code."""
    return _WORDS["en" if language == "en" else "sv"][code].format(**facts)
