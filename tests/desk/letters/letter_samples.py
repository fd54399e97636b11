"""One letter of each shape, as golden files and property tests render them."""

import dataclasses
import datetime as dt
from zoneinfo import ZoneInfo

from daemon.desk.letters.records import Said, TicketLine
from daemon.desk.letters.to_customers import (
    Answer,
    Balance,
    BankLow,
    ClockLine,
    Confirmation,
    Explanation,
    PriorityChanged,
    TicketNews,
)
from daemon.desk.letters.to_engineers import (
    Assigned,
    BankChange,
    Booked,
    Digest,
    HeldMail,
    ManyNotices,
    ManyWarned,
    Notice,
    ProofRequest,
    Receipt,
    Refused,
    StillHeld,
    TagCard,
    Told,
    ToldTicket,
    Warned,
)
from daemon.desk.letters.to_office import (
    Alarm,
    ApprovalAnswer,
    Close,
    DraftLine,
    HeldCustomer,
    InvoiceReport,
    StatementSummary,
    TermEnding,
    TriedApproval,
)
from daemon.domain.money import Money
from tests.desk.reviews.report_samples import REPORT_LETTERS

ZONE = ZoneInfo("Europe/Stockholm")
DESK = "Exempel Support"


def _at(day: int, hour: int, minute: int = 0) -> dt.datetime:
    return dt.datetime(2026, 11, day, hour, minute, tzinfo=ZONE)


SAID = Said(
    "Bo Ek",
    _at(27, 15, 42),
    "Hej!\n\nSkrivaren på lagret står still sedan lunch, och etiketterna till kvällens leverans "
    "måste ut före 18. Felkoden på displayen är E-217.\n\nVi har startat om den två gånger.\n\n"
    "/Bo",
)
ANSWERED = Said(
    "Anna Svensson",
    _at(27, 16, 5),
    "Hej Bo,\n\njag ser att kön till skrivaren har fastnat. Den är rensad nu. Prova igen.\n\nAnna",
)
RICH = (
    '<html><head><style>p{margin:0}</style></head><body lang="SV">'
    '<p class="MsoNormal">Hej Bo,</p><p>kön till skrivaren hade <b>fastnat</b>. Gör så här om det '
    'händer igen:</p><ol><li>Öppna <i>Skrivare</i></li><li>Välj <span style="color:#c00;'
    'font-size:11pt">Töm kön</span></li></ol><p><img src="cid:bild1" alt="Skärmbild" width="320">'
    '<img src="https://spion.example/1.gif"></p>'
    '<table border="1"><tr><td>Kö</td><td>Antal</td></tr>'
    '<tr><td>LAGER-2</td><td>14</td></tr></table><p><a href="https://example.se/guide">Guiden</a> '
    "beskriver resten.</p><p>Anna</p></body></html>"
)
BOOKED = Booked(
    1042, "Acme AB", dt.date(2026, 11, 27), 90, 90, True, 60, 30, "felsökning, rensad kö"
)
STATEMENT = StatementSummary(
    "Beta Bygg AB",
    "beta",
    "AVT-beta-2026-11",
    Money(872250),
    (
        ("Supportavtal Alert! november 2026", "1.00", "st", "8000.00", "8000.00"),
        ("Utöver timbanken kvartal 4 2026", "0.85", "h", "850.00", "722.50"),
    ),
    "approval",
)
PUSHED = StatementSummary(
    "Acme AB",
    "acme",
    "AVT-acme-2026-11",
    Money(300000),
    (("Supportavtal Attend! november 2026", "1.00", "st", "3000.00", "3000.00"),),
    "pushed",
    "57",
    "https://apps.fortnox.example/invoice/57",
)

LINE = TicketLine(
    1042, "Skrivaren på lagret står still", "Acme AB", 1, _at(30, 9, 30), "Anna Svensson"
)
LATER = TicketLine(1045, "Rapporten blir tom", "Kim Konsult", 3)
WAITS = TicketLine(1040, "Ny användare", "Acme AB", 4, None, None, "väntar sedan 20 november")
DONE = TicketLine(1039, "Inloggning", "Beta Bygg AB", 3, None, "Anna Svensson")
UNTIMED = TicketLine(1039, "Inloggning", "Beta Bygg AB", note="Anna Svensson svarade 27 november")
UNTIMED_TOO = TicketLine(1031, "Kvitton", "Acme AB", note="Erik Lind svarade 27 november")

LETTERS = {
    "confirmation": Confirmation(
        DESK,
        1042,
        "Skrivaren på lagret står still",
        "Bo Ek",
        True,
        2,
        True,
        False,
        "Alert!",
        _at(30, 9, 30),
        60,
        270,
        None,
    ),
    "confirmation_default_empty_bank": Confirmation(
        DESK,
        1043,
        "Fråga om faktura",
        "Eva",
        True,
        3,
        False,
        False,
        "Access!",
        _at(30, 16),
        960,
        0,
        None,
    ),
    "confirmation_conflict": Confirmation(
        DESK,
        1044,
        "P2: Inloggningen",
        "",
        True,
        1,
        True,
        True,
        "Attend!",
        _at(30, 8, 30),
        480,
        15,
        None,
    ),
    "confirmation_no_agreement": Confirmation(
        DESK,
        1045,
        "Rapporten blir tom",
        "Kim Berg",
        True,
        3,
        False,
        False,
        None,
        None,
        None,
        None,
        Money(98000),
    ),
    "confirmation_stranger": Confirmation(
        DESK, 1046, "Fråga", "", False, 3, False, False, None, None, None, None, None
    ),
    "confirmation_found": Confirmation(
        DESK,
        1046,
        "Fråga",
        "Kim Berg",
        True,
        2,
        False,
        False,
        "Alert!",
        _at(30, 9, 30),
        60,
        870,
        None,
        found="Acme AB",
    ),
    "confirmation_by_engineer": Confirmation(
        DESK,
        1047,
        "Skrivaren på lagret",
        "Bo Ek",
        True,
        3,
        False,
        False,
        "Attend!",
        _at(30, 9, 30),
        480,
        270,
        None,
        ANSWERED,
    ),
    "priority_changed": PriorityChanged(
        DESK, 1042, "Skrivaren på lagret står still", 3, 2, False, _at(30, 8, 45)
    ),
    "priority_changed_conflict": PriorityChanged(DESK, 1042, "Skrivaren", 4, 1, True, None),
    "answer_text": Answer(
        DESK, 1042, "Anna Svensson", ANSWERED.text, None, SAID, "Skrivaren på lagret står still"
    ),
    "answer_html": Answer(
        DESK,
        1042,
        "Anna Svensson",
        "Hej Bo,\nkön till skrivaren hade fastnat.\nAnna",
        RICH,
        None,
        "Skrivaren på lagret står still",
    ),
    "notice_new": Notice(
        1042,
        "Skrivaren på lagret står still",
        "Acme AB",
        "acme",
        "Alert!",
        "Bo Ek <bo@acme.se>",
        1,
        True,
        None,
        _at(30, 8, 45),
        270,
        SAID,
        (),
    ),
    "notice_reply": Notice(
        1042,
        "Skrivaren på lagret står still",
        "Acme AB",
        "acme",
        "Attend!",
        "Bo Ek <bo@acme.se>",
        2,
        False,
        "Anna Svensson",
        None,
        0,
        Said(
            "Bo Ek",
            _at(27, 16, 20),
            "Nu fungerar den. [tid: 9h]",
            "Från: leverantören\nTack för köpet.",
        ),
        (SAID, ANSWERED),
        ("Prioriteten är ändrad från 3 till 2.", "Eva Ek är ny i tråden."),
    ),
    "notice_unplaced": Notice(
        1048,
        "",
        None,
        None,
        None,
        "kim@okand.example",
        3,
        True,
        None,
        None,
        None,
        Said("kim@okand.example", _at(27, 7, 5), ""),
        (),
    ),
    "receipt": Receipt(
        1042,
        "Skrivaren på lagret står still",
        "Acme AB",
        (BOOKED,),
        (),
        ("Ärendet är stängt.",),
        (BankChange("Acme AB", "2026-Q4", 60, 0),),
        ("Bo Ek <bo@acme.se>", "Eva Ek <eva@acme.se>"),
    ),
    "receipt_refused": Receipt(
        1042,
        "Skrivaren på lagret står still",
        "Acme AB",
        (),
        (
            Refused("[tid: 15]", "unit_missing"),
            Refused("[kund: acmee]", "unknown_customer", "kund: acme"),
        ),
        (),
        (BankChange("Acme AB", "2026-Q4", 270, 270),),
        (),
        "no_text",
        ("[tid: 9h]",),
    ),
    "receipt_held": Receipt(
        1042,
        "Skrivaren på lagret står still",
        "Acme AB",
        (
            Booked(
                1042,
                "Acme AB",
                dt.date(2026, 11, 26),
                840,
                840,
                True,
                0,
                0,
                held="mer än 12 timmar i en tagg",
            ),
            Booked(1042, "Acme AB", dt.date(2026, 11, 27), 20, 30, True, 30, 0),
            Booked(1042, "Acme AB", dt.date(2026, 11, 27), 45, 0, False, 0, 0, "egen utbildning"),
        ),
        (),
        (),
        (BankChange("Acme AB", "2026-Q4", 270, 240),),
        ("Bo Ek <bo@acme.se>",),
        confirm=True,
    ),
    "receipt_near_internal": Receipt(
        1042,
        "Skrivaren",
        "Acme AB",
        (Booked(1042, "Acme AB", dt.date(2026, 11, 27), -30, -30, True, -30, 0),),
        (),
        (),
        (BankChange("Acme AB", "2026-Q4", 240, 270),),
        (),
        "near_internal",
        confirm=True,
    ),
    "receipt_asks": Receipt(
        None,
        "Telefonsamtal om lagret",
        None,
        (),
        (),
        (),
        (),
        (),
        asks_for_customer=True,
    ),
    "receipt_of_several": Receipt(
        None,
        "Läget 30 november: 2 öppna ärenden",
        None,
        (BOOKED, Booked(1039, "Beta Bygg AB", dt.date(2026, 11, 27), 30, 30, True, 30, 0)),
        (Refused("[tid: 1h]", "which_ticket"),),
        ("#1039: Ärendet är stängt.",),
        (
            BankChange("Acme AB", "2026-Q4", 60, 0),
            BankChange("Beta Bygg AB", "2026-Q4", 330, 300),
        ),
        (),
    ),
    "proof_request": ProofRequest(
        "Anna Svensson",
        (
            HeldMail(
                _at(27, 16, 5),
                "SV: [#1042] Skrivaren",
                "Klart. [tid: 9h]",
                "dmarc_of_another_domain",
            ),
        ),
    ),
    "proof_request_several": ProofRequest(
        "Anna Svensson",
        (
            HeldMail(_at(27, 16, 5), "SV: [#1042] Skrivaren", "Klart. [tid: 9h]", "no_results"),
            HeldMail(_at(27, 16, 40), "", "", "date_too_far"),
        ),
    ),
    "still_held": StillHeld("Anna Svensson", 1, "Det var bluff!"),
    "still_held_several": StillHeld("Anna Svensson", 3, ""),
    "close_approval": Close(
        "2026-11",
        (
            STATEMENT,
            StatementSummary(
                "Gamma Rör AB",
                "gamma",
                "AVT-gamma-2026-11",
                Money(0),
                (),
                "nothing",
                left_out=Money(12250),
            ),
        ),
        (
            HeldCustomer(
                "Delta Frakt AB",
                "delta",
                (
                    "Kundnummer i bokföringen saknas. Lägg till accounting_number i registret.",
                    "Anna Svenssons tid 14 h den 26 november väntar på hennes OK.",
                ),
            ),
        ),
        ((1048, "Fråga om lager", 45),),
        Money(872250),
        True,
    ),
    "approval_answer": ApprovalAnswer(
        "2026-11",
        (DraftLine("Acme AB", "acme", Money(800000)), DraftLine("Gamma Rör AB", "gamma", Money(5))),
        Money(800005),
        (DraftLine("Beta Bygg AB", "beta", Money(872250), "excepted"),),
        (DraftLine("Delta Frakt AB", "delta", Money(98000), "pushed"),),
    ),
    "approval_answer_all": ApprovalAnswer(
        "2026-11", (DraftLine("Acme AB", "acme", Money(800000)),), Money(800000), (), ()
    ),
    "approval_answer_none": ApprovalAnswer(
        "2026-11", (), Money(0), (DraftLine("Acme AB", "acme", Money(5), "excepted"),), ()
    ),
    "approval_answer_again": ApprovalAnswer(
        "2026-11", (), Money(0), (), (DraftLine("Acme AB", "acme", Money(800000), "approved"),)
    ),
    "approval_answer_not_understood": ApprovalAnswer(
        "2026-11",
        (),
        Money(0),
        (DraftLine("Beta Bygg AB", "beta", Money(872250), "waiting"),),
        (),
        problem="not_understood",
        written="OK men vänta med Acme, fel pris [tid: 1h]",
    ),
    "approval_answer_unknown": ApprovalAnswer(
        "2026-11",
        (),
        Money(0),
        (
            DraftLine("Acme AB", "acme", Money(800000), "waiting"),
            DraftLine("Beta Bygg AB", "beta", Money(872250), "waiting"),
        ),
        (),
        problem="unknown_name",
        unknown=("acmee", "berg"),
        written="OK utom acmee och berg",
    ),
    "approval_answer_unproven": ApprovalAnswer(
        "2026-11",
        (),
        Money(0),
        (DraftLine("Beta Bygg AB", "beta", Money(872250), "waiting"),),
        (),
        problem="unproven",
        written="OK",
    ),
    "approval_answer_not_finance": ApprovalAnswer(
        "2026-11", (), Money(0), (), (), problem="not_finance", written="OK"
    ),
    "tried_approval": TriedApproval(
        "2026-11", "Kim Konsult <kim@example.org>", _at(30, 9, 5), "Godkänt. [klar]", own=False
    ),
    "tried_approval_own": TriedApproval(
        "2026-11", "Erik Lind <erik@example.se>", _at(30, 9, 5), "", own=True
    ),
    "close_automatic": Close("2026-11", (PUSHED,), (), (), Money(300000), False, True, 3),
    "invoice_report": InvoiceReport(
        "2026-11",
        (PUSHED,),
        (
            (
                "AVT-beta-2026-11",
                "Kunden 1001 finns inte i Fortnox.",
                "Lägg upp kunden i Fortnox, eller rätta accounting_number. Resten sköter sig.",
            ),
        ),
    ),
    "alarm": Alarm(
        "Brevlådan går inte att nå",
        "Kontrollera lösenordet i imap-password, och att imap.example.se svarar på port 993.",
        (("Sedan", "27 november 2026 kl. 15:42"), ("Svar", "AUTHENTICATIONFAILED [intern]")),
    ),
    "warned": Warned(
        1042, "Skrivaren på lagret står still", "Acme AB", 1, 80, _at(30, 9, 30), "response"
    ),
    "warned_breach": Warned(1042, "Skrivaren", None, 3, None, _at(30, 9, 30), "follow_up"),
    "answer_left_out": Answer(
        DESK, 1042, "Anna Svensson", "Hej,\n\nsom avtalat.", None, SAID, "Skrivaren", ("logg.zip",)
    ),
    "many_notices": ManyNotices(
        (
            ToldTicket(
                LINE,
                (
                    Told(SAID, ("Bifogat i mejlet: skrivare.jpg.",)),
                    Told(dataclasses.replace(ANSWERED, forwarded="Kön är full."), ()),
                ),
            ),
            ToldTicket(LATER, (Told(None, ("Anna Svensson har gett dig ärendet.",)),)),
            ToldTicket(TicketLine(1046, "", None, 3), (Told(Said("", SAID.at, ""), ()),)),
        )
    ),
    "many_notices_of_one": ManyNotices((ToldTicket(LINE, (Told(SAID),)),)),
    "many_warned": ManyWarned((LINE, LATER, DONE, WAITS)),
    "explanation": Explanation(
        DESK,
        1042,
        "Skrivaren på lagret står still",
        "response",
        2,
        60,
        _at(27, 16, 30),
        _at(30, 8, 30),
        _at(30, 8, 12),
        42,
        "met",
        (
            ClockLine("fredag 27 november kl. 16:30–17:00", "30 min", "öppet, klockan går", "A3"),
            ClockLine("fredag kl. 17:00 – måndag kl. 08:00", "", "stängt", "A2"),
        ),
    ),
    "tag_card": TagCard(),
    "balance": Balance(DESK, "Eva Ek", "Acme AB", "Attend!", "2026-Q4", 360, 270, 0, (LINE, LATER)),
    "balance_no_bank": Balance(DESK, "", "Kim Konsult", None, None, 0, 0, 90, ()),
    "digest": Digest(dt.date(2026, 11, 30), (LINE, LATER), (WAITS,), (UNTIMED,), (DONE,)),
    "digest_of_several": Digest(dt.date(2026, 11, 30), (LINE,), (), (UNTIMED, UNTIMED_TOO), ()),
    "digest_empty": Digest(dt.date(2026, 11, 30), (), (), (), ()),
    "bank_low": BankLow(
        DESK, "Acme AB", 80, "2026-Q4", 360, 300, dt.date(2026, 12, 9), Money(89000)
    ),
    "bank_gone": BankLow(DESK, "Acme AB", 100, "2026-H2", 360, 420, None, Money(89050)),
    "term_ending": TermEnding("Acme AB", "Attend!", 60, dt.date(2026, 12, 31), True),
    "term_ended": TermEnding("Beta Bygg AB", "Alert!", 30, dt.date(2026, 12, 31), False),
    "news_closed": TicketNews(DESK, 1042, "Skrivaren på lagret står still", "closed"),
    "news_reopened": TicketNews(DESK, 1042, "Skrivaren på lagret står still", "reopened"),
    "news_merged": TicketNews(DESK, 1043, "Skrivaren igen", "merged", 1042),
    "assigned": Assigned(
        1042, "Skrivaren på lagret står still", "Acme AB", 2, _at(30, 8, 45), "Anna Svensson", SAID
    ),
}
LETTERS |= REPORT_LETTERS
