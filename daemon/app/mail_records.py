"""The DNS records of a mail domain: SPF (RFC 7208), DKIM (RFC 6376) and DMARC (RFC 7489)."""

from dataclasses import dataclass, field
from typing import Any

from daemon.desk.upkeep.check import MailRecords
from integrations.resolver import server

_SECONDS = 3.0


@dataclass(slots=True)
class Lookup:
    """Asks a DNS server, or those of the machine; after one open question it asks no more."""

    nameserver: tuple[str, int] | None = None
    _silent: bool = field(default=False, init=False)

    def of(self, domain: str) -> MailRecords | None:
        """The records of a domain; None without an answer."""
        spf = self._txt(domain)
        dkim = self._exists(f"_domainkey.{domain}")
        dmarc = self._policy(domain)
        if self._silent:
            return None
        return MailRecords(
            spf=next((each for each in spf if each.casefold().startswith("v=spf1")), None),
            dkim=dkim,
            dmarc=dmarc,
        )

    def _policy(self, domain: str) -> str | None:
        """The policy of a domain, or of the next one above (RFC 7489, 6.6.3)."""
        while domain.count("."):
            for record in self._txt(f"_dmarc.{domain}"):
                tags = {
                    name.strip().casefold(): value.strip().casefold()
                    for name, _, value in (each.partition("=") for each in record.split(";"))
                }
                if tags.get("v") == "dmarc1":
                    return tags.get("p") or "none"
            domain = domain.partition(".")[2]
        return None

    def _txt(self, name: str) -> list[str]:
        answer = self._ask(name)
        if not answer:
            return []
        return [b"".join(each.strings).decode("utf-8", "replace") for each in answer]

    def _exists(self, name: str) -> bool:
        """Tell if a name has anything below it: selectors cannot be listed (RFC 8020)."""
        return self._ask(name) is not None

    def _ask(self, name: str) -> Any:
        """The text records; () for a name without any, None if the name does not exist."""
        import dns.exception
        import dns.resolver

        if self._silent:
            return None
        try:
            return server(self.nameserver).resolve(name, "TXT", lifetime=_SECONDS)
        except dns.resolver.NoAnswer:
            return ()
        except dns.resolver.NXDOMAIN:
            return None
        except (dns.exception.DNSException, OSError):
            self._silent = True
            return None
