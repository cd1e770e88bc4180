"""How gunicorn serves the portal: `gunicorn --config deploy/gunicorn.conf.py config.wsgi`."""

import multiprocessing
import os

# nginx on this host hands requests over through a socket; several hosts name an address that only proxies reach.
bind = os.environ.get("BIND", "unix:/run/portal/web.sock")
# Processes use the cores, threads wait for the database, for printing and for slow readers.
workers = int(os.environ.get("WEB_PROCESSES", multiprocessing.cpu_count()))
worker_class = "gthread"
threads = 8
# A process that answers nothing at all for so many seconds is replaced. A thread that streams a large collection does
# not hold the others up, so this is no limit on how long one answer takes.
timeout = 60
# On a restart, what is under way may end: longer than the longest wait for a PDF.
graceful_timeout = 40
# nginx keeps its connections to us open a little, so that not every request needs a new one.
keepalive = 5
# A process is replaced after so many requests, not all at one time, so that nothing can grow for ever.
max_requests, max_requests_jitter = 5_000, 500
# The longest address and the most headers that we take. The longest addresses of ours have some 300 characters.
limit_request_line, limit_request_fields, limit_request_field_size = 4_094, 50, 8_190
# Heartbeats are files; on a disk they could wait for it.
worker_tmp_dir = "/dev/shm"  # noqa: S108 - where it is meant to be
# The portal's own log says what was asked for, and what it leaves out stays left out: an access log would have every
# address as it was typed.
accesslog = None
errorlog = "-"
# Only the proxy on this socket or address reaches us, and it sets these headers anew for each request.
forwarded_allow_ips = "*"
