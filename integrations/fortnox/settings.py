"""The Fortnox client's settings: contract.md 1, `[accounting.fortnox]`."""

from dataclasses import dataclass, field

API_URL = "https://api.fortnox.se"
AUTH_URL = "https://apps.fortnox.se/oauth-v1/auth"
TOKEN_URL = "https://apps.fortnox.se/oauth-v1/token"  # noqa: S105 - an address, no secret


@dataclass(frozen=True, slots=True)
class FortnoxSettings:
    """Addresses, client and articles; without `tenant_id` only a refresh token gives access."""

    client_id: str
    client_secret: str = field(repr=False)
    tenant_id: int | None = None
    fee_article: str = "SUPPORT"
    hour_article: str = "SUPPORTTIM"
    api_url: str = API_URL
    auth_url: str = AUTH_URL
    token_url: str = TOKEN_URL
    timeout: float = 120.0  # seconds: a write may take long, and a lost answer costs more
    invoice_link: str = ""  # https://apps.fortnox.se/app/<id>/kf/invoice/{number}, from a browser

    def link(self, number: str) -> str | None:
        """The web address of that invoice, if the company's address is known."""
        return self.invoice_link.replace("{number}", number) or None
