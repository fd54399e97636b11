"""How mail programs announce what they quote: header blocks, attributions, separators, footers."""

import re
from collections.abc import Sequence
from enum import Enum

# --- header blocks: Från:/Skickat:/Till:/Ämne: and their sisters

_FROM = "från|fra|from|von|van|de|da|od|от|від|lähettäjä|saatja|expéditeur|avsändare|afsender|avsender|kimden|feladó|发件人|差出人"
_SENT = (
    "skickat|skickades|sent|sendt|gesendet|verzonden|envoyé|envoyée|enviado|enviado el|enviada em|"
    "inviato|wysłano|wysłane|lähetetty|saadetud|отправлено|надіслано|gönderildi|odesláno|发送时间|送信日時"
)
_DATE_LABEL = "datum|date|dato|data|fecha|päivämäärä|päiväys|kuupäev|дата|日期|日付|tarih|dátum"
_TO = "till|til|to|an|aan|à|para|a|do|komu|vastaanottaja|kellele|кому|kime|címzett|收件人|宛先|mottagare"
_CC = "kopia|kopi|cc|kopie|kopia till|kopio|dw|копия|копія|抄送|bcc|hemlig kopia|blindkopia"
_SUBJECT = (
    "ämne|ärende|emne|subject|betreff|betr|onderwerp|objet|asunto|assunto|oggetto|temat|předmět|"
    "aihe|teema|тема|konu|tárgy|主题|件名|rubrik"
)
_OTHER = "svara till|reply-to|svar til|antwort an|répondre à|responder a|rispondi a|risposta|organisation|organization|prioritet|importance|vikt|bilagor|bifogade filer|attachments|message-id|resent-from|resent-to|sender"
_KINDS = {
    word: kind
    for kind, words in (
        ("from", _FROM), ("date", _DATE_LABEL), ("sent", _SENT), ("to", _TO), ("cc", _CC),
        ("subject", _SUBJECT), ("other", _OTHER),
    )
    for word in words.split("|")
}  # fmt: skip
_LABEL = re.compile(r"\W{0,3}([^\W\d_][\w -]{0,20}?)\s?[*_]{0,2}\s?[:：]", re.UNICODE)
_INNER_LABEL = re.compile(
    r"(?<![^\s>\]\"')\d\w])(?:"
    + "|".join(
        sorted(
            {
                w
                for w, k in _KINDS.items()
                if k in {"sent", "date", "to", "cc", "subject"} and len(w) > 1
            },
            key=len,
            reverse=True,
        )
    )
    + r")\s?:",
    re.IGNORECASE,
)
_BLOCK_LINES = 14

# --- dates, times, addresses, in any language

_MONTH = r"[^\W\d_]{3,12}\.?"
DATE = re.compile(
    r"(?<!\d)(?:\d{4}-\d{1,2}-\d{1,2}|\d{4}/\d{1,2}/\d{1,2}|\d{1,2}[./-]\d{1,2}[./-](?:\d{4}|\d{2})(?!\d)"
    rf"|\d{{1,2}}(?:st|nd|rd|th)?\.?,?\s(?:de\s)?{_MONTH},?\s(?:de\s)?\d{{4}}(?!\d)"
    rf"|{_MONTH},?\s\d{{1,2}}(?:st|nd|rd|th)?,?\s\d{{4}}(?!\d)|\d{{4}}年\d{{1,2}}月\d{{1,2}}日)"
)
_DAY = re.compile(rf"(?<!\d)(?:\d{{1,2}}\.?\s{_MONTH}|{_MONTH}\s\d{{1,2}}(?!\d))")
_TIME = re.compile(r"(?<!\d)\d{1,2}[:.]\d{2}(?!\d\d)")
ADDRESS = re.compile(r"[^\s<>()\[\]\"',;:]{1,64}@[^\s<>()\[\]\"',;:]{1,255}")
_ANGLE = re.compile(r"[<\[(]\s?(?:mailto:\s?)?(?:[^<>@]{0,60}<)?[^\s<>@]{1,64}@[^\s<>]{1,255}")

# --- attributions: Den … skrev Namn <adr>:

_VERBS = (
    "skrev|skriver|skreiv|wrote|writes|schrieb|schreef|geschreven|a écrit|écrit|escribió|escribio|"
    "escreveu|ha scritto|scritto|napisał|napisała|napisał(?:a)?\\(a\\)|napisał\\(a\\)|pisze|kirjoitti|kirjutas|"
    "napsal|napsala|napísal|napsal\\(a\\)|yazdı|írta|a scris|skrifaði|написал|написала|написал\\(а\\)|пишет|пише|"
    "написав|写道|寫道|geschrieben|ha escrito|følgende"
)
_VERB = re.compile(rf"(?<![^\W\d_])(?:{_VERBS})(?![^\W\d_])", re.IGNORECASE)
_VERB_LAST = re.compile(
    rf"(?<![^\W\d_])(?:{_VERBS})(?:\s?\(a\))?(?:\sföljande|\sfølgende|\sfolgendes|\sthe following)?\s?[:：]?$",
    re.IGNORECASE,
)
_FIRST_PERSON = re.compile(
    rf"(?:{_VERBS})\s(?:jag|vi|man|i|we|ich|wir|je|nous|ut|in|om|upp|ner|av|på|till|att|hon|han|de|en|ett|out|that|down|about|to)\b",
    re.IGNORECASE,
)
_GMT = re.compile(r"\d{4}[-/]\d{1,2}[-/]\d{1,2}\s\d{1,2}:\d{2}\sGMT[+-]\d{1,2}:\d{2}\s\S.{0,200}$")
_DASHES = " -–—_*"
_LONGEST = 500

# --- separators

_ORIGINAL = (
    "ursprungligt meddelande|ursprungliga meddelandet|originalmeddelande|original message|"
    "original meddelelse|oprindelig meddelelse|opprinnelig melding|originalmelding|originale meddelelse|"
    "ursprüngliche nachricht|originalnachricht|original-nachricht|oorspronkelijk bericht|message d'origine|"
    "message original|mensaje original|mensagem original|messaggio originale|alkuperäinen viesti|"
    "wiadomość oryginalna|původní zpráva|исходное сообщение|original email|originalmail|ursprungligt mejl|"
    "ursprungligt mail|ursprunglig e-post|reply message|svarsmeddelande|ursprüngliche mail|original mail"
)
_FORWARD = (
    "vidarebefordrat meddelande|vidarebefordrat mejl|vidarebefordrat mail|vidarebefordrat brev|forwarded message|"
    "forwarded mail|forwarded email|videresendt melding|videresendt meddelelse|videresendt mail|"
    "weitergeleitete nachricht|doorgestuurd bericht|message transféré|message transferé|mensaje reenviado|"
    "mensagem encaminhada|messaggio inoltrato|välitetty viesti|edelleenlähetetty viesti|"
    "przekazana wiadomość|пересланное сообщение|пересылаемое сообщение|forwarded by.{0,80}"
)
_SEPARATOR = re.compile(
    rf"[\s>*]{{0,6}}[-–—_=*]{{2,}}\s{{0,4}}(?:(?P<original>{_ORIGINAL})|(?P<forward>{_FORWARD}))\s{{0,3}}:?\s{{0,3}}[-–—_=*]{{2,}}",
    re.IGNORECASE,
)
_INTRO = re.compile(
    rf"[\s>*]{{0,6}}(?:(?P<original>{_ORIGINAL})|(?P<forward>{_FORWARD}|begin forwarded message|start av vidarebefordrat meddelande"
    r"|början på vidarebefordrat meddelande|start på videresendt (?:melding|meddelelse)|begynnelse på videresendt (?:melding|e-post)"
    r"|anfang der weitergeleiteten nachricht|début du message (?:réexpédié|transféré)|begin doorgestuurd bericht"
    r"|inizio messaggio inoltrato|inicio del mensaje reenviado|välitetty viesti alkaa"
    r"|videresendt (?:melding|meddelelse)))\s{0,3}:?[\s*]{0,4}$",
    re.IGNORECASE,
)
_MARKER = re.compile(
    r"(?:(?:vänligen|please)\s)?(?:skriv|svara|besvara|reply|write|type|respond|svar|antworten)\b.{0,60}?"
    r"\b(?:ovanför|över|ovan|above|over|oberhalb)\b.{0,30}?\b(?:rad|raden|line|linje|linjen|linien|zeile)\b.{0,30}$",
    re.IGNORECASE,
)

# --- what programs add below

_DEVICES = (
    "iphone|ipad|ipod|android|samsung|galaxy|outlook|gmail|yahoo|protonmail|proton mail|mail för windows|mail for windows|"
    "windows|blackberry|mobil|mobile|mobiltelefon|telefon|phone|smartphone|surfplatta|tablet|huawei|xperia|sony|"
    "nokia|htc|oneplus|pixel|mailbox|airmail|spark|k-9|k9|bluemail|thunderbird|aol|fairphone|motorola|nexus|"
    "device|enhet|cell|handy|mac|blackberry work|nine|edison|icloud|hey|tuta|tutanota"
)
_FOOTER = re.compile(
    r"[<(*\s]{0,4}(?:"
    rf"(?:skickat|skickades|sänt|sent|sendt|lähetetty|gesendet|von meinem|envoyé|enviado|inviato|verzonden|verstuurd|wysłane|отправлено|從我的|from my)\b.{{0,60}}?(?:\b(?:{_DEVICES})\b|傳送).{{0,60}}"
    rf"|(?:hämta|get|hent|skaffa|hanki|holen sie sich)\b.{{0,30}}?\b(?:outlook|gmail|yahoo|bluemail|spark|mail)\b.{{0,80}}"
    r"|sent from (?:my )?\S{1,20}(?:\s\S{1,20}){0,2}"
    r"|(?:diese nachricht|this message|detta (?:meddelande|mejl|mail)|dette)\b.{0,40}?\b(?:gesendet|sent from|skickades från|skickat från|sendt fra)\b.{0,60}"
    r"|someone from mobile|\S{0,3}傳送"
    r")[>)*\s.]{0,4}$",
    re.IGNORECASE,
)
_SENTENCE = re.compile(
    r",\s(?!please excuse|excuse|ursäkta|förlåt)|[?!]\s?\w|\bis\b|\bär\b", re.IGNORECASE
)
_RULE = re.compile(r"[-–—_=*~#+ ᐧ.]{2,}$|ᐧ$")


class Cut(Enum):
    """What a cut-off part is."""

    QUOTED = "quoted"
    FORWARDED = "forwarded"


class Evidence(Enum):
    """How sure an attribution is: a weak one needs quoted lines after it."""

    WEAK = 1
    STRONG = 2


def label(content: str) -> str | None:
    """Give the kind of the header label that a line starts with: from, sent, date, to …"""
    found = _LABEL.match(content)
    return _KINDS.get(found[1].strip().lower()) if found else None


def header_block(contents: Sequence[str], start: int) -> int | None:
    """Give where the header block ends that starts at line `start`, or None.

    It needs a sender and another label, and an address, or a subject together with a date: lists
    that people write (`Från: Malmö`, `Till: Lund`) have neither.
    """
    first = label(contents[start])
    if first is None or first in {"other", "cc"}:
        return None
    if one_line_block(contents[start]):
        return start + 1
    kinds: list[str] = []
    end = start
    gap = 0
    for at in range(start, min(len(contents), start + _BLOCK_LINES)):
        kind = label(contents[at])
        if kind:
            kinds.append(kind)
            end, gap = at + 1, 0
        else:
            gap += 1
            if gap > 2 or (len(kinds) > 3 and not contents[at]):
                break
    return end if _is_block(kinds, contents[start:end]) else None


def _is_block(kinds: list[str], lines: Sequence[str]) -> bool:
    if "from" not in kinds or len(set(kinds) - {"other"}) < 2:
        return False
    text = " ".join(lines)[:3000]
    if ADDRESS.search(text):
        return True
    dated = bool(DATE.search(text) or _TIME.search(text))
    return "subject" in kinds and (("sent" in kinds and dated) or (dated and len(kinds) > 2))


def one_line_block(content: str) -> bool:
    """Tell if a line holds a whole header block, as where HTML lost its line breaks."""
    if len(content) > 2000:
        return False
    labels = _INNER_LABEL.findall(content)
    return len(labels) >= 2 and bool(ADDRESS.search(content) or DATE.search(content))


def separator(content: str) -> Cut | None:
    """Tell if a line says `-----Ursprungligt meddelande-----` or the like, and which kind it is."""
    found = _SEPARATOR.match(content)
    if not found:
        return None
    return Cut.QUOTED if found["original"] else Cut.FORWARDED


def intro(content: str) -> Cut | None:
    """Tell if a line announces a mail without dashes: `Vidarebefordrat mejl:`."""
    found = _INTRO.match(content) if len(content) < 120 else None
    if not found:
        return None
    return Cut.QUOTED if found["original"] else Cut.FORWARDED


def may_end_attribution(content: str) -> bool:
    """Tell at a glance if an attribution may end with this line."""
    if content.endswith((":", "：")):
        return True
    return (content.endswith(("-", "—")) and "wrote" in content) or "GMT" in content


def evidence(joined: str) -> Evidence | None:
    """Weigh one or more lines, joined, as an attribution."""
    text = joined.strip(_DASHES)
    if not 4 < len(text) < _LONGEST:
        return None
    if _GMT.match(text):
        return Evidence.STRONG
    if not text.endswith((":", "：")) and not _VERB_LAST.search(text):
        return None
    verb = _VERB.search(text)
    date, time = DATE.search(text), _TIME.search(text)
    angle = _ANGLE.search(text)
    if not verb:
        dated_start = date is not None and date.start() < 12
        return Evidence.STRONG if dated_start and angle and time else None
    if _FIRST_PERSON.search(text):
        return None
    if angle and _short_before(text, angle.start(), verb.start()):
        return Evidence.STRONG
    when = date or (_DAY.search(text) if time else None)
    if when and time and (when.start() < 40 or verb.start() < when.start()):
        return Evidence.STRONG
    if when or ADDRESS.search(text) or (_VERB_LAST.search(text) and _is_name(text[: verb.start()])):
        return Evidence.WEAK
    return None


def _short_before(text: str, angle: int, verb: int) -> bool:
    """Tell if no sentence stands before the name: an attribution starts its line."""
    return not re.search(
        r"[.!?]\s+[^\W\d_a-zåäö]\w+\s\w+\s\w+\s\w+\s", text[: min(angle, verb)][:300]
    )


def _is_name(text: str) -> bool:
    words = text.split()
    return (
        0 < len(words) <= 6
        and not words[0].lower() == "den"
        and words[0][:1].isupper()
        | (words[0][:1] in "\"'«")
        | (words[-1].lower() in {"you", "du", "ni"})
    )


def continues_upwards(content: str) -> bool:
    """Tell if a line is the first half of an attribution whose verb stands on the next."""
    if len(content) > 200 or content.endswith((".", "!", "?", ":")):
        return False
    date = DATE.search(content)
    return date is not None and date.start() < 20 and _TIME.search(content) is not None


def marker(content: str, own: Sequence[str]) -> bool:
    """Tell if a line is a `Svara ovanför den här raden` line; `own` are casefolded markers."""
    if not content or len(content) > 300:
        return False
    folded = content.casefold()
    if any(mark in folded for mark in own):
        return True
    bare = content.strip(" -–—_=*#>.~\t")
    return bare != content and bool(_MARKER.match(bare))


def footer(content: str) -> bool:
    """Tell if a line is what a phone or a mail program adds: `Skickat från min iPhone`."""
    if len(content) > 160 or not _FOOTER.match(content):
        return False
    return not _SENTENCE.search(content)


def rule(content: str) -> bool:
    """Tell if a line is nothing but a drawn rule."""
    return bool(_RULE.match(content))
