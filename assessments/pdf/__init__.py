"""HTML in, PDF/UA out, and a PDF read back. Knows nothing of answers, editions or people."""
