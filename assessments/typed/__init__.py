"""What people type and paste: mended, read and compared. Pure: no Django, no clock."""
