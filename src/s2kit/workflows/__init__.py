"""Use cases: a frozen request in, a frozen result out, no printing."""
