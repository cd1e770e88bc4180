#!/bin/sh
# Prepares a machine: system packages, .venv with the locked Python packages, the database.
#
#   tools/setup.sh run     what the site needs
#   tools/setup.sh test    that, and what the tests and checks need
#
# Every step first checks whether it is done, so that a second run is quick, and takes a lock, so
# that two runs may overlap.
set -eu
cd "$(dirname "$0")/.."

purpose=${1:?"enter a purpose, run or test"}
step=${2:-all}
python=${PYTHON:-python3}

say() { printf '%s\n' "$@" >&2; }
die() { say "$@"; exit 1; }

# locked FILE COMMAND...: run the command while no other process has the lock on the file. With
# Python, because not every system has `flock`.
locked() {
  "$python" -c '
import fcntl, subprocess, sys
with open(sys.argv[1], "w") as lock:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        print("Waiting for another setup on this machine to finish.", file=sys.stderr)
        fcntl.flock(lock, fcntl.LOCK_EX)
    sys.exit(subprocess.call(sys.argv[2:]))
' "$@"
}

# --- System packages ----------------------------------------------------------

has_library() { # has_library NAME VERSION
  "$python" -c '
import ctypes, sys
name, version = sys.argv[1:]
for path in f"lib{name}.so.{version}", f"lib{name}.dylib", f"/opt/homebrew/lib/lib{name}.dylib":
    try:
        ctypes.CDLL(path)
    except OSError:
        continue
    sys.exit(0)
sys.exit(1)
' "$1" "$2"
}

# has_fonts PATTERN...: whether each fontconfig pattern matches a font
has_fonts() {
  for pattern; do fc-list "$pattern" 2>/dev/null | grep -q . || return 1; done
}

has_program() { command -v "$1" >/dev/null; }

# Set $missing to the Debian packages that are required and absent, $fonts to those that are optional.
find_missing() {
  missing='' fonts=''
  "$python" -c 'import ensurepip, venv' 2>/dev/null || missing="$missing python3-venv"
  has_library pango-1.0 0 || missing="$missing libpango-1.0-0"
  has_library pangoft2-1.0 0 || missing="$missing libpangoft2-1.0-0"
  # PDFs can be printed without this one, but take half as long again.
  has_library harfbuzz-subset 0 || missing="$missing libharfbuzz-subset0"
  if [ "$purpose" = test ]; then
    has_program chromium || has_program chromium-browser || has_program google-chrome ||
      missing="$missing chromium"
    has_program pdftoppm || missing="$missing poppler-utils"
  fi
  # Notes may be in any of the city's languages. Together these fonts are a download of 80 MB.
  has_fonts :lang=ar :lang=bn :lang=fa :lang=gu :lang=hi :lang=pa :lang=ta :lang=ur ||
    fonts="$fonts fonts-noto-core"
  has_fonts :lang=zh-cn :lang=zh-tw :lang=ko || fonts="$fonts fonts-noto-cjk"
}

# how_to_install PACKAGE...: the command to type, for this machine's package manager.
how_to_install() {
  if has_program apt-get; then
    echo "sudo apt-get install $*"
  elif has_program dnf; then
    echo "sudo dnf install $(echo "$*" | sed '
      s/python3-venv/python3/; s/libpango-1.0-0/pango/; s/libpangoft2-1.0-0/pango/
      s/libharfbuzz-subset0/harfbuzz/; s/fonts-noto-core/google-noto-sans-fonts/
      s/fonts-noto-cjk/google-noto-sans-cjk-fonts/')"
  elif has_program brew; then
    echo "brew install $(echo "$*" | sed '
      s/python3-venv/python/; s/libpango-1.0-0/pango/; s/libpangoft2-1.0-0/pango/
      s/libharfbuzz-subset0/harfbuzz/; s/poppler-utils/poppler/; s/fonts-noto-core/font-noto-sans/
      s/fonts-noto-cjk/font-noto-sans-cjk-sc/')"
  else
    echo "(use your package manager; these are Debian's names) $*"
  fi
}

install_with_apt() {
  DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends \
    -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 "$@" >&2
}

# Lists of packages are unquoted below, so that each becomes separate words.
# shellcheck disable=SC2086
system_packages() {
  say "System packages: checking for Pango, which PDFs need, and for fonts."
  find_missing
  # Fonts are tried only once: a machine that cannot get them should not wait for them each time.
  if [ "$(id -u)" = 0 ] && has_program apt-get &&
    { [ -n "$missing" ] || { [ -n "$fonts" ] && [ ! -e .venv ]; }; }; then
    say "System packages: downloading and installing with apt-get:$missing$fonts"
    apt-get update -qq >&2 || say "System packages: could not update the list of packages. Using the earlier list."
    [ -z "$missing" ] || install_with_apt $missing
    # The site works without these, so continue if one cannot be installed.
    for font in $fonts; do install_with_apt "$font" || true; done
    find_missing
  fi
  [ -z "$missing" ] || die "" "This machine is missing packages that the portal needs. Install them, then try again:" \
    "" "    $(how_to_install $missing $fonts)" ""
  [ -z "$fonts" ] || say "Some fonts are missing. A PDF will say which characters it cannot print." \
    "To install the fonts: $(how_to_install $fonts)"
}

# --- Python packages ----------------------------------------------------------

# A stamp's name changes with the locked packages and with the Python of .venv.
stamp() {
  "$python" -c '
import hashlib, pathlib, sys
locks = [pathlib.Path(name).read_bytes() for name in ("requirements.txt", "requirements-dev.txt")]
key = hashlib.sha256(b"".join([sys.version.encode(), *locks]))
print(f".venv/ready-to-{sys.argv[1]}-{key.hexdigest()[:16]}")
' "$1"
}

python_packages() {
  # A .venv that is ready to test is also ready to run.
  if [ -e "$(stamp test)" ] || { [ "$purpose" != test ] && [ -e "$(stamp run)" ]; }; then
    say "Python packages: already in .venv."
    return 0
  fi
  # Start again with a .venv that is half made, or was made by another Python.
  if ! ls .venv/ready-to-* >/dev/null 2>&1 ||
    [ "$(.venv/bin/python -VV 2>&1)" != "$("$python" -VV)" ]; then
    say "Python packages: creating .venv."
    "$python" -m venv --clear .venv
  fi
  rm -f .venv/ready-to-*
  say "Python packages: downloading uv, which installs the rest."
  # pip installs uv, at the locked version and with a locked hash.
  awk '/^uv==/ { found = 1 } found { print } found && !/\\$/ { exit }' requirements-dev.txt \
    >.venv/uv.txt
  .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps \
    --only-binary :all: --require-hashes --requirement .venv/uv.txt
  export UV_PYTHON_DOWNLOADS=never
  # The first PDF of a process waits for the import of WeasyPrint, half as long if it is compiled.
  export UV_COMPILE_BYTECODE=1
  # Some networks have their own certificate authority. uv knows only the public ones.
  [ ! -s /etc/ssl/certs/ca-certificates.crt ] || export UV_SYSTEM_CERTS=true
  if [ "$purpose" = test ]; then lock=requirements-dev.txt; else lock=requirements.txt; fi
  count=$(grep -c '^[a-z0-9]' "$lock")
  say "Python packages: downloading and compiling $count packages. This may take a minute or more."
  if [ "$purpose" = test ]; then
    .venv/bin/uv pip sync --quiet --python .venv/bin/python --require-hashes "$lock"
  else
    .venv/bin/uv pip install --quiet --python .venv/bin/python --require-hashes --requirement "$lock"
  fi
  : >"$(stamp "$purpose")"
}

# --- Records ------------------------------------------------------------------

records() {
  say "Database: creating or updating the tables."
  .venv/bin/python manage.py migrate --verbosity 0
  # The table for limits on guessing has no model, so no migration makes it.
  .venv/bin/python manage.py createcachetable
  say "Database: publishing the bulletin."
  .venv/bin/python manage.py load_editions
  # Other users of this machine may not read people's records.
  chmod 700 var
  [ "${DEBUG:-}" = true ] || return 0
  say "Demonstration: if the database is empty, adding people, self-checks and their PDFs."
  .venv/bin/python manage.py demo_data
}

# --- In turn ------------------------------------------------------------------

case $step in
  system) system_packages ;;
  here)
    python_packages
    # Tests make their own databases.
    [ "$purpose" = test ] || records
    ;;
  all)
    has_program "$python" || die "The portal needs Python 3.11 or newer. This machine has no $python."
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
      die "The portal needs Python 3.11 or newer, but $python is older." \
        "Name another, as in: make $purpose PYTHON=python3.12"
    # System packages take a lock for the whole machine; the rest takes one for this folder.
    if [ "$(id -u)" = 0 ] && has_program apt-get; then
      locked /run/lock/self-check-portal "$0" "$purpose" system
    else
      "$0" "$purpose" system
    fi
    locked var/setup.lock "$0" "$purpose" here
    ;;
  *) die "Unknown step: $step." ;;
esac
