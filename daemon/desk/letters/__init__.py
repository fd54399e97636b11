"""Words into a mail: records, templates, mark-up, plain text, HTML and pictures."""
