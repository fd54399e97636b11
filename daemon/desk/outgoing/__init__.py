"""One mail out: composed, limited, paced and sent."""
