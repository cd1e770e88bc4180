#!/bin/sh
# Prepares a machine for compose.yaml, as root: makes .env, folders, a first certificate, and the secrets that nobody has
# to choose. What is there already stays as it is.
set -eu
cd "$(dirname "$0")/../.."
umask 077

# The portal's user and group in its containers (see Dockerfile).
portal=10001

random() { od -An -N 32 -t x1 /dev/urandom | tr -d ' \n'; }

# secret NAME VALUE: write a secret that only the portal's group can read, unless it is there.
secret() {
  [ -e "secrets/$1" ] || printf %s "$2" >"secrets/$1"
  chown "$portal:$portal" "secrets/$1"
  chmod 0440 "secrets/$1"
}

[ -e .env ] || cp deploy/containers/example.env .env
mkdir -p secrets tls backups acme
secret secret_key "$(random)"
secret postgres_password "$(random)"
secret owner_password "$(random)"
secret portal_password "$(random)"
secret owner_url "postgres://portal_owner:$(cat secrets/owner_password)@db/portal"
secret database_url "postgres://portal:$(cat secrets/portal_password)@db/portal"
secret email_url submission://portal:password@mail.example.ca:587
# nginx starts with this, and browsers warn of it, until a real certificate replaces it.
if [ ! -e tls/fullchain.pem ]; then
  openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=portal \
    -keyout tls/privkey.pem -out tls/fullchain.pem 2>/dev/null
fi
chown -R "$portal:$portal" tls backups acme
chmod 0755 acme
