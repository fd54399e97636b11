"""Customer reports and review meetings (J3, J4)."""
