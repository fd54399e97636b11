"""The proofs of the database: each names the rows, mails and pages that are not as written."""
