"""The requests of the Fortnox double and its acts for them (facts.md 1, 3.2, 3.3 and 9)."""

import datetime as dt
import json
import math
import re
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from email import message_from_bytes
from email.policy import HTTP
from typing import Any

from integrations.fortnox.double.answers import Answer, RefusedError, refused, written
from integrations.fortnox.double.books import Books
from integrations.fortnox.double.invoicing import Invoice, list_item
from integrations.fortnox.double.token_address import Tokens

DEFAULT_LIMIT, MAX_LIMIT = 100, 500
_GLOBAL = frozenset({"limit", "page", "offset", "sortorder", "sortby", "filter", "lastmodified"})
_SEARCHED = {
    name.lower(): name
    for name in (
        *("CustomerName", "CustomerNumber", "DocumentNumber", "OCR", "OurReference", "Project"),
        *("ExternalInvoiceReference1", "ExternalInvoiceReference2", "YourReference", "Currency"),
        *("YourOrderNumber", "InvoiceType", "CostCenter", "Sent", "NotCompleted", "Credit"),
    )
}
_DATES = {"fromdate", "todate", "fromfinalpaydate", "tofinalpaydate"}
_FILTERS: Mapping[str, Callable[[Invoice], bool]] = {
    "cancelled": lambda invoice: bool(invoice["Cancelled"]),
    "fullypaid": lambda invoice: bool(invoice["FinalPayDate"]),
    "unpaid": lambda invoice: not invoice["FinalPayDate"] and not invoice["Cancelled"],
    "unpaidoverdue": lambda invoice: not invoice["FinalPayDate"],
    "unbooked": lambda invoice: not invoice["Booked"] and not invoice["Cancelled"],
}
_ORDER: Mapping[str, Callable[[Invoice], Any]] = {
    "documentnumber": lambda invoice: int(invoice["DocumentNumber"]),
    "customername": lambda invoice: invoice["CustomerName"],
    "customernumber": lambda invoice: invoice["CustomerNumber"],
    "invoicedate": lambda invoice: invoice["InvoiceDate"],
    "ocr": lambda invoice: invoice["OCR"],
    "total": lambda invoice: invoice["Total"],
}


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it came."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes = b""


@dataclass(slots=True)
class Routes:
    """Everything behind the bearer; `violations` collects calls forbidden to a drafting daemon."""

    books: Books
    tokens: Tokens
    company: str
    violations: list[str]

    def answer(self, request: Request) -> Answer:
        """Carry out one request of a client with access."""
        for pattern, scope, act in _TABLE:
            method, _, path = pattern.partition(" ")
            match = re.fullmatch(path, request.path)
            if match and method == request.method:
                self._check_scope(scope)
                return act(self, request, *match.groups())
        raise RefusedError(Answer(404, b"<html>Not Found</html>", "text/html"))

    def invoices(self, request: Request) -> Answer:
        """Search: substrings without case, all given filters together."""
        _check_search(request.query)
        hits = [
            invoice
            for invoice in list(self.books.invoices.values())
            if self._matches(invoice, request.query)
        ]
        order = request.query.get("sortby", "documentnumber")
        backwards = request.query.get("sortorder") == "descending"
        hits.sort(key=_ORDER[order], reverse=backwards)
        return _listed("Invoices", [list_item(invoice) for invoice in hits], request.query)

    def create(self, request: Request) -> Answer:
        """A new invoice for every POST."""
        invoice = self.books.create(_payload(request, "Invoice"))
        return written({"Invoice": invoice}, 201, Location="invoices")

    def invoice(self, request: Request, number: str) -> Answer:  # noqa: ARG002 - a route's shape
        """One invoice."""
        return written({"Invoice": self.books.get(number)})

    def update(self, request: Request, number: str) -> Answer:
        """A partial change."""
        self._violated(request)
        return written({"Invoice": self.books.update(number, _payload(request, "Invoice"))})

    def forbidden(self, request: Request, number: str, action: str) -> Answer:
        """An act forbidden to us: it is done as Fortnox would, and written down."""
        self._violated(request)
        if action == "cancel":
            return written({"Invoice": self.books.cancel(number)})
        if action == "credit":
            return written({"Invoice": self.books.credit(number)})
        if action == "bookkeep":
            return written({"Invoice": self.books.book(number)})
        invoice = self.books.send(number)
        if action in {"print", "printreminder"}:
            return Answer(200, b"%PDF-1.4 double", "application/pdf")
        return written({"Invoice": invoice})

    def preview(self, request: Request, number: str) -> Answer:  # noqa: ARG002
        """The PDF, without marking the invoice as sent."""
        self.books.get(number)
        return Answer(200, b"%PDF-1.4 double", "application/pdf")

    def customers(self, request: Request) -> Answer:
        """The list, without Active and Currency, as in Fortnox."""
        shown = ("@url", "CustomerNumber", "Name", "City", "Email", "OrganisationNumber", "Phone")
        entries = [
            {name: customer[name] for name in shown}
            for customer in list(self.books.registers.customers.values())
            if _is_shown(customer, request.query.get("filter"))
            and request.query.get("customernumber", "").lower() in customer["CustomerNumber"]
        ]
        return _listed("Customers", entries, request.query)

    def customer(self, request: Request, number: str) -> Answer:  # noqa: ARG002
        """One customer."""
        return written({"Customer": self.books.registers.customer(number)})

    def article(self, request: Request, number: str) -> Answer:  # noqa: ARG002
        """One article."""
        return written({"Article": self.books.registers.article(number)})

    def units(self, request: Request) -> Answer:
        """All units."""
        registers = self.books.registers
        return _listed("Units", [registers.unit(code) for code in registers.units], request.query)

    def unit(self, request: Request, code: str) -> Answer:  # noqa: ARG002
        """One unit."""
        return written({"Unit": self.books.registers.unit(code)})

    def term(self, request: Request, code: str) -> Answer:  # noqa: ARG002
        """One term of payment."""
        return written({"TermsOfPayment": self.books.registers.term(code)})

    def locked_period(self, request: Request) -> Answer:  # noqa: ARG002
        """The locked period; without one the date is null."""
        return written({"LockedPeriod": {"EndDate": self.books.registers.locked_until}})

    def contracts(self, request: Request) -> Answer:
        """Contracts by their state."""
        wanted = request.query.get("filter", "").upper()
        entries = [
            entry for entry in self.books.registers.contracts if wanted in {"", entry["Status"]}
        ]
        return _listed("Contracts", entries, request.query)

    def company_information(self, request: Request) -> Answer:  # noqa: ARG002
        """The company of the books; its number is whole here, and a string in the settings."""
        told = {"CompanyName": self.company, "OrganizationNumber": "556000-0001"}
        told_number = {"DatabaseNumber": self.tokens.tenant_id}
        return written({"CompanyInformation": {**told, **told_number}})

    def company_settings(self, request: Request) -> Answer:  # noqa: ARG002
        """The same company with its number as a string (facts.md 2.3)."""
        told = {"Name": self.company, "DatabaseNumber": str(self.tokens.tenant_id)}
        return written({"CompanySettings": told})

    def upload(self, request: Request) -> Answer:
        """A file into the archive; only a file in inbox_kf can be attached to an invoice."""
        name, content = _uploaded(request)
        file_id = str(uuid.uuid4())
        place = request.query.get("folderid", "root")
        if place == "inbox_kf":
            self.books.uploads[file_id] = (name, content)
        told = {"Id": str(uuid.uuid4()), "ArchiveFileId": file_id, "Name": name, "Path": place}
        return written({"File": {**told, "Size": len(content)}}, 201)

    def attach(self, request: Request) -> Answer:
        """Attach uploaded files to invoices."""
        links = _json(request)
        if not isinstance(links, list):
            raise _web_refusal("bad_request", "A list is expected", 400)
        for link in links:
            if link.get("fileId") not in self.books.uploads:
                raise _web_refusal("wrong_file_location", "The file is not in its folder", 400)
            self.books.get(str(link.get("entityId")))
        made = [{**link, "id": str(uuid.uuid4())} for link in links]
        self.books.attachments.extend(made)
        return written(made, 201)

    def attached(self, request: Request) -> Answer:
        """The files attached to an invoice."""
        wanted = request.query.get("entityid", "").split(",")
        return written([link for link in self.books.attachments if str(link["entityId"]) in wanted])

    def _matches(self, invoice: Invoice, query: Mapping[str, str]) -> bool:
        since = query.get("lastmodified")
        if since and self.books.changed_at[invoice["DocumentNumber"]] < _local(since):
            return False
        return all(_fits(invoice, name, value) for name, value in query.items())

    def _check_scope(self, scope: str) -> None:
        if scope in self.tokens.scopes:
            return
        if scope == "connectfile":
            raise _web_refusal("forbidden", "Missing scope", 403)
        raise refused(2000663, "Har inte behörighet för scope.")

    def _violated(self, request: Request) -> None:
        self.violations.append(f"{request.method} {request.path}")


def _check_search(query: Mapping[str, str]) -> None:
    for name in query.keys() - _SEARCHED.keys() - _DATES - _GLOBAL:
        raise refused(2000588, f"Ogiltig parameter ({name})")
    if query.get("filter", "unpaid") not in _FILTERS:
        raise refused(2000587, "Ett ogiltigt filter har använts.")
    if query.get("sortby", "ocr") not in _ORDER:
        raise refused(2000588, "Ogiltig parameter (sortby)")


def _fits(invoice: Invoice, name: str, value: str) -> bool:
    if name in _SEARCHED:
        return value.lower() in str(invoice.get(_SEARCHED[name]) or "").lower()
    if name in _DATES:
        day = str(invoice.get("FinalPayDate" if "pay" in name else "InvoiceDate") or "")
        return value <= day if name.startswith("from") else bool(day) and day <= value
    return _FILTERS[value](invoice) if name == "filter" else True


def _is_shown(entry: Mapping[str, Any], wanted: str | None) -> bool:
    if wanted not in {None, "active", "inactive"}:
        raise refused(2000587, "Ett ogiltigt filter har använts.")
    return wanted is None or bool(entry["Active"]) == (wanted == "active")


def _listed(name: str, entries: list[dict[str, Any]], query: Mapping[str, str]) -> Answer:
    limit = min(_positive(query, "limit", DEFAULT_LIMIT), MAX_LIMIT)
    page = _positive(query, "page", 1)
    first = (page - 1) * limit + int(query.get("offset", "0"))
    pages = math.ceil(len(entries) / limit)
    meta = {"@TotalResources": len(entries), "@TotalPages": pages}
    meta["@CurrentPage"] = page if entries else 0
    return written({"MetaInformation": meta, name: entries[first : first + limit]})


def _positive(query: Mapping[str, str], name: str, default: int) -> int:
    value = query.get(name, str(default))
    if not value.isdigit() or not int(value):
        raise refused(2000588, f"Ogiltig parameter ({name})")
    return int(value)


def _local(text: str) -> dt.datetime:
    """`lastmodified` is taken as UTC: the client must not count on the zone (facts.md 10)."""
    return dt.datetime.strptime(text, "%Y-%m-%d %H:%M").replace(tzinfo=dt.UTC)


def _json(request: Request) -> Any:
    try:
        return json.loads(request.body, parse_float=Decimal)
    except ValueError:
        raise refused(2002115, "Felaktig JSON.") from None


def _payload(request: Request, name: str) -> Mapping[str, Any]:
    body = _json(request)
    if not isinstance(body, dict) or not isinstance(body.get(name), dict) or len(body) != 1:
        raise refused(2002649, "Felaktig datastruktur.")
    payload: Mapping[str, Any] = body[name]
    return payload


def _uploaded(request: Request) -> tuple[str, bytes]:
    head = f"Content-Type: {request.headers.get('Content-Type', '')}\r\n\r\n".encode()
    message = message_from_bytes(head + request.body, policy=HTTP)
    parts: Iterable[Any] = message.iter_parts() if message.is_multipart() else ()
    for part in parts:
        if part.get_param("name", header="Content-Disposition") == "file":
            return part.get_filename() or "", part.get_payload(decode=True) or b""
    raise refused(2001795, "Fält saknas: file")


def _web_refusal(error: str, message: str, status: int) -> RefusedError:
    told = {"id": str(uuid.uuid4()), "error": error, "message": message}
    return RefusedError(written(told, status))


_NUMBER = "([^/]+)"
_NEVER_GET = "(email|einvoice|eprint|print|printreminder)"
_NEVER_PUT = "(bookkeep|cancel|credit|externalprint|warehouseready)"
_TABLE: tuple[tuple[str, str, Callable[..., Answer]], ...] = (
    ("GET /3/invoices", "invoice", Routes.invoices),
    ("POST /3/invoices", "invoice", Routes.create),
    (f"GET /3/invoices/{_NUMBER}", "invoice", Routes.invoice),
    (f"PUT /3/invoices/{_NUMBER}", "invoice", Routes.update),
    (f"GET /3/invoices/{_NUMBER}/preview", "invoice", Routes.preview),
    (f"GET /3/invoices/{_NUMBER}/{_NEVER_GET}", "invoice", Routes.forbidden),
    (f"PUT /3/invoices/{_NUMBER}/{_NEVER_PUT}", "invoice", Routes.forbidden),
    ("GET /3/customers", "customer", Routes.customers),
    (f"GET /3/customers/{_NUMBER}", "customer", Routes.customer),
    (f"GET /3/articles/{_NUMBER}", "article", Routes.article),
    ("GET /3/units", "settings", Routes.units),
    (f"GET /3/units/{_NUMBER}", "settings", Routes.unit),
    (f"GET /3/termsofpayments/{_NUMBER}", "settings", Routes.term),
    ("GET /3/settings/lockedperiod", "settings", Routes.locked_period),
    ("GET /3/settings/company", "settings", Routes.company_settings),
    ("GET /3/contracts", "invoice", Routes.contracts),
    ("GET /3/companyinformation", "companyinformation", Routes.company_information),
    ("POST /3/archive", "archive", Routes.upload),
    ("POST /api/fileattachments/attachments-v1", "connectfile", Routes.attach),
    ("GET /api/fileattachments/attachments-v1", "connectfile", Routes.attached),
)
