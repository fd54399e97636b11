"""How long the law keeps what money rests on, and mail is kept besides (K2)."""

import datetime as dt

YEARS = 7


def kept_until(day: dt.date, financial_year_ends: int = 12) -> dt.date:
    """The last day on which what was booked on a day must be kept.

    The end of the seventh calendar year after the one in which the financial year ended that the
    day lies in (Bokföringslagen 7:2); `financial_year_ends` is that year's last month.
    """
    ended = day.year if day.month <= financial_year_ends else day.year + 1
    return dt.date(ended + YEARS, 12, 31)
