"""The bytes that production sends for a page and its files, to a browser with an empty cache."""

import gzip
from urllib.parse import urlsplit

import brotli


def bytes_sent(url: str, body: bytes) -> int:
    """The bytes that are sent for the response to a URL.

    WhiteNoise sends the static files that it has compressed with Brotli, but fonts as they are. nginx compresses
    pages with gzip (deploy/nginx.conf).
    """
    path = urlsplit(url).path
    if path.endswith(".woff2"):
        return len(body)
    return len(brotli.compress(body) if path.startswith("/static/") else gzip.compress(body, compresslevel=6))
