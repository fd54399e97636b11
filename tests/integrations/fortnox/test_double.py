"""The double has the twenty properties of facts.md 9; each test names its number."""

import datetime as dt
import json
import socket
import subprocess
import sys
import time
from decimal import Decimal

import httpx
import pytest

from integrations.fortnox.double.registers import seeded
from integrations.fortnox.double.server import FortnoxDouble

A_ROW = {"ArticleNumber": "SUPPORTTIM", "DeliveredQuantity": "2.00", "Unit": "h", "Price": 850}


class Caller:
    """Talks to the double as any client might, with a bearer, and hides nothing."""

    def __init__(self, double):
        told = double.settings()
        self.http = httpx.Client(base_url=double.url, trust_env=False)
        answer = self.http.post(
            told.token_url,
            auth=(told.client_id, told.client_secret),
            data={"grant_type": "client_credentials"},
            headers={"TenantId": str(told.tenant_id)},
        )
        self.http.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"

    def post(self, invoice=None, **fields):
        body = {"Invoice": {"CustomerNumber": "1001", **fields} if invoice is None else invoice}
        return self.http.post("/3/invoices", json=body)

    def get(self, path, **params):
        return self.http.get(path, params=params)

    def put(self, path, **fields):
        return self.http.put(path, json={"Invoice": fields})


@pytest.fixture
def caller(double):
    made = Caller(double)
    yield made
    made.http.close()
    double.violations.clear()


def told(answer):
    """Status, code and whether the keys are capitalised."""
    inner = answer.json()["ErrorInformation"]
    return answer.status_code, inner.get("code") or inner.get("Code"), "Code" in inner


def invoice_of(answer):
    assert answer.is_success, answer.text
    return answer.json()["Invoice"]


def test_1_and_2_every_post_makes_an_invoice_with_the_next_number_as_a_string(caller):
    answers = [caller.post() for _ in range(3)]
    assert [answer.status_code for answer in answers] == [201] * 3
    assert {answer.headers["Location"] for answer in answers} == {"invoices"}
    assert [invoice_of(answer)["DocumentNumber"] for answer in answers] == ["1", "2", "3"]
    assert invoice_of(caller.post(DocumentNumber="500"))["DocumentNumber"] == "500"
    assert invoice_of(caller.post())["DocumentNumber"] == "501"


@pytest.mark.parametrize(
    ("trouble", "stored"),
    [("drop-before", 0), ("drop-after", 1), ("500-before", 0), ("500-after", 1), ("gateway", 0)],
)
def test_3_a_fault_before_stores_nothing_and_one_after_stores(caller, double, trouble, stored):
    double.faults.add(trouble, "POST /3/invoices")
    if trouble.startswith("drop"):
        with pytest.raises(httpx.RemoteProtocolError):
            caller.post()
    else:
        assert caller.post().status_code >= 500
    assert len(double.invoices) == stored
    assert caller.post().status_code == 201


def test_4_a_search_is_a_substring_without_case_and_filters_are_anded(caller):
    caller.post(ExternalInvoiceReference1="AVT-beta-2026-1", Comments="AVT-hidden")
    caller.post(ExternalInvoiceReference1="avt-BETA-2026-11", OurReference="Anna")
    found = caller.get("/3/invoices", externalinvoicereference1="beta-2026-1").json()["Invoices"]
    assert [item["DocumentNumber"] for item in found] == ["1", "2"]
    both = {"externalinvoicereference1": "beta", "ourreference": "ann"}
    assert len(caller.get("/3/invoices", **both).json()["Invoices"]) == 1
    assert not {"InvoiceRows", "Credit", "NotCompleted", "YourOrderNumber"} & found[0].keys()
    assert caller.get("/3/invoices", customernumber="1").json()["Invoices"] == found
    assert told(caller.get("/3/invoices", comments="AVT-hidden"))[:2] == (400, 2000588)


def test_5_lists_tell_totals_and_pages(caller):
    empty = caller.get("/3/invoices").json()
    assert empty["MetaInformation"] == {
        "@TotalResources": 0,
        "@TotalPages": 0,
        "@CurrentPage": 0,
    }
    for _ in range(5):
        caller.post()
    page = caller.get("/3/invoices", limit=2, page=3).json()
    assert page["MetaInformation"] == {"@TotalResources": 5, "@TotalPages": 3, "@CurrentPage": 3}
    assert [item["DocumentNumber"] for item in page["Invoices"]] == ["5"]
    newest = caller.get("/3/invoices", sortby="documentnumber", sortorder="descending").json()
    assert newest["Invoices"][0]["DocumentNumber"] == "5"


def test_6_the_26th_request_in_five_seconds_is_turned_away(caller, played):
    statuses = [caller.get("/3/units").status_code for _ in range(26)]
    assert statuses == [200] * 25 + [429]
    last = caller.get("/3/units")
    assert "Retry-After" not in last.headers
    with pytest.raises(json.JSONDecodeError):
        last.json()
    played.seconds += 5.1
    assert caller.get("/3/units").status_code == 200


def test_7_a_bad_or_expired_bearer_is_unauthorized(caller, played):
    played.seconds += 3601
    answer = caller.get("/3/units")
    assert (answer.status_code, answer.json()) == (401, {"message": "unauthorized"})


def test_8_a_refresh_token_is_spent_by_its_use(double):
    told_settings = double.settings()
    client = told_settings.client_id, told_settings.client_secret
    form = {"grant_type": "refresh_token", "refresh_token": double.tokens.new_refresh()}
    with httpx.Client(trust_env=False) as http:
        first, second = (http.post(told_settings.token_url, auth=client, data=form) for _ in "12")
        wrong = http.post(told_settings.token_url, auth=("x", "y"), data=form)
    assert first.json()["expires_in"] == 3600
    assert first.json()["refresh_token"] != form["refresh_token"]
    assert (second.status_code, second.json()["error"]) == (400, "invalid_grant")
    assert second.headers["Content-Type"].startswith("text/html")
    assert (wrong.status_code, wrong.json()["error"]) == (401, "invalid_client")
    assert wrong.headers["Content-Type"].startswith("text/plain")


def test_8_a_refresh_token_dies_after_45_days(double, played):
    token = double.tokens.new_refresh()
    played.seconds += 45 * 86400
    answer = double.tokens.answer(
        {"Authorization": httpx.BasicAuth("double", "double-secret")._auth_header},
        {"grant_type": "refresh_token", "refresh_token": token},
    )
    assert answer.status == 400


def test_9_client_credentials_need_the_tenant_and_its_consent(double):
    told_settings = double.settings()
    with httpx.Client(trust_env=False) as http:
        answers = [
            http.post(
                told_settings.token_url,
                auth=(told_settings.client_id, told_settings.client_secret),
                data={"grant_type": "client_credentials"},
                headers=headers,
            )
            for headers in ({}, {"TenantId": "1"}, {"TenantId": "123456"})
        ]
    assert [answer.status_code for answer in answers] == [400, 400, 200]
    assert "refresh_token" not in answers[2].json()


def test_10_a_missing_scope_is_400(caller, double):
    double.tokens.scopes.clear()
    assert told(caller.post()) == (400, 2000663, False)
    double.faults.add("missing-licence")
    assert told(caller.post()) == (400, 2001101, False)


def test_11_and_13_what_is_missing_is_404_in_capitals_and_400_when_referred_to(caller):
    for path, code in (
        ("/3/invoices/9", 2000434),
        ("/3/customers/9", 2000433),
        ("/3/articles/9", 2000428),
        ("/3/units/kg", 2000432),
        ("/3/termsofpayments/90", 2000429),
    ):
        assert told(caller.get(path)) == (404, code, True)
    assert told(caller.post(CustomerNumber="9")) == (400, 2000433, False)
    for changes, code in (
        ({"ArticleNumber": "9"}, 2001302),
        ({"ArticleNumber": ""}, 2001304),
        ({"AccountNumber": 1999}, 2001304),
        ({"Unit": "kg"}, 2000432),
    ):
        assert told(caller.post(InvoiceRows=[{**A_ROW, **changes}])) == (400, code, False)
    assert told(caller.post(Country="South Korea"))[1] == 2000919
    assert told(caller.get("/3/invoices", filter="drafts"))[1] == 2000587
    assert caller.get("/3/invoices").json()["Invoices"] == []


@pytest.mark.parametrize(
    ("invoice", "code"),
    [
        ({"CustomerNumber": "1001", "customernumber": "1001"}, 2001399),
        ({"CustomerNumber": "1001", "Booked": True}, 2001399),
        ({"CustomerNumber": "1001", "InvoiceRows": [{"price": 1}]}, 2001399),
        ({"CustomerNumber": "1001", "InvoiceRows": ["x"]}, 2002649),
        ({"CustomerNumber": "1001", "InvoiceRows": {"0": {}}}, 2002649),
        ({"CustomerNumber": "1001", "Freight": "abc"}, 2000108),
        ({"CustomerNumber": "1001", "VATIncluded": "no"}, 2000134),
        ({"CustomerNumber": "1001", "InvoiceDate": "30/11"}, 2001392),
        ({}, 2001795),
    ],
)
def test_12_wrong_names_structures_and_types_are_refused(caller, double, invoice, code):
    assert told(caller.post(invoice)) == (400, code, False)
    assert double.invoices == []


def test_12_bad_json_is_refused(caller):
    assert told(caller.http.post("/3/invoices", content=b"{")) == (400, 2002115, False)
    assert told(caller.http.post("/3/invoices", json={"Faktura": {}}))[1] == 2002649


@pytest.mark.parametrize("sign", list("\"'<>[]{}|~\t—•“”…😀"))
def test_14_each_forbidden_character_is_2000359(caller, sign):
    assert told(caller.post(Remarks=f"a{sign}b"))[1] == 2000359
    assert told(caller.post(InvoiceRows=[{**A_ROW, "Description": sign}]))[1] == 2000359


@pytest.mark.parametrize(
    ("name", "length"),
    [
        ("Remarks", 1024),
        ("Comments", 1024),
        ("YourReference", 50),
        ("OurReference", 50),
        ("ExternalInvoiceReference1", 80),
        ("YourOrderNumber", 75),
    ],
)
def test_14_a_text_may_be_so_long_and_no_longer(caller, name, length):
    assert caller.post(**{name: "x" * length}).status_code == 201
    assert caller.post(**{name: "x" * (length + 1)}).status_code == 400
    for row_length, status in ((255, 201), (256, 400)):
        row = {**A_ROW, "Description": "x" * row_length}
        assert caller.post(InvoiceRows=[row]).status_code == status


@pytest.mark.parametrize(
    ("sent", "quantity", "price", "total"),
    [
        ({"DeliveredQuantity": "1.125", "Price": 1.125}, "1.13", 1.13, 1.28),
        ({"DeliveredQuantity": 1.123, "Price": "1.123"}, "1.12", 1.12, 1.25),
        ({"Price": 10}, "0", 10, 0),
        ({"DeliveredQuantity": "2"}, "2", 0, 0),
        ({"DeliveredQuantity": "10.00", "Price": 159, "Discount": 50}, "10", 159, 795),
        ({"DeliveredQuantity": "-0.50", "Price": 850}, "-0.5", 850, -425),
    ],
)
def test_15_quantities_and_prices_are_rounded_half_up_to_two_decimals(
    caller, sent, quantity, price, total
):
    row = {"ArticleNumber": "SUPPORTTIM", **sent}
    [made] = invoice_of(caller.post(InvoiceRows=[row]))["InvoiceRows"]
    assert (made["DeliveredQuantity"], made["Price"], made["Total"]) == (quantity, price, total)


def test_16_the_totals_are_those_of_fortnoxs_own_sample(caller):
    row = {**A_ROW, "DeliveredQuantity": "10", "Price": 159}
    invoice = invoice_of(caller.post(InvoiceRows=[row], Freight=95))
    names = ("Net", "Gross", "FreightVAT", "TotalVAT", "RoundOff", "Total", "TotalToPay", "Balance")
    assert [invoice[name] for name in names] == [
        *(1590, 1590, 23.75, 421.25, -0.25, 2106, 2106, 2106)
    ]


def test_16_a_tenants_fee_is_added_only_where_none_is_sent(caller, double):
    double.registers.administration_fee = Decimal(29)
    assert invoice_of(caller.post())["AdministrationFee"] == 29
    assert invoice_of(caller.post(AdministrationFee=0))["AdministrationFee"] == 0


def test_16_prices_with_vat_are_divided(caller):
    row = {**A_ROW, "DeliveredQuantity": "1", "Price": 125}
    invoice = invoice_of(caller.post(InvoiceRows=[row], VATIncluded=True))
    assert (invoice["Net"], invoice["TotalVAT"], invoice["Total"]) == (100, 25, 125)


def test_17_a_foreign_customer_has_no_vat_and_another_account(caller, double):
    double.add_customer("2001", "Nordic Freight Oy", VATType="EUREVERSEDVAT")
    invoice = invoice_of(caller.post(CustomerNumber="2001", InvoiceRows=[A_ROW]))
    assert (invoice["TotalVAT"], invoice["InvoiceRows"][0]["AccountNumber"]) == (0, 3308)


def test_18_the_defaults_are_those_of_the_recordings(caller):
    invoice = invoice_of(caller.post())
    wanted = {
        "InvoiceDate": "2026-12-01",
        "DueDate": "2026-12-31",
        "OutboundDate": "2026-12-01",
        "PriceList": "A",
        "PrintTemplate": "st",
        "Language": "SV",
        "OCR": "133",
        "Booked": False,
        "Sent": False,
        "Cancelled": False,
        "NotCompleted": False,
        "Credit": "false",
        "CreditInvoiceReference": "0",
        "CurrencyRate": 1,
        "VoucherNumber": None,
        "FinalPayDate": None,
        "InvoicePeriodStart": "",
    }
    assert {name: invoice[name] for name in wanted} == wanted
    assert caller.get("/3/invoices").json()["Invoices"][0]["CurrencyRate"] == "1"
    assert "https:\\/\\/" in caller.get("/3/invoices").text


def test_19_a_change_is_partial_and_row_ids_are_given_anew(caller):
    made = invoice_of(caller.post(InvoiceRows=[A_ROW, A_ROW], Comments="kvar", Remarks="bort"))
    path = f"/3/invoices/{made['DocumentNumber']}"
    changed = invoice_of(caller.put(path, Comments="", Remarks="API_BLANK", OurReference="Ny"))
    assert (changed["Comments"], changed["Remarks"], changed["OurReference"]) == ("kvar", "", "Ny")
    ids = [row["RowId"] for row in changed["InvoiceRows"]]
    assert not set(ids) & {row["RowId"] for row in made["InvoiceRows"]}
    fewer = invoice_of(caller.put(path, InvoiceRows=[{"RowId": ids[1]}, {**A_ROW, "Price": 1}]))
    assert [row["Price"] for row in fewer["InvoiceRows"]] == [850, 1]
    by_place = invoice_of(caller.put(path, InvoiceRows=[{"Price": 900}]))
    assert [row["Total"] for row in by_place["InvoiceRows"]] == [1800]
    assert caller.http.delete(path).status_code == 404


def test_19_booked_and_cancelled_invoices_cannot_be_changed(caller):
    for action in ("bookkeep", "cancel"):
        number = invoice_of(caller.post())["DocumentNumber"]
        invoice_of(caller.put(f"/3/invoices/{number}/{action}"))
        assert told(caller.put(f"/3/invoices/{number}", Comments="x"))[0] == 400
    booked = caller.get("/3/invoices/1").json()["Invoice"]
    assert (booked["Booked"], booked["VoucherNumber"], booked["VoucherSeries"]) == (True, 1, "B")


def test_19_crediting_answers_with_the_credited_invoice(caller):
    number = invoice_of(caller.post(InvoiceRows=[A_ROW]))["DocumentNumber"]
    credited = invoice_of(caller.put(f"/3/invoices/{number}/credit"))
    note = caller.get(f"/3/invoices/{credited['CreditInvoiceReference']}").json()["Invoice"]
    assert (credited["DocumentNumber"], credited["Credit"]) == (number, "false")
    assert (note["Credit"], note["CreditInvoiceReference"], note["Net"]) == ("true", number, -1700)


@pytest.mark.parametrize(
    ("method", "action", "sent"),
    [
        *(("GET", action, True) for action in ("email", "einvoice", "eprint", "print")),
        ("GET", "preview", False),
        ("PUT", "externalprint", True),
        ("PUT", "bookkeep", False),
    ],
)
def test_20_forbidden_calls_do_what_they_do_and_are_written_down(
    caller, double, method, action, sent
):
    """I2: a test that ends with violations fails."""
    number = invoice_of(caller.post())["DocumentNumber"]
    path = f"/3/invoices/{number}/{action}"
    assert caller.http.request(method, path, json=None).is_success
    assert double.invoices[0]["Sent"] is sent
    assert double.violations == ([] if action == "preview" else [f"{method} {path}"])


def test_filters_tell_unbooked_cancelled_and_paid(caller, double):
    for _ in range(4):
        caller.post()
    double.books.book("1")
    double.books.cancel("2")
    double.books.pay("3", dt.date(2026, 12, 24))
    found = {
        name: [
            item["DocumentNumber"]
            for item in caller.get("/3/invoices", filter=name).json()["Invoices"]
        ]
        for name in ("unbooked", "cancelled", "fullypaid")
    }
    assert found == {"unbooked": ["3", "4"], "cancelled": ["2"], "fullypaid": ["3"]}


def test_changed_invoices_are_found_by_time_also_if_the_zone_is_another(
    client, double, a_draft, played
):
    """I4, facts.md 3.2: two hours are added to be safe."""
    client.create(a_draft())
    double.add_invoice("1001", ExternalInvoiceReference1="annans")
    before = played.now()
    played.seconds += 5 * 3600
    assert client.changed_since(played.now()) == []
    double.books.send("1")
    [changed] = client.changed_since(played.now())
    assert (changed.number, changed.sent, changed.net) == ("1", True, None)
    assert len(client.changed_since(before)) == 1


def test_a_person_at_work_is_seen_by_the_daily_look(client, double, a_draft):
    """I4: booked, sent, paid, cancelled, credited, changed, removed."""
    numbers = [client.create(a_draft(key=f"k{place}")).number for place in range(7)]
    double.books.book(numbers[0])
    double.books.send(numbers[1])
    double.books.pay(numbers[2], dt.date(2026, 12, 24))
    double.books.cancel(numbers[3])
    double.books.credit(numbers[4])
    double.books.update(numbers[5], {"InvoiceRows": [{"Price": 1}]})
    double.books.remove(numbers[6])
    state = {number: client.read(number) for number in numbers}
    assert state[numbers[0]].booked
    assert state[numbers[1]].sent
    assert state[numbers[2]].paid_on == dt.date(2026, 12, 24)
    assert state[numbers[3]].cancelled
    assert state[numbers[4]].credited_by == "8"
    assert state[numbers[5]].net.ore == 100
    assert state[numbers[6]] is None


def test_what_a_file_keeps_survives_a_restart(tmp_path):
    file = tmp_path / "fortnox.json"
    first = FortnoxDouble(file=file, first_number=57)
    first.add_invoice("1001", InvoiceRows=[A_ROW])
    again = FortnoxDouble(file=file)
    assert json.dumps(again.invoices, default=float) == json.dumps(first.invoices, default=float)
    assert again.add_invoice("1001")["DocumentNumber"] == "58"


def test_the_seed_has_customers_articles_and_units():
    registers = seeded()
    assert list(registers.customers) == ["1001", "1002", "1003", "1004"]
    assert list(registers.articles) == ["SUPPORT", "SUPPORTTIM"]
    assert list(registers.units) == ["st", "h"]


def test_it_runs_as_a_command_of_its_own():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "integrations.fortnox.double.server", "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        try:
            lines = [child.stdout.readline() for _ in range(6)]
            assert f'api_url = "http://127.0.0.1:{port}"\n' in lines
            time.sleep(0)
            answer = httpx.get(f"http://127.0.0.1:{port}/3/units", trust_env=False)
            assert answer.status_code == 401
        finally:
            child.terminate()
