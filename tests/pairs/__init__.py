"""One promise over all pairs of channels: two payers race for one bill, and it is settled once."""
