"""Fortnox as the desk's accounting system: drafts made once, found again, never booked or sent."""

import datetime as dt
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from daemon.domain.invoice import (
    OURS,
    AccountingError,
    AccountingInvoice,
    Fault,
    InvoiceDraft,
    Problem,
)
from integrations.fortnox import mapping
from integrations.fortnox.access.sealing import TokenStore, in_memory
from integrations.fortnox.access.token import NoAccessError
from integrations.fortnox.errors import NOT_FOUND_INVOICE, other_shape, reading
from integrations.fortnox.lists import items
from integrations.fortnox.pacing import EvenPacer
from integrations.fortnox.preflight import look
from integrations.fortnox.settings import FortnoxSettings
from integrations.fortnox.transport import Call, Transport

_SWEDEN = ZoneInfo("Europe/Stockholm")
_ATTACHMENTS = "/api/fileattachments/attachments-v1"


@dataclass(frozen=True, slots=True)
class CompanyInformation:
    """The company of the books; client credentials need its number, `tenant_id` (facts.md 2.3)."""

    name: str
    organisation_number: str
    tenant_id: int


class FortnoxClient:
    """The port `Accounting` over Fortnox's HTTP interface (facts.md; rules.md I1–I5).

    Every method may raise AccountingError. `clock` gives aware instants, `sleep` waits seconds.
    """

    def __init__(
        self,
        settings: FortnoxSettings,
        store: TokenStore | None = None,
        pacer: EvenPacer | None = None,
        *,
        clock: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC),
        sleep: Callable[[float], None] = time.sleep,
        stop: Callable[[], None] = lambda: None,
    ) -> None:
        """Share `store` and `pacer` with every other process that talks to the company's books.

        `stop` ends a `sleep` under way.
        """
        self._settings = settings
        self._stop = stop
        self._transport = Transport(
            settings,
            store or in_memory(),
            pacer or EvenPacer(sleep=sleep),
            clock=clock,
            sleep=sleep,
        )

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def preflight(self, drafts: Sequence[InvoiceDraft]) -> Sequence[Problem]:
        """Look once per run for problems that would make these drafts fail; creates nothing."""
        return look(drafts, self._settings, self._transport.send)

    def find(self, reference: str) -> Sequence[AccountingInvoice]:
        """Every live invoice with exactly this reference, whole: no cancelled one, no credit note.

        Fortnox searches for substrings regardless of case, and its list does not tell credit notes:
        every hit is read. An answer of another shape is an error, never "absent" (I1).
        """
        items = list(self._items("/3/invoices", "Invoices", externalinvoicereference1=reference))
        for item in items:
            if reference.lower() not in mapping.reference_of(item).lower():
                raise other_shape("leta faktura", "sökningen gav en faktura utan nyckeln")
        hits = [
            reading("leta faktura", mapping.item_of, item, self._settings)
            for item in items
            if mapping.reference_of(item) == reference
        ]
        whole = [self._invoice(hit.number) for hit in hits if not hit.cancelled]
        if any(hit.reference != reference for hit in whole):
            raise other_shape("leta faktura", "en faktura har en annan nyckel än listan säger")
        return [hit for hit in whole if not hit.cancelled and not hit.credit]

    def create(self, draft: InvoiceDraft) -> AccountingInvoice:
        """Create one invoice, neither booked nor sent (I2); an unreadable answer is UNCLEAR."""
        what = f"skapa {draft.reference}"
        body = mapping.payload(draft, self._settings)
        answer = self._transport.send(Call("POST", "/3/invoices", what, body=body))
        try:
            return mapping.invoice_of(answer, self._settings)
        except ValueError as error:
            raise AccountingError(
                Fault.UNCLEAR, f"Fortnox: {what}: svaret går inte att läsa ({error})"
            ) from error

    def attach(self, number: str, name: str, pdf: bytes) -> bool:
        """Attach a PDF to the draft; False if the company has no right or licence for it."""
        what = f"bifoga {name} till faktura {number}"
        upload = Call(
            "POST", "/3/archive", what, params={"folderid": "inbox_kf"}, upload=(name, pdf)
        )
        try:
            file = reading(what, mapping.member, self._transport.send(upload), "File")
            link = {
                "entityId": int(number),
                "entityType": "F",
                "fileId": str(file.get("ArchiveFileId")),
                "includeOnSend": True,
            }
            self._transport.send(Call("POST", _ATTACHMENTS, what, body=[link]))
        except AccountingError as error:
            if error.fault is Fault.ACCESS and not isinstance(error, NoAccessError):
                return False
            raise
        return True

    def read(self, number: str) -> AccountingInvoice | None:
        """One invoice with its rows; None if Fortnox has none of that number."""
        try:
            return self._invoice(number)
        except AccountingError as error:
            if error.code == NOT_FOUND_INVOICE:
                return None
            raise

    def changed_since(self, instant: dt.datetime | None) -> Sequence[AccountingInvoice]:
        """Our invoices changed since then, without rows and net; None: all of them.

        The zone of `lastmodified` is not documented: two hours are added to be safe (facts.md 3.2).
        """
        query = {"externalinvoicereference1": OURS, "sortby": "documentnumber"}
        if instant is not None:
            local = (instant - dt.timedelta(hours=2)).astimezone(_SWEDEN)
            query["lastmodified"] = f"{local:%Y-%m-%d %H:%M}"
        changed = {
            str(item.get("DocumentNumber")): reading(
                "leta ändringar", mapping.item_of, item, self._settings
            )
            for item in self._items("/3/invoices", "Invoices", **query)
            if mapping.reference_of(item).startswith(OURS)
        }
        return list(changed.values())

    def stop(self) -> None:
        """End the waits, from another thread: the calls under way fail as TEMPORARY."""
        self._stop()

    def company_information(self) -> CompanyInformation:
        """The company behind the token."""
        what = "läsa företagsuppgifter"
        answer = self._transport.send(Call("GET", "/3/companyinformation", what))
        return reading(what, _company_of, answer)

    def _items(self, path: str, name: str, **params: str) -> Iterator[dict[str, Any]]:
        return items(self._transport.send, path, name, **params)

    def _invoice(self, number: str) -> AccountingInvoice:
        what = f"läsa faktura {number}"
        answer = self._transport.send(Call("GET", f"/3/invoices/{quote(number, safe='')}", what))
        return reading(what, mapping.invoice_of, answer, self._settings)


def _company_of(answer: Any) -> CompanyInformation:
    company = mapping.member(answer, "CompanyInformation")
    return CompanyInformation(
        name=str(company.get("CompanyName") or ""),
        organisation_number=str(company.get("OrganizationNumber") or ""),
        tenant_id=int(str(company.get("DatabaseNumber"))),
    )
