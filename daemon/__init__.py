"""avtald, the program: an e-mail-driven helpdesk for sellers of support agreements."""
