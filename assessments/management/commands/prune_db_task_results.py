"""`manage.py prune_db_task_results`: django_tasks_db's own command, with its runs recorded for monitoring."""

from django_tasks_db.management.commands import prune_db_task_results

from assessments.management.scheduled import ScheduledCommand


class Command(ScheduledCommand, prune_db_task_results.Command):
    """Deletes finished tasks after two weeks. Run it every day, with TASKS=database."""

    help = "Delete finished tasks after two weeks. Run it every day, with TASKS=database."
