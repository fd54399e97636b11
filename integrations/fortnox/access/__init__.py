"""Access to a tenant's books: the consent, the token that follows from it, the token at rest."""
