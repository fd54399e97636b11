"""The tables of the database, column by column."""
