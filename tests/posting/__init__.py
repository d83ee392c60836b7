"""Debts cleared at a biller of its own service, through a double at the wire."""
