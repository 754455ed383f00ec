# SPDX-License-Identifier: ISC
# shellcheck shell=sh
#
# What the commands of the private stack share: where things are, who runs them, and how a service is asked to
# start, stop or change. Sourced by them, never run. The stack is runit: runsvdir watches $VAR/service, one
# folder a service, and starts again whatever dies; svlogd beside each writes $VAR/log/<service>/current.

ROOT=$(cd "$(dirname "$0")/../.." && pwd -P)
BUILD=${CUACA_BUILD:-build}
case $BUILD in
/*) ;;
*) BUILD=$ROOT/$BUILD ;;
esac
CONF=${CUACA_CONF:-$ROOT/etc/cuaca.conf}
WEATHER=$BUILD/fcgi-bin/weather.fcgi
PGBIN=/usr/lib/postgresql/15/bin
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
LC_ALL=C
export LC_ALL
umask 022

# In the order they start; "down" goes backwards. The last three run now and then, or not at all.
SERVICES='postgresql redis nats weather ops chat websocketd archive web simulator ingest partitions'

# The settings that the caller's environment names; once they are read, all of them have a value.
CALLERS=$(env | sed -n 's/^CUACA_\([A-Z_]*\)=..*/\1/p' | tr '[:upper:]' '[:lower:]')

say() {
	printf 'cuaca: %s\n' "$*"
}

die() {
	printf 'cuaca: %s\n' "$*" >&2
	exit "${STATUS:-111}"
}

# What the settings' file says of NAME; nothing if that is not there.
setting() {
	sed -n "s/^[[:space:]]*$1[[:space:]]*=[[:space:]]*//p" "$CONF" | tail -n 1
}

# Does the caller or the file name this setting? The servers of such a name are somebody else's: a stack that is given
# postgresql, redis or nats starts none of its own.
given() {
	printf '%s\n' "$CALLERS" | grep -qx "$1" || [ -n "$(setting "$1")" ]
}

# The settings as the programs see them, as exported CUACA_* variables, and where the stack lives.
settings() {
	if [ -x "$WEATHER" ]; then
		SETTINGS=$("$WEATHER" -c "$CONF" -T) || STATUS=102 die "the settings are not usable, see above"
		set -a
		eval "$SETTINGS"
		set +a
	fi
	VAR=${CUACA_VAR:-var}
	case $VAR in
	/*) ;;
	*) VAR=$ROOT/$VAR ;;
	esac
	case $VAR in
	*[\"\'\\\$@\;]* | *'
'*) STATUS=102 die "\"$VAR\": quotes, \\, \$, @ and ; are not possible in the path of a stack" ;;
	esac
	mkdir -p "$VAR" || die "$VAR: no such folder, and it could not be made"
	VAR=$(cd "$VAR" && pwd -P)
	[ ! -d "$VAR/etc" ] || [ -w "$VAR/etc" ] || die "$VAR is the stack of $(stat -c %U "$VAR/etc"), not yours"
	find_user
	find_run
}

# One rule for every service: as root they run as postgres, since PostgreSQL refuses root; otherwise as who
# called. Where postgres cannot get at the repository (a clone below /root, say), it keeps the one capability
# of passing through folders and reading.
find_user() {
	OWNER=$(id -un)
	CAPS=
	[ "$(id -u)" -eq 0 ] || return 0
	OWNER=postgres
	id "$OWNER" >/dev/null 2>&1 || return 0	# not installed yet
	if ! owner_can_read; then
		CAPS='--inh-caps=+dac_read_search --ambient-caps=+dac_read_search'
		owner_can_read || die "the user postgres, who is to run the stack, cannot read $ROOT, $BUILD or $VAR"
	fi
}

owner_can_read() {
	as_owner sh -c 'for file; do [ -r "$file" ] || exit 1; done' sh "$ROOT/etc/stack/lib.sh" "$BUILD" "$VAR" 2>/dev/null
}

# Run a command as the owner of the stack, with nothing of the caller's environment but what is named here.
as_owner() {
	if [ "$(id -u)" -eq 0 ]; then
		# shellcheck disable=SC2086 # two options, or none
		setpriv --reuid="$OWNER" --regid="$OWNER" --init-groups $CAPS \
			env -i PATH="$PATH" HOME=/ LC_ALL=C TZ=UTC0 "$@"
	else
		env -i PATH="$PATH" HOME="${HOME:-/}" LC_ALL=C TZ=UTC0 "$@"
	fi
}

# The folder of the sockets. A UNIX socket's path holds 107 bytes, and PostgreSQL's list of folders no commas.
find_run() {
	RUN=$VAR/run
	case $RUN in
	*[!A-Za-z0-9/._+-]*) ;;
	*) [ ${#RUN} -gt 90 ] || return 0 ;;
	esac
	RUN=/tmp/cuaca-$(printf '%s' "$VAR" | sha256sum | cut -c1-12)
}

make_folder() {
	mkdir -p "$1"
	[ "$(id -u)" -ne 0 ] || chown "$OWNER:" "$1"
	chmod "${2:-0755}" "$1"
}

# Anybody may have made a folder in /tmp by that name: it has to be ours.
make_run() {
	(umask 077 && mkdir -p "$RUN") || die "$RUN: could not be made"
	[ ! -L "$RUN" ] || die "$RUN is a symbolic link"
	case $(stat -c %U "$RUN") in
	"$OWNER" | "$(id -un)") make_folder "$RUN" 0700 ;;
	*) die "$RUN belongs to somebody else" ;;
	esac
}

# Is somebody listening on this TCP port of 127.0.0.1?
port_taken() {
	cat /proc/net/tcp /proc/net/tcp6 2>/dev/null |
		awk -v port="$(printf %04X "$1")" '$4 == "0A" && substr($2, length($2) - 3) == port &&
			substr($2, 1, length($2) - 5) ~ /^(0+|0100007F|0+FFFF00000100007F)$/ { found = 1 }
			END { exit !found }'
}

# A free port from $1 on, below those that the kernel gives out, beginning at another place for each stack.
free_port() {
	port=$(($1 + ($(printf '%s' "$VAR" | cksum | cut -d' ' -f1) % 4000)))
	while port_taken "$port"; do
		port=$((port + 1))
	done
	echo "$port"
}

# The supervisor's process id, if it runs. Another process may have the number by now: its command line tells.
supervisor() {
	[ -r "$VAR/etc/supervisor.pid" ] || return 1
	read -r pid <"$VAR/etc/supervisor.pid" || return 1
	tr '\0' '\n' <"/proc/$pid/cmdline" 2>/dev/null | grep -qxF "$VAR/service" || return 1
	echo "$pid"
}

# Does the service run, and is it meant to?
up() {
	sv status "$VAR/service/$1" 2>/dev/null | grep -q '^run:'
}

# Does a runsv look after this folder? It holds the other end of this pipe open.
supervised() {
	[ -p "$VAR/service/$1/supervise/control" ] &&
		! sv status "$VAR/service/$1" 2>&1 | grep -q 'runsv not running'
}

# Wait up to $1 tenths of a second until the command succeeds.
wait_for() {
	tenths=$1
	shift
	until "$@"; do
		[ "$tenths" -gt 0 ] || return 1
		tenths=$((tenths - 1))
		sleep 0.1
	done
}

# sv COMMAND for those of the services that a runsv looks after.
sv_all() {
	command=$1
	shift
	for name; do
		shift
		if supervised "$name"; then
			set -- "$@" "$VAR/service/$name"
		fi
	done
	[ $# -eq 0 ] || sv -w 20 "$command" "$@" >/dev/null 2>&1 || :
}

# The last lines that a service logged.
last_lines() {
	if [ -s "$VAR/log/$1/current" ]; then
		printf '%s\n' "---- $VAR/log/$1/current"
		tail -n "${2:-20}" "$VAR/log/$1/current"
	fi
}

# SQL as the superuser; unaligned, no headers.
sql() {
	as_owner psql -qXAt -h "$RUN" -U postgres -d "${DB:-cuaca}" -v ON_ERROR_STOP=1 -c "$1"
}

postgresql_ready() {
	as_owner "$PGBIN/pg_isready" -q -h "$RUN" -d postgres -U postgres
}

redis_ready() {
	[ "$(as_owner redis-cli -s "$RUN/redis.sock" ping 2>/dev/null)" = PONG ]
}

nats_ready() {
	port_taken "$NATS_PORT" && up nats
}

websocketd_ready() {
	port_taken "$WS_PORT" && up websocketd
}

simulator_ready() {
	port_taken "$SIMULATOR_PORT" && up simulator
}

fastcgi_ready() {
	[ -S "$RUN/$1.sock" ] && up "$1"
}

url() {
	echo "http://127.0.0.1:$CUACA_HTTP_PORT"
}

web_ready() {
	port_taken "$CUACA_HTTP_PORT" && up web
}

site_ready() {
	[ "$(curl -s -o "$VAR/tmp/ready" -m 5 -w '%{http_code}' "$(url)/api/ready")" = 200 ]
}

# One ingest, now, with these options.
ingest() {
	as_owner PGUSER=cuaca_ingest "$BUILD/cron/weather-ingest" -c "$VAR/etc/cuaca.conf" "$@"
}
