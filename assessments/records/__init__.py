"""Load self-checks, and freeze attestations and shares as records. Hashes depend on their exact bytes."""
