"""Processes and threads, atomic files, clocks, events: how work is run, whatever it is."""
