"""The end of a month: closing, specification, the mail to finance, invoice drafts."""
