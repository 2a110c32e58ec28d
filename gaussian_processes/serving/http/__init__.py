"""What a client sees: routes, bodies, queries, answers, and their description."""
