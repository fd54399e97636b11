"""The four levels of priority and their meaning, from the support agreement's table."""

from dataclasses import dataclass

from daemon.domain.wording import speaker


@dataclass(frozen=True, slots=True)
class Level:
    """One row of the priority table: a lower number is more severe (C4)."""

    number: int
    swedish: str  # name
    english: str  # name
    meaning_sv: str  # the row as published in the agreement, word for word (C8 quotes it)
    meaning_en: str  # our translation of it

    def name(self, language: str) -> str:
        """The level's name in `"sv"` or `"en"`."""
        return speaker(language)(self.swedish, self.english)

    def meaning(self, language: str) -> str:
        """The level's row of the priority table in `"sv"` or `"en"` (C8)."""
        return speaker(language)(self.meaning_sv, self.meaning_en)

    def title(self, language: str) -> str:
        """Number and name as the table writes them: `1 - Kritisk`."""
        return f"{self.number} - {self.name(language)}"


LEVELS: tuple[Level, ...] = (
    Level(
        1,
        "Kritisk",
        "Critical",
        "Systemkrasch, nod eller hela systemet/tjänsten är otillgänglig. "
        "Verksamhetsstoppande problem för huvuddelen av användarna.",
        "System crash: a node or the whole system/service is unavailable. "
        "A problem that stops the business for most of the users.",
    ),
    Level(
        2,
        "Hög",
        "High",
        "En eller flera funktion(er) i systemet är inte tillgängligt. Inget alternativt sätt "
        "finns för användaren att lösa sin arbetsuppgift. Verksamhetshindrande problem i "
        "systemet innebär problem för användarna, t.ex. fel som innebär att de inte kan utföra "
        "specifika uppgifter, alternativt med kraftigt begränsad prestanda.",
        "One or more functions of the system are not available, and the user has no other way to "
        "do the task. A problem in the system that hinders the business and the users, for "
        "example a fault that keeps them from certain tasks, or leaves severely limited "
        "performance.",
    ),
    Level(
        3,
        "Normal",
        "Normal",
        "Primär funktion i systemet är felaktig eller otillgänglig. Felet innebär mindre problem "
        "för användarna och är inte verksamhetsstoppande. Det finns dock alternativa sätt för "
        "användaren att i systemet lösa sin arbetsuppgift.",
        "A primary function of the system is faulty or unavailable. The fault is a minor problem "
        "for the users and does not stop the business; the user has other ways to do the task in "
        "the system.",
    ),
    Level(
        4,
        "Låg",
        "Low",
        "Mindre funktionellt fel eller av kosmetisk karaktär. Det finns alternativt sätt för "
        "användaren att i systemet/tjänsten lösa sin arbetsuppgift. Felet innebär lindrig "
        "olägenhet för användarna.",
        "A minor functional or a cosmetic fault. The user has another way to do the task in the "
        "system/service. The fault is a slight inconvenience for the users.",
    ),
)
DEFAULT = 3  # without a statement (C4)

_BY_NUMBER = {level.number: level for level in LEVELS}


def level(number: int) -> Level:
    """The level with that number; a ValueError refuses any number but 1 to 4 (C4)."""
    if number not in _BY_NUMBER:
        raise ValueError(f"{number!r} is no priority: write 1, 2, 3 or 4")
    return _BY_NUMBER[number]
