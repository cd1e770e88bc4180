#!/usr/bin/env python
"""The command line of the portal: `python manage.py help` lists what it can do."""

import os
import sys


def main() -> None:
    """Run the command that the arguments name."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    # Here and not above: Django reads the settings' place when it is imported.
    from django.conf import settings  # noqa: PLC0415
    from django.core.exceptions import ImproperlyConfigured  # noqa: PLC0415
    from django.core.management import execute_from_command_line  # noqa: PLC0415

    try:
        execute_from_command_line(sys.argv)
    except (ValueError, ImproperlyConfigured) as error:
        # A wrong setting is the operator's to mend and needs no traceback. What goes wrong later is ours.
        if settings.configured:
            raise
        sys.exit(str(error))


if __name__ == "__main__":
    main()
