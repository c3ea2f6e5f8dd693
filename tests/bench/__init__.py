"""`make bench`: measures, prints a table, and writes a JSON list of `name, value, unit, target, reached`."""
