"""A payment gateway for utility bills."""
