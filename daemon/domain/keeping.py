"""The time that the law keeps the vouchers of the books, and the mail with them (K2)."""

import datetime as dt

YEARS = 7


def kept_until(day: dt.date, financial_year_ends: int = 12) -> dt.date:
    """The last day to keep the vouchers of a day (Bokföringslagen 7:2).

    It is the end of the seventh calendar year after the end of the day's financial year;
    `financial_year_ends` is the last month of a financial year.
    """
    ended = day.year if day.month <= financial_year_ends else day.year + 1
    return dt.date(ended + YEARS, 12, 31)
