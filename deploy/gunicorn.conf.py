"""How gunicorn serves the portal: `gunicorn --config deploy/gunicorn.conf.py config.wsgi`."""

import multiprocessing
import os

from config.settings import LOGGING

# nginx on this host hands requests over through a socket; several hosts name an address that only proxies reach.
bind = os.environ.get("BIND", "unix:/run/portal/web.sock")
# Only the portal and its group, which is nginx's, reach that socket.
umask = 0o007
# Processes use the cores, threads wait for the database, for printing and for slow readers.
workers = int(os.environ.get("WEB_PROCESSES", multiprocessing.cpu_count()))
worker_class = "gthread"
# Eight may wait for a PDF at once (press.MAX_QUEUE): as many again go on with everything else meanwhile.
threads = 16
# A process that answers nothing at all for so many seconds is replaced. A thread that streams a large collection does
# not hold the others up, so this is no limit on how long one answer takes.
timeout = 60
# When it is stopped, what is under way may end: a PDF of a hundred summaries takes two minutes, and a large
# collection on a slow line takes longer. No process is replaced for its age, which would cut such answers too:
# printing, which keeps memory, has a process of its own that is.
graceful_timeout = 600
# Longer than nginx keeps its connections to us, so that none is closed as a request comes.
keepalive = 5
# The longest address and the most headers that we take. The longest addresses of ours have some 300 characters.
limit_request_line, limit_request_fields, limit_request_field_size = 4_094, 50, 8_190
# Heartbeats are files; on a disk they could wait for it.
worker_tmp_dir = "/dev/shm"  # noqa: S108 - where it is meant to be
# systemd starts and stops it; nobody needs to steer it by a socket in the portal's home as well.
control_socket_disable = True
# The portal's own log says what was asked for, and what it leaves out stays left out: an access log would have every
# address as it was typed. gunicorn's own lines are like the portal's.
accesslog = None
logconfig_dict = LOGGING | {
    "loggers": LOGGING["loggers"]
    | {
        "gunicorn.error": {"handlers": ["stderr"], "level": "INFO", "propagate": False},
        # It warns of each answer to HEAD, since Django leaves it to the server to send no body.
        "gunicorn.http.wsgi": {"level": "ERROR"},
    }
}
# Only the proxy on this socket or address reaches us, and it sets these headers anew for each request.
forwarded_allow_ips = "*"
