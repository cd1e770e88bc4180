"""What operators run on a whole portal: backup, restore and its database role; without a user or an audit event."""
