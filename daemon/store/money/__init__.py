"""The register, the ledger, statements and invoices, and their hash chain."""
