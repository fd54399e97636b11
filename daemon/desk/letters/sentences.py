"""Short sentences in receipts, notices and mails to finance, for the desk's own people."""

_SWEDISH = {
    "closed": "Ärendet är stängt.",
    "reopened": "Ärendet är öppnat igen.",
    "kept_inside": "Orden vid taggen är sparade som en intern anteckning.",
    "unchanged": "Taggen {tag} ändrade inget.",
    "waiting": "Ärendet väntar på kunden; uppföljningsklockan står stilla.",
    "started": "Arbetet är noterat som påbörjat.",
    "priority": "Prioriteten är ändrad från {old} till {new}.",
    "assigned": "Ärendet är tilldelat {name}.",
    "given": "{name} har gett dig ärendet.",
    "files": "Bifogat i mejlet: {names}.",
    "placed": "Ärendet hör nu till {customer}.",
    "merged": "Ärendet är sammanslaget med #{number}.",
    "spam": "Ärendet är stängt som skräp, utan svar till avsändaren.",
    "opened": "Ärende #{number} är öppnat för {customer}.",
    "undelivered": "En rapport eller mötesinbjudan till {address} kom kanske inte fram",
    "undelivered_remedy": "Den skickas aldrig om av sig själv. Kontrollera adressen, och skicka "
    "den för hand om det behövs: avtald report KUND PERIOD --pdf FIL.",
    "undelivered_mail": "Ett mejl till {address} kom kanske inte fram",
    "undelivered_mail_remedy": "Det skickas inte om av sig självt. Kontrollera adressen, och låt "
    "mottagaren få veta det på annat sätt.",
    "pdf_fault": "Rapporter skickas utan PDF",
    "report_fault": "Rapporten eller mötet för {customer}, {period}, gick inte att göra",
    "report_fault_remedy": "Prova avtald report, rätta det som är fel i registret; ett nytt försök "
    "görs av sig självt.",
    "report_nobody": "Rapporten för {customer} har ingen mottagare",
    "report_nobody_remedy": "Sätt reports_to eller manager för kunden i registret och kör avtald "
    "import. Rapporten finns med avtald report.",
    "meeting": "Avstämningsmötet är ändrat, och alla berörda har fått besked.",
    "noted": "Noterat på ärendet.",
    "undone": "Ångrat: {time} är återfört.",
    "undone_held": "Ångrat: det som väntade på OK är struket.",
    "confirmed": "Bekräftat.",
    "relayed_on_ok": "Svaret skickas nu vidare.",
    "confirmed_late": "Tiden för att svara har gått ut, så inget av det som väntade har räknats. "
    "Skicka det igen.",
    "confirmed_not": "Det som väntade släpps inte fram, och inget i det har räknats.",
    "other_customers": "Avsändaren hör till en annan kund och får inga svar.",
    "note_internal": "Intern anteckning från {name}.",
    "answered_by": "{name} svarade kunden.",
    "answered_on": "{names} svarade {day}",
    "waiting_since": "väntar sedan {day}",
    "no_customer": "ännu utan kund",
    "own_bounce_remedy": "Kontrollera mottagarens brevlåda. Läget står i avtald tickets.",
    "time_is_up": "tiden är ute",
    "left_out": "Filerna är för stora att skicka vidare: {names}.",
    "takes_part": "{address} deltar nu i ärendet.",
    "encrypted": "Mejlet är krypterat och kan inte läsas här; öppna det ur bilagan.",
    "flood": "Avsändaren har öppnat många ärenden på kort tid. Nästa mejl därifrån läggs i det här "
    "ärendet, utan svar och utan fler notiser.",
    "flood_subject": "Många mejl från {source}",
    "flood_alarm": "Många mejl från {source} läggs i ett ärende",
    "flood_remedy": "Inget mejl är borta: de står i ärende #{number}. Stäng det som skräp om de "
    "är det. Gränserna är desk.tickets_of_address och desk.tickets_of_domain.",
    "many_recipients": "Mejlet har många mottagare. Bara avsändaren deltar i ärendet; lägg till "
    "någon med taggen för.",
    "absent": "{name} är frånvarande; ärendet går till alla.",
    "held_long": "mer än {hours} timmar i en tagg",
    "held_day": "mer än {hours} timmar samma dag",
    "held_old": "datumet ligger mer än {days} dagar tillbaka",
    "auto_reply": "Automatiskt svar: det startar ingen klocka och avslutar ingen väntan.",
    "stranger": "Avsändaren är ny i tråden och får inga svar förrän du lägger till den.",
    "priority_by_customer": "Kunden ändrade prioriteten från {old} till {new}.",
    "follows": "Svar på ärende #{number}, som har varit stängt länge.",
    "reopened_by_customer": "Kunden svarade på ett stängt ärende; det är öppet igen.",
    "bounce": "Ett svar till {addresses} kom inte fram ({status}).",
    "bounce_unproven": "Någon uppger att ett svar till {addresses} inte kom fram ({status}). "
    "Uppgiften är inte styrkt och ändrar inget: fråga kunden om svaret kom.",
    "delayed": "Ett svar till {addresses} har inte kommit fram ännu ({status}); servern som har "
    "det försöker igen.",
    "failed": "Ett mejl till {address} kunde inte levereras: {reply}",
    "in_doubt": "Ett mejl till {address} kom kanske inte fram, och skickas inte om av sig självt: "
    "{reply}",
    "held_time": "{minutes} min den {day} på ärende #{ticket} väntar på OK från {name} "
    "({reason}). Be {name} svara OK på kvittot, eller ångra.",
    "no_number": "Kundnummer i bokföringen saknas. Sätt accounting_number för {key} i registret "
    "och kör avtald import.",
    "earlier_month": "En tidigare månad väntar; månader stängs i ordning.",
    "several": "{reference} finns på flera fakturor ({numbers}). Makulera dem som är fel; "
    "ingen ny skapas.",
    "differs": "Faktura {number} skiljer sig från avräkningen: {what}",
    "no_draft": "den är redan bokförd eller skickad, fast den nyss skapades som utkast",
    "drift": "Det här har ändrats i bokföringen sedan fakturorna skapades",
    "drift_remedy": "Kontrollera att det var meningen. Avtald ändrar inget och gör ingen ny "
    "faktura; det som ska faktureras om skrivs för hand.",
    "drift_gone": "Faktura {number} finns inte längre.",
    "drift_cancelled": "Faktura {number} är makulerad.",
    "drift_credited": "Faktura {number} är krediterad av {detail}.",
    "drift_changed": "Faktura {number} är ändrad: {detail}",
    "drift_copied": "Faktura {detail} bär samma referens som {number}. Är den en kopia?",
    "shelved": "Ett mejl kunde inte behandlas och har lagts på hyllan",
    "shelved_remedy": "Se det med avtald mail --shelved, och försök igen med avtald mail replay "
    "{inbox} när orsaken är avhjälpt. Mottagningstiden behålls.",
    "loose_end": "Något gick fel i det som skulle följa av ett mejl från oss",
    "loose_end_remedy": "Mejlet går inte ut igen, men en klocka kan gå fast svaret är framme. Se "
    "efter med avtald ticket {number}. Felet är avtalds eget: anmäl det, med raderna i loggen.",
    "breaker": "Spärren är utlöst: {limit} automatiska svar har gått ut den här timmen",
    "breaker_remedy": "Mejl tas emot och behandlas som vanligt, men automatiska svar väntar till "
    "nästa timme. Se efter med avtald mail om det är en slinga. Gränsen är desk.all_answers.",
    "canary": "Provmejlet från {at} har inte kommit tillbaka genom brevlådan",
    "canary_remedy": "Prova med avtald check: mejl går kanske inte ut, eller kommer inte in.",
    "mailbox": "Brevlådan {name} går inte att läsa",
    "mailbox_remedy": "Posten ligger kvar där och hämtas när felet är borta. Kör avtald check: den "
    "säger hur det åtgärdas.",
    "answers": "Gränsen för automatiska svar till {address} är nådd",
    "answers_remedy": "Kontrollera om två autosvar svarar varandra. Mejl därifrån tas emot som "
    "vanligt; inga fler automatiska svar skickas förrän fönstret har gått.",
    "close_fault": "Avräkningen av {key} gick inte att räkna fram. Kör avtald verify, och rätta "
    "kundens avtal i registret; felet står i loggen.",
    "before_first": "{time} utöver timbanken är arbetade före den första månad som faktureras; "
    "de debiteras inte. Flytta first_month om de ska med.",
    "stray": "Justeringar på {time} gäller ett datum då kunden inte har någon timbank; de "
    "räknas inte.",
}
_ENGLISH = {
    "closed": "The ticket is closed.",
    "reopened": "The ticket is open again.",
    "kept_inside": "The words beside the tag are kept as an internal note.",
    "unchanged": "The tag {tag} changed nothing.",
    "waiting": "The ticket waits for the customer; the follow-up clock stands still.",
    "started": "Work is noted as started.",
    "priority": "The priority is changed from {old} to {new}.",
    "assigned": "The ticket is assigned to {name}.",
    "given": "{name} has given you the ticket.",
    "files": "Attached to the mail: {names}.",
    "placed": "The ticket now belongs to {customer}.",
    "merged": "The ticket is merged with #{number}.",
    "spam": "The ticket is closed as spam, without an answer to its sender.",
    "opened": "Ticket #{number} is opened for {customer}.",
    "undelivered": "A report or invitation to {address} may not have arrived",
    "undelivered_remedy": "It is never sent again by itself. Check the address, and send it by "
    "hand if need be: avtald report CUSTOMER PERIOD --pdf FILE.",
    "undelivered_mail": "A mail to {address} may not have arrived",
    "undelivered_mail_remedy": "It is not sent again by itself. Check the address, and let the "
    "recipient know in another way.",
    "pdf_fault": "Reports are sent without PDF",
    "report_fault": "The report or meeting of {customer}, {period}, could not be made",
    "report_fault_remedy": "Try avtald report, and mend what is wrong in the register; it is tried "
    "again by itself.",
    "report_nobody": "The report of {customer} has nobody to go to",
    "report_nobody_remedy": "Set reports_to or manager for the customer in the register and run "
    "avtald import. The report is there with avtald report.",
    "meeting": "The review meeting is changed, and everybody concerned is told.",
    "noted": "Noted on the ticket.",
    "undone": "Undone: {time} given back.",
    "undone_held": "Undone: what waited for an OK is struck out.",
    "confirmed": "Confirmed.",
    "relayed_on_ok": "The answer goes out now.",
    "confirmed_late": "The time to reply is over, so nothing that was waiting has counted. "
    "Please send it again.",
    "confirmed_not": "What was waiting is not released, and nothing in it has counted.",
    "other_customers": "The sender belongs to another customer and gets nothing.",
    "note_internal": "Internal note by {name}.",
    "answered_by": "{name} answered the customer.",
    "answered_on": "{names} answered {day}",
    "waiting_since": "waiting since {day}",
    "no_customer": "no customer yet",
    "own_bounce_remedy": "Check the recipient's mailbox. avtald tickets shows how things stand.",
    "time_is_up": "time is up",
    "left_out": "The files are too large to carry on: {names}.",
    "takes_part": "{address} now takes part in the ticket.",
    "encrypted": "The mail is encrypted and cannot be read here; open it from the attachment.",
    "flood": "The sender has opened many tickets in a short time. The next mails from there are "
    "kept on this ticket, without answers and further notices.",
    "flood_subject": "Many mails from {source}",
    "flood_alarm": "Many mails from {source} are kept on one ticket",
    "flood_remedy": "No mail is lost: they are on ticket #{number}. Close it as spam if they are. "
    "The limits are desk.tickets_of_address and desk.tickets_of_domain.",
    "many_recipients": "The mail has many recipients. Only its sender takes part; add "
    "somebody with the tag for.",
    "absent": "{name} is away; the ticket goes to everybody.",
    "held_long": "more than {hours} hours in one tag",
    "held_day": "more than {hours} hours on one day",
    "held_old": "the date is more than {days} days back",
    "auto_reply": "An automatic reply: it starts no clock and ends no pause.",
    "stranger": "The sender is new to the thread, and gets nothing until you add it.",
    "priority_by_customer": "The customer changed the priority from {old} to {new}.",
    "follows": "A reply to ticket #{number}, which has been closed for long.",
    "reopened_by_customer": "The customer replied to a closed ticket; it is open again.",
    "bounce": "An answer to {addresses} did not arrive ({status}).",
    "bounce_unproven": "Somebody reports that an answer to {addresses} did not arrive ({status}). "
    "The report is not proven and changes nothing: ask the customer for the answer.",
    "delayed": "An answer to {addresses} has not arrived yet ({status}); the server that has it "
    "tries again.",
    "failed": "A mail to {address} could not be delivered: {reply}",
    "in_doubt": "A mail to {address} may not have arrived, and is not sent again by itself: "
    "{reply}",
    "held_time": "{minutes} min on {day} on ticket #{ticket} wait for an OK from {name} "
    "({reason}). Ask {name} to answer OK to the receipt, or to undo.",
    "no_number": "The customer number in accounting is missing. Set accounting_number for {key} "
    "in the register and run avtald import.",
    "earlier_month": "An earlier month waits; months close in order.",
    "several": "{reference} stands on several invoices ({numbers}). Cancel those that are wrong; "
    "no new one is made.",
    "differs": "Invoice {number} differs from the statement: {what}",
    "no_draft": "it is booked or sent already, though it was just made as a draft",
    "drift": "This has changed in accounting since the invoices were made",
    "drift_remedy": "See that it was meant. Avtald changes nothing and makes no new invoice; what "
    "is to be billed again is written by hand.",
    "drift_gone": "Invoice {number} is no longer there.",
    "drift_cancelled": "Invoice {number} is cancelled.",
    "drift_credited": "Invoice {number} is credited by {detail}.",
    "drift_changed": "Invoice {number} is changed: {detail}",
    "drift_copied": "Invoice {detail} has the same reference as {number}. Is it a copy?",
    "shelved": "A message could not be processed and has been shelved",
    "shelved_remedy": "See it with avtald mail --shelved, and try again with avtald mail replay "
    "{inbox} once the cause is mended. Its receipt time is kept.",
    "loose_end": "What should follow from a mail of ours failed",
    "loose_end_remedy": "The mail does not go out again, but a clock may run although the answer "
    "has arrived. See avtald ticket {number}. The fault is avtald's own: report it, with "
    "the lines of the log.",
    "breaker": "The breaker is open: {limit} automatic answers have gone out this hour",
    "breaker_remedy": "Mail is taken and acted on as usual, but automatic answers wait for the "
    "next hour. See with avtald mail whether it is a loop. The limit is desk.all_answers.",
    "canary": "The canary of {at} has not come back through the mailbox",
    "canary_remedy": "Try avtald check: mail may not go out, or not come in.",
    "mailbox": "The mailbox {name} cannot be read",
    "mailbox_remedy": "The mail stays there and is fetched once the fault is gone. avtald check "
    "tells how to mend it.",
    "answers": "The limit of automatic answers to {address} has been reached",
    "answers_remedy": "Check whether two automatic repliers answer each other. Mail from there is "
    "received as usual; no more automatic answers go out until the window has passed.",
    "close_fault": "The statement of {key} could not be drawn. Run avtald verify, and mend the "
    "customer's agreements in the register; the log has the fault.",
    "before_first": "{time} beyond the time bank were worked before the first month that is "
    "billed; they are not charged. Move first_month if they should be.",
    "stray": "Adjustments of {time} are dated when the customer has no time bank; they do not "
    "count.",
}


_SENTENCES = {"sv": _SWEDISH, "en": _ENGLISH}


def sentence(code: str, language: str, **facts: object) -> str:
    """The sentence of that code."""
    return _SENTENCES[language][code].format(**facts)
