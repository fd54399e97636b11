"""Access to a company's books: the consent, the token that it gives, the token at rest."""
