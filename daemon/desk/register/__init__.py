"""The register of customers, agreements and engineers: file, plan of changes, export."""
