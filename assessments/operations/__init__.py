"""What operators run on a whole portal: back it up, restore it, narrow its database rights. No user, no audit."""
