"""The pages: each fetches, binds, calls one service or report, and answers."""
