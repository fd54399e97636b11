"""Codes of the letters' records as sentences, in Swedish and English."""

from collections.abc import Mapping

# Why a tag was not carried out (`Refused.why`): the sentence, and an example of the right form.
# An example is shown without brackets, so that it never parses (C2).
REFUSED: Mapping[str, Mapping[str, tuple[str, str]]] = {
    "sv": {
        "unit_missing": ("Enheten saknas: timmar eller minuter?", "tid: 1,5h"),
        "bad_amount": ("Tiden går inte att läsa.", "tid: 1 h 30 min"),
        "bad_date": ("Datumet går inte att läsa.", "tid: 1,5h 2026-11-20"),
        "future_date": ("Dagen ligger i framtiden.", "tid: 1,5h igår"),
        "no_value": ("Det saknas något efter kolonet.", ""),
        "bad_value": ("Värdet går inte att läsa.", ""),
        "unknown_customer": ("Det finns ingen kund med det namnet.", "kund: acme"),
        "unknown_person": ("Adressen tillhör ingen som vi känner.", "för: anna@kund.se"),
        "unknown_ticket": ("Det ärendet finns inte.", "slå ihop: 1042"),
        "other_customer": ("Ärendet tillhör en annan kund.", ""),
        "not_allowed": ("Det får du inte göra med den här adressen.", ""),
        "in_subject": ("Taggar i ämnesraden räknas inte. Skriv den i själva mejlet.", ""),
        "no_ticket": ("Mejlet hör inte till något ärende.", "för: anna@kund.se"),
        "more_than_booked": ("Det är mer än vad som finns bokat att dra av.", ""),
        "nothing_to_undo": ("Det finns inget att ångra.", ""),
        "duplicate": ("Den är redan bokad.", ""),
    },
    "en": {
        "unit_missing": ("The unit is missing: hours or minutes?", "time: 1.5h"),
        "bad_amount": ("The time cannot be read.", "time: 1h 30m"),
        "bad_date": ("The date cannot be read.", "time: 1.5h 2026-11-20"),
        "future_date": ("That day is in the future.", "time: 1.5h yesterday"),
        "no_value": ("Something is missing after the colon.", ""),
        "bad_value": ("The value cannot be read.", ""),
        "unknown_customer": ("There is no customer by that name.", "customer: acme"),
        "unknown_person": ("The address belongs to nobody we know.", "for: anna@customer.com"),
        "unknown_ticket": ("There is no such ticket.", "merge: 1042"),
        "other_customer": ("The ticket belongs to another customer.", ""),
        "not_allowed": ("You may not do that from this address.", ""),
        "in_subject": ("Tags in the subject do not count. Write it in the mail itself.", ""),
        "no_ticket": ("The mail belongs to no ticket.", "for: anna@customer.com"),
        "more_than_booked": ("That is more than there is booked to take off.", ""),
        "nothing_to_undo": ("There is nothing to undo.", ""),
        "duplicate": ("It has been booked already.", ""),
    },
}

# Why an answer did not go out (`Receipt.not_relayed`).
NOT_RELAYED: Mapping[str, Mapping[str, str]] = {
    "sv": {
        "internal": "Anteckningen är intern. Inget gick till kunden.",
        "near_internal": "Svaret gick inte till kunden, för det står något som liknar taggen "
        "intern. Menade du kunden: svara OK. Annars behöver du inte göra något.",
        "cutting_failed": "Svaret gick inte till kunden, för taggarna gick inte att klippa bort "
        "säkert. Skicka det igen som ren text.",
        "no_text": "Mejlet innehöll bara taggar, så inget gick till kunden.",
        "direct": "Du svarade kunden direkt, så vi skickade inte svaret en gång till.",
        "no_recipient": "Svaret gick inte till någon, för ärendet har ingen mottagare.",
        "no_ticket": "Svaret gick inte till någon, för mejlet hör inte till något ärende.",
    },
    "en": {
        "internal": "The note is internal. Nothing went to the customer.",
        "near_internal": "Your answer did not go to the customer, because something in it looks "
        "like the tag internal. If it was meant for the customer: reply OK. Otherwise there is "
        "nothing you need to do.",
        "cutting_failed": "Your answer did not go to the customer, because its tags could not be "
        "cut out safely. Please send it again as plain text.",
        "no_text": "The mail held nothing but tags, so nothing went to the customer.",
        "direct": "You answered the customer directly, so we did not send your answer again.",
        "no_recipient": "Your answer went to nobody, because the ticket has no recipient.",
        "no_ticket": "Your answer went to nobody, because the mail belongs to no ticket.",
    },
}

# Why a time entry waits for an OK (`Booked.held`, C11).
HELD: Mapping[str, Mapping[str, str]] = {
    "sv": {
        "long_entry": "mer än 12 timmar i en tagg",
        "long_day": "mer än 24 timmar på en dag",
        "old": "dagen ligger långt tillbaka",
    },
    "en": {
        "long_entry": "more than 12 hours in one tag",
        "long_day": "more than 24 hours on one day",
        "old": "the day is far back",
    },
}

CLOCKS: Mapping[str, Mapping[str, str]] = {
    "sv": {
        "response": "inställelsetiden",
        "follow_up": "tiden för nästa svar",
        "resolution": "åtgärdstiden",
    },
    "en": {
        "response": "the response time",
        "follow_up": "the time for the next answer",
        "resolution": "the resolution time",
    },
}

INVOICE_STATES: Mapping[str, Mapping[str, str]] = {
    "sv": {
        "waiting": "väntar på bokföringssystemet",
        "approval": "väntar på ditt OK",
        "pushed": "fakturautkast skapat",
        "nothing": "inget att fakturera",
        "fault": "kunde inte skapas",
    },
    "en": {
        "waiting": "waiting for the accounting system",
        "approval": "waiting for your OK",
        "pushed": "invoice draft created",
        "nothing": "nothing to invoice",
        "fault": "could not be created",
    },
}
