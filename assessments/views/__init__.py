"""The pages. Each view fetches what it may show, binds a form, calls one service or report, and responds."""
