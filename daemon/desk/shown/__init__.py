"""Records for commands and pages, their JSON shapes, and the words for states."""
