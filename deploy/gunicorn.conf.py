"""How gunicorn serves the portal: `gunicorn --config deploy/gunicorn.conf.py config.wsgi`."""

import multiprocessing
import os
import sys

from django.core.exceptions import ImproperlyConfigured

try:
    from config.settings import LOGGING
except (ValueError, ImproperlyConfigured) as error:
    # A wrong setting in a sentence, as manage.py does.
    sys.exit(str(error))

# nginx on this host passes requests through a socket. Each of several hosts names an address that only proxies reach.
bind = os.environ.get("BIND", "unix:/run/portal/web.sock")
# Only the portal and its group, which is nginx's, can use the socket.
umask = 0o007
# Processes use the cores. Threads wait for the database, for printing and for slow readers.
workers = int(os.environ.get("WEB_PROCESSES", multiprocessing.cpu_count()))
# gunicorn's worker of threads, in which only a request that has arrived whole takes a thread.
worker_class = "config.gunicorn_private.Worker"
# Eight may wait for a PDF at the same time (press.MAX_QUEUE). As many again are free for everything else.
threads = 16
# The most connections of a process: half of the open files that systemd allows it.
worker_connections = 500
# A process that does not respond for this many seconds is replaced. A thread that streams a large collection does not
# block the process, so this does not limit the time of one answer.
timeout = 60
# After a stop, answers under way have this many seconds to end: a PDF of a hundred summaries takes two minutes, and a
# large collection on a slow line takes longer. Processes are not replaced for their age, which would also cut off
# such answers. Only printing keeps memory, and its own process is replaced.
graceful_timeout = 600
# Longer than nginx keeps its connections to us, so that none is closed while a request arrives.
keepalive = 5
# The longest request line, and the most and longest headers. Our own longest URLs have about 300 characters.
limit_request_line, limit_request_fields, limit_request_field_size = 4_094, 50, 8_190
# Heartbeats are files, and would wait for a slow disk.
worker_tmp_dir = "/dev/shm"  # noqa: S108 - meant for this
# systemd starts and stops it, so it needs no control socket in the portal's home.
control_socket_disable = True
# No access log: the portal's own log has each request without the keys in its URL, and an access log would have them.
# gunicorn's other lines have the format of the portal's.
accesslog = None
logconfig_dict = LOGGING | {
    "loggers": LOGGING["loggers"]
    | {
        "gunicorn.error": {"handlers": ["stderr"], "level": "INFO", "propagate": False},
        # It warns of each answer to HEAD, because Django leaves it to the server to drop the body.
        "gunicorn.http.wsgi": {"level": "ERROR"},
    }
}
# Only the proxy can reach this socket or address, and it overwrites these headers in each request.
forwarded_allow_ips = "*"
# The portal is at the top of its host. gunicorn would also take the path of a request from these headers, and answer
# 500 if the two do not fit.
forwarder_headers = ""
