"""The codes of letters as sentences, in Swedish and English."""

from collections.abc import Mapping

from daemon.domain.wording import by_language

# Why a tag was not carried out (`Refused.why`): the sentence, and an example of the right form.
# An example is shown without brackets, so that it never parses (C2).
REFUSED: Mapping[str, Mapping[str, tuple[str, str]]] = {
    "sv": {
        "unit_missing": ("Enheten saknas: timmar eller minuter?", "tid: 1,5h"),
        "bad_amount": ("Tiden går inte att läsa.", "tid: 1 h 30 min"),
        "bad_date": ("Datumet går inte att läsa.", "tid: 1,5h 2026-11-20"),
        "future_date": ("Dagen ligger i framtiden.", "tid: 1,5h igår"),
        "zero_amount": ("Tiden är noll.", "tid: 1,5h"),
        "two_dates": ("Där står två datum.", "tid: 1,5h 2026-11-20"),
        "unknown_word": (
            "Ett ord efter tiden går inte att läsa. En notering skrivs efter ett semikolon.",
            "tid: 1,5h; felsökning",
        ),
        "colon_missing": ("Kolonet saknas.", "tid: 1,5h"),
        "bad_level": ("Prioriteten är 1, 2, 3 eller 4.", "prio: 2"),
        "glued": ("Taggen sitter ihop med en annan. Skriv ett mellanslag emellan.", ""),
        "no_value": ("Det saknas något efter kolonet.", ""),
        "bad_value": ("Värdet går inte att läsa.", ""),
        "unknown_customer": ("Det finns ingen kund med det namnet.", "kund: acme"),
        "unknown_person": ("Det finns ingen kollega med det namnet.", "tilldela: anna"),
        "unknown_ticket": ("Det ärendet finns inte.", ""),
        "which_ticket": (
            "Vilket ärende gäller det? Skriv numret före taggen på samma rad, som #1042.",
            "",
        ),
        "new_mail": ("Skriv ett nytt mejl till oss för att öppna ett ärende.", ""),
        "other_customer": ("Ärendet tillhör en annan kund.", ""),
        "not_allowed": ("Det får du inte göra med den här adressen.", ""),
        "in_subject": ("Taggar i ämnesraden räknas inte. Skriv den i själva mejlet.", ""),
        "no_ticket": ("Mejlet hör inte till något ärende.", "för: anna@kund.se"),
        "more_than_booked": ("Det är mer än vad som finns bokat att dra av.", ""),
        "nothing_to_undo": ("Det finns inget att ångra.", ""),
        "duplicate": ("Den är redan bokad.", ""),
        "automatic": (
            "Mejlet är märkt som automatiskt, så taggen räknas inte. Skriv den i ett vanligt svar.",
            "",
        ),
    },
    "en": {
        "unit_missing": ("The unit is missing: hours or minutes?", "time: 1.5h"),
        "bad_amount": ("The time cannot be read.", "time: 1h 30m"),
        "bad_date": ("The date cannot be read.", "time: 1.5h 2026-11-20"),
        "future_date": ("That day is in the future.", "time: 1.5h yesterday"),
        "zero_amount": ("The time is zero.", "time: 1.5h"),
        "two_dates": ("There are two dates.", "time: 1.5h 2026-11-20"),
        "unknown_word": (
            "A word after the time cannot be read. A note goes after a semicolon.",
            "time: 1.5h; fault finding",
        ),
        "colon_missing": ("The colon is missing.", "time: 1.5h"),
        "bad_level": ("The priority is 1, 2, 3 or 4.", "prio: 2"),
        "glued": ("The tag touches another one. Put a space between them.", ""),
        "no_value": ("Something is missing after the colon.", ""),
        "bad_value": ("The value cannot be read.", ""),
        "unknown_customer": ("There is no customer by that name.", "customer: acme"),
        "unknown_person": ("There is no colleague by that name.", "assign: anna"),
        "unknown_ticket": ("There is no such ticket.", ""),
        "which_ticket": (
            "Which ticket is it? Write its number before the tag on the same line, as #1042.",
            "",
        ),
        "new_mail": ("Write a new mail to us to open a ticket.", ""),
        "other_customer": ("The ticket belongs to another customer.", ""),
        "not_allowed": ("You may not do that from this address.", ""),
        "in_subject": ("Tags in the subject do not count. Write it in the mail itself.", ""),
        "no_ticket": ("The mail belongs to no ticket.", "for: anna@customer.com"),
        "more_than_booked": ("That is more than there is booked to take off.", ""),
        "nothing_to_undo": ("There is nothing to undo.", ""),
        "duplicate": ("It has been booked already.", ""),
        "automatic": (
            "The mail is marked as automatic, so the tag counts nothing. Please send it by hand.",
            "",
        ),
    },
}

UNREADABLE: Mapping[str, str] = {
    "sv": "Taggen går inte att läsa.",
    "en": "The tag cannot be read.",
}

# Why a message has no proof of its sender (`ProofRequest.reason`, D1); other reasons go unsaid.
UNPROVEN: Mapping[str, Mapping[str, str]] = {
    "sv": {
        "none": "Inget i mejlet visar vem som skickade det.",
        "dmarc": "Domänens egen kontroll (DMARC) godkände inte mejlet.",
        "foreign": "Mejlet kom inte genom en server som vi litar på.",
        "dkim": "Mejlets signatur (DKIM) stämmer inte.",
        "dns": "DNS svarade inte, så signaturen (DKIM) kunde inte kontrolleras. Vi försöker igen.",
        "odd": "Mejlet har dubbla rubriker eller fler än en avsändare.",
        "open": "Mejlets signatur (DKIM) täcker inte Från, Till, Ämne och Datum.",
        "address": "Mejlet är inte skrivet till oss: vår adress saknas bland mottagarna.",
        "date": "Mejlets datum ligger långt från den tid då det kom in.",
    },
    "en": {
        "none": "Nothing in the mail shows who sent it.",
        "dmarc": "The domain’s own check (DMARC) did not pass the mail.",
        "foreign": "The mail did not come through a server that we trust.",
        "dkim": "The signature of the mail (DKIM) is wrong.",
        "dns": "DNS gave no answer to check the signature (DKIM) with. We keep trying.",
        "odd": "The mail has repeated headers or more than one sender.",
        "open": "The signature of the mail (DKIM) does not cover From, To, Subject and Date.",
        "address": "The mail was not written to us: our address is not among its recipients.",
        "date": "The date of the mail is far from the time when it came in.",
    },
}
_UNPROVEN_KINDS: Mapping[str, str] = {
    "no_results": "none",
    "no_signature": "none",
    "no_way_to_prove": "none",
    "no_dmarc_result": "dmarc",
    "several_dmarc_results": "dmarc",
    "dmarc_names_no_domain": "dmarc",
    "dmarc_of_another_domain": "dmarc",
    "fail": "dmarc",
    "topmost_results_not_trusted": "foreign",
    "results_below_foreign_received": "foreign",
    "signed_by_another_domain": "dkim",
    "signature_limits_length": "open",
    "signature_leaves_headers_out": "open",
    "signature_wrong": "dkim",
    "dns_unanswered": "dns",
    "header_repeated": "odd",
    "no_single_sender": "odd",
    "headers_unclear": "odd",
    "not_written_to_desk": "address",
    "date_unreadable": "date",
    "date_too_far": "date",
}


def unproven(reason: str, language: str) -> str:
    """The reason for doubting a sender; a sentence stays as it is, an unknown code says nothing."""
    kind = _UNPROVEN_KINDS.get(reason) or ("dmarc" if reason.startswith("dmarc_") else None)
    if kind:
        return UNPROVEN[language][kind]
    return reason if " " in reason else ""


# Why an answer did not go out (`Receipt.not_relayed`).
NOT_RELAYED: Mapping[str, Mapping[str, str]] = {
    "sv": {
        "internal": "Anteckningen är intern. Inget gick till kunden.",
        "near_internal": "Svaret gick inte till kunden, för det står något som liknar taggen "
        "intern. Menade du kunden: svara OK. Annars behöver du inte göra något.",
        "quotes_internal": "Svaret gick inte till kunden, för det innehåller något ur en intern "
        "anteckning eller ur ett mejl till er. Menade du kunden: svara OK. Skicka annars svaret "
        "igen utan det.",
        "other_address": "Svaret gick inte till kunden, för det nämner en adress hos en annan "
        "kund. Menade du det: svara OK. Skicka annars svaret igen utan den.",
        "other_customer": "Svaret gick inte till kunden, för det pekar på en annan kund. Öppna ett "
        "nytt ärende med ett mejl som inte är ett svar.",
        "not_conversation": "Du svarade på ett mejl mellan oss, så inget gick till kunden. Svara i "
        "ärendet om det var meningen.",
        "only_tags": "Bara taggarna räknades, på de ärenden som du nämnde. Texten gick inte till "
        "någon. Svara i ärendet om kunden ska ha den.",
        "not_engineer": "Mejlet är sparat som en anteckning. Det är teknikerna som svarar kunder.",
        "cutting_failed": "Svaret gick inte till kunden, för taggarna gick inte att klippa bort "
        "säkert. Skicka det igen som ren text.",
        "encrypted": "Svaret gick inte till kunden, för det är krypterat, eller inslaget i en "
        "signatur så att det inte går att läsa här. Skicka det igen utan.",
        "no_text": "Mejlet innehöll ingen text till kunden, så inget gick dit.",
        "direct": "Du svarade kunden direkt, så vi skickade inte svaret en gång till.",
        "no_recipient": "Svaret gick inte till någon, för ärendet har ingen mottagare.",
        "no_ticket": "Svaret gick inte till någon, för mejlet hör inte till något ärende.",
    },
    "en": {
        "internal": "The note is internal. Nothing went to the customer.",
        "near_internal": "Your answer did not go to the customer, because something in it looks "
        "like the tag internal. If it was meant for the customer: reply OK. Otherwise there is "
        "nothing you need to do.",
        "quotes_internal": "Your answer did not go to the customer, because it holds something of "
        "an internal note, or of a mail between us. If you meant it: reply OK. Otherwise please "
        "send it again without that.",
        "other_address": "Your answer did not go to the customer, because it names an address of "
        "another customer. If you meant it: reply OK. Otherwise please send it again without it.",
        "other_customer": "Your answer did not go to the customer, because it points at another "
        "customer. Open a new ticket with a mail that is no reply.",
        "not_conversation": "You replied to a mail between us, so nothing went to the customer. "
        "Reply in the ticket if you meant them.",
        "only_tags": "Only the tags counted, on the tickets that you named. The text went to "
        "nobody. Reply in the ticket if the customer is to have it.",
        "not_engineer": "The mail is kept as a note. It is the engineers who answer customers.",
        "cutting_failed": "Your answer did not go to the customer, because its tags could not be "
        "cut out safely. Please send it again as plain text.",
        "encrypted": "Your answer did not go to the customer, because it is encrypted, or wrapped "
        "in a signature so that it cannot be read here. Please send it again without.",
        "no_text": "The mail held no text for the customer, so nothing went there.",
        "direct": "You answered the customer directly, so we did not send your answer again.",
        "no_recipient": "Your answer went to nobody, because the ticket has no recipient.",
        "no_ticket": "Your answer went to nobody, because the mail belongs to no ticket.",
    },
}

CLOCKS = by_language(
    {
        "response": ("inställelsetiden", "the response time"),
        "follow_up": ("tiden för nästa svar", "the time for the next answer"),
        "resolution": ("åtgärdstiden", "the resolution time"),
    }
)

INVOICE_STATES = by_language(
    {
        "frozen": ("väntar på bokföringssystemet", "waiting for the accounting system"),
        "pushing": ("är på väg till bokföringssystemet", "on its way to the accounting system"),
        "waiting": ("väntar på bokföringssystemet", "waiting for the accounting system"),
        "approval": ("väntar på ditt OK", "waiting for your OK"),
        "pushed": ("fakturautkast skapat", "invoice draft created"),
        "nothing": ("inget att fakturera", "nothing to invoice"),
        "fault": ("kunde inte skapas", "could not be created"),
    }
)

# Why a draft was not approved now (`DraftLine.why`, H7).
NOT_APPROVED = by_language(
    {
        "excepted": ("undantagen i ditt svar", "excepted in your reply"),
        "waiting": ("väntar på OK", "waiting for an OK"),
        "approved": ("redan godkänt", "approved already"),
        "pushed": ("fakturautkastet finns redan", "the invoice draft exists already"),
        "cancelled": ("fakturautkastet är makulerat", "the invoice draft is cancelled"),
        "nothing": ("inget att fakturera", "nothing to invoice"),
    }
)

# Why a reply to finance's mail approved nothing (`ApprovalAnswer.problem`, H7).
APPROVAL = by_language(
    {
        "not_understood": (
            "Svaret innehåller mer än ett godkännande, eller något annat.",
            "The reply says more than an approval, or something else.",
        ),
        "unknown_name": (
            "Svaret undantar någon som inte finns i avräkningen.",
            "The reply excepts somebody who is not in the statement.",
        ),
        "other_mail": (
            "Svara på mejlet om avräkningen: det här svaret gäller ett annat mejl i tråden.",
            "Reply to the email about the statement: this one answers another email of the thread.",
        ),
        "forwarded": (
            "Mejlet är vidarebefordrat. Det är ett svar på mejlet om avräkningen som godkänner.",
            "The email is forwarded. It is a reply to the email about the statement that approves.",
        ),
        "unproven": (
            "Svaret saknar bevis för att du är avsändaren (DMARC eller DKIM).",
            "The reply has no proof that you are its sender (DMARC or DKIM).",
        ),
        "not_finance": (
            "Adressen hör inte till ekonomi. Bara ekonomi godkänner fakturautkast.",
            "The address is not one of finance’s. Only finance approves invoice drafts.",
        ),
    }
)

# How a review meeting stands, or what somebody has answered to its invitation (J4).
MEETING = by_language(
    {
        "planned": ("inbjudan har gått", "invitation sent"),
        "no_slot": ("ingen ledig tid", "no free time"),
        "nobody": ("ingen att bjuda in", "nobody to invite"),
        "moved": ("flyttat", "moved"),
        "cancelled": ("inställt", "cancelled"),
        "accepted": ("kommer", "will come"),
        "declined": ("kan inte komma", "cannot come"),
        "tentative": ("kommer kanske", "may come"),
        "counter": ("annan tid föreslagen", "another time proposed"),
        "not_understood": ("oförändrat", "unchanged"),
    }
)

# Why a message could not be read, as operators are told (B4): the codes of the parsers' refusals.
SHELVED = by_language(
    {
        "too_large": ("mejlet är för stort", "the mail is too large"),
        "header_block_too_long": ("mejlhuvudet är för långt", "the header is too long"),
        "header_too_long": (
            "ett fält i mejlhuvudet är för långt",
            "a field of the header is too long",
        ),
        "too_many_headers": ("mejlhuvudet har för många fält", "the header has too many fields"),
        "too_many_addresses": (
            "mejlet har för många mottagare",
            "the mail has too many recipients",
        ),
        "too_many_parts": ("mejlet har för många delar", "the mail has too many parts"),
        "nested_too_deep": (
            "mejlet har delar i delar i för många led",
            "the mail has parts within parts too deep",
        ),
        "too_many_parameters": (
            "en del av mejlet har för många parametrar",
            "a part of the mail has too many parameters",
        ),
        "text_too_large": ("texten är för stor", "the text is too large"),
        "html_too_large": ("HTML-texten är för stor", "the HTML text is too large"),
        "stopped": (
            "programmet stannade tre gånger på det",
            "the program stopped three times on it",
        ),
    }
)
