"""avtald, the program: an e-mail-driven helpdesk for software houses that sell support agreements."""
