"""Tickets, their events and holds, meetings and reports."""
