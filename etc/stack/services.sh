# SPDX-License-Identifier: ISC
# shellcheck shell=sh
#
# The services of the private stack: how each is configured and started. "up" calls configure_NAME for each; what
# a service depends on (its run script, its files, its program) makes its fingerprint, so that only what has
# changed is restarted. Sourced by "up".

# render TEMPLATE NAME: a template of etc/, filled in, becomes a file of $VAR/etc. lighttpd sends its standard
# output to /dev/null; that of nginx may be opened by name while its configuration is tested.
render() {
	case $1 in
	lighttpd/*) access_log=/dev/stderr ;;
	*) access_log=/dev/stdout ;;
	esac
	(umask 077 && "$ROOT/etc/render" -c "$CONF" -p "$WEATHER" "$ROOT/etc/$1" \
		RUN="$RUN" ETC="$VAR/etc" WWW="$ROOT/www" TMP="$VAR/tmp" LUA="$VAR/etc" CACHE_DIR="$VAR/cache" \
		ACCESS_LOG="$access_log" PID_FILE="$RUN/lighttpd.pid" NATS_PORT="$NATS_PORT" NATS_TOKEN="$(cat "$VAR/etc/nats.token")" NATS_STORE="$VAR/nats" \
		REDIS_DIR="$VAR/redis" WS_PORT="$WS_PORT" HANDLER="$BUILD/ws-handlers/chat" HANDLER_CONF="$VAR/etc/cuaca.conf" >"$VAR/etc/$2.new") || die "etc/$1 could not be filled in, see above"
	keep "$2"
}

# The owner of the stack alone may read its files: there are secrets in some.
keep() {
	[ "$(id -u)" -ne 0 ] || chown "$OWNER:" "$VAR/etc/$1.new"
	mv "$VAR/etc/$1.new" "$VAR/etc/$1"
}

# define NAME LINES FILE...: the service is started by LINES of shell, and depends on the files.
define() {
	service=$VAR/service/$1
	if [ ! -d "$service" ]; then
		make_folder "$VAR/service/.$1"
		make_folder "$VAR/service/.$1/log"
		touch "$VAR/service/.$1/down"	# until "up" starts it
		make_folder "$VAR/log/$1"
		printf 's1048576\nn5\n' >"$VAR/log/$1/config"
		mv "$VAR/service/.$1" "$service"	# runsvdir passes over names with a dot
	fi
	script "$service/log/run" "exec svlogd -b 16384 '$VAR/log/$1'"
	script "$service/finish" "exec '$ROOT/etc/stack/service' -f"
	script "$service/run" "exec 2>&1
$2"
	name=$1
	shift 2
	for file; do
		cat "$file"
	done | cat "$service/run" - | sha256sum >"$VAR/etc/$name.wanted"
}

script() {
	printf '#!/bin/sh\n%s\n' "$2" >"$1.new"
	chmod 755 "$1.new"
	mv "$1.new" "$1"
}

# A sanitizer's options are the one thing of the caller's environment that a program is to see.
sanitizer() {
	for name in ASAN_OPTIONS UBSAN_OPTIONS LSAN_OPTIONS TSAN_OPTIONS; do
		eval "value=\${$name:-}"
		[ -z "$value" ] || printf "%s='%s' " "$name" "$value"
	done
}

# ---- The settings of the programs ----

# All settings as they are now, those that the stack decides replaced. Programs log in to PostgreSQL by PGUSER.
configure_settings() (
	umask 077
	own='var log_to metrics_dir state_dir ws_port'
	given postgresql || own="$own postgresql postgresql_read"
	given redis || own="$own redis"
	given nats || own="$own nats"
	{
		echo "# Written by make up. The settings of this stack are in $CONF and the environment."
		printf '%s\n' "$SETTINGS" | sed -n 's/^CUACA_\([A-Z_]*\)=.*/\1/p' |
			awk -v own="$own" '
			BEGIN { n = split(own, o, " "); for (i = 1; i <= n; i++) skip[o[i]] = 1 }
			!(tolower($0) in skip) { print tolower($0) " = " ENVIRON["CUACA_" $0] }'
		cat <<-END
		var = $VAR
		log_to = stderr
		metrics_dir = $VAR/metrics
		state_dir = $VAR/state
		ws_port = $WS_PORT
		END
		servers
		for name in postgresql_password redis_password open_meteo_key chat_secret_previous; do
			secret "$name"
		done
		secret chat_secret "$VAR/etc/chat.secret"
	} >"$VAR/etc/cuaca.conf.new"
	keep cuaca.conf
	concerns
)

# The stack's own servers.
servers() {
	given postgresql || echo "postgresql = host='$RUN' dbname=cuaca"
	given redis || echo "redis = $RUN/redis.sock"
	if given nats; then
		secret nats_token
	else
		echo "nats = nats://127.0.0.1:$NATS_PORT"
		echo "nats_token = $(cat "$VAR/etc/nats.token")"
	fi
}

# secret NAME [FILE]: -T prints no secrets; this is the line for one that the caller or the settings name, else of that
# in the file. Those in files are copied, since who runs the stack may not be able to read them.
secret() {
	upper=$(echo "$1" | tr '[:lower:]' '[:upper:]')
	eval "value=\${CUACA_$upper:-} path=\${CUACA_${upper}_FILE:-}"
	if [ -z "$value$path" ]; then
		value=$(setting "$1")
		path=$(setting "${1}_file")
	fi
	[ -n "$value$path" ] || path=${2:-}
	[ -z "$path" ] || value=$(head -n 1 "$path")
	[ -z "$value" ] || echo "$1 = $value"
}

# Which settings concern whom: what a program does not read is no reason to restart it. Each handler of a connection
# reads them as it begins, so that a change is for the next connection.
concerns() {
	web='http_port|web|cache|nginx_workers|cors_origin|var|rate_ws'
	ingest='ingest_batch|ingest_budget|fetch_|open_meteo_'
	weather='ingest_|stale_after|forecast_|quota_|demand_|breaker_|source|retention_days|rate_key'
	log='chat_replicas|chat_max_|chat_duplicate_window|chat_retention_days|archive_'
	handler='ws_|rate_chat'
	accounts='chat_|token_|guest_|rate_login|password_'
	grep -vE "^(#|$web|$ingest|$log|$handler|$accounts)" "$VAR/etc/cuaca.conf" >"$VAR/etc/weather.settings"
	grep -vE "^(#|$web|$ingest|$weather|$log|$handler)" "$VAR/etc/cuaca.conf" >"$VAR/etc/chat.settings"
	grep -E "^($log|postgresql|redis|nats|log_)" "$VAR/etc/cuaca.conf" >"$VAR/etc/archive.settings"
}

# ---- The servers ----

configure_postgresql() {
	render postgresql/cuaca.conf postgresql.conf
	render postgresql/pg_hba.conf pg_hba.conf
	define postgresql "
# PostgreSQL takes any process with the number in a stale postmaster.pid for itself.
pid=\$(head -n 1 '$VAR/postgresql/postmaster.pid' 2>/dev/null)
if [ -n \"\$pid\" ] && ! tr '\\0' '\\n' <\"/proc/\$pid/cmdline\" 2>/dev/null | grep -qxF '$VAR/postgresql'; then
	rm -f '$VAR/postgresql/postmaster.pid' '$RUN/.s.PGSQL.5432.lock'
fi
exec '$ROOT/etc/stack/service' $PGBIN/postgres -D '$VAR/postgresql' -c config_file='$VAR/etc/postgresql.conf' \\
	-c hba_file='$VAR/etc/pg_hba.conf'" \
		"$VAR/etc/postgresql.conf" "$VAR/etc/pg_hba.conf"

	# TERM would wait for every client to leave.
	make_folder "$VAR/service/postgresql/control"
	script "$VAR/service/postgresql/control/t" "exec kill -INT \"\$(cat supervise/pid)\""
}

configure_redis() {
	render redis/cuaca.conf redis.conf
	define redis "exec '$ROOT/etc/stack/service' redis-server '$VAR/etc/redis.conf'" "$VAR/etc/redis.conf"
}

configure_nats() {
	render nats/cuaca.conf nats.conf
	define nats "exec '$ROOT/etc/stack/service' nats-server -c '$VAR/etc/nats.conf'" "$VAR/etc/nats.conf"
}

configure_simulator() {
	find "$ROOT/tests/simulator" -type f -exec cat {} + >"$VAR/etc/simulator.sources"
	define simulator "exec '$ROOT/etc/stack/service' '$ROOT/tests/simulator/open-meteo' \
	--listen 127.0.0.1:$SIMULATOR_PORT" "$VAR/etc/simulator.sources"
}

# fastcgi NAME SETTINGS: a FastCGI program, and those of the settings that it reads.
fastcgi() {
	define "$1" "
exec '$ROOT/etc/stack/service' env PGUSER=cuaca_$1 $(sanitizer)spawn-fcgi -n -s '$RUN/$1.sock' -M 0660 -b 1024 -- \\
	/usr/bin/multiwatch -f $CUACA_PROCESSES -r 10 -t 1000 -- '$BUILD/fcgi-bin/$1.fcgi' -c '$VAR/etc/cuaca.conf'" \
		"$VAR/etc/$2.settings" "$BUILD/fcgi-bin/$1.fcgi"
}

configure_weather() {
	fastcgi weather weather
}

configure_ops() {
	fastcgi ops weather
}

configure_chat() {
	fastcgi chat chat
}

# The limits of memory and files are for websocketd, which knows none; a handler that needs more (of memory, under a
# sanitizer) may take it, since the hard limits stay. Who is asked to stop tells the handlers first, so that they can
# say goodbye; who just dies leaves them the moment they take to notice.
configure_websocketd() {
	render websocketd/serve websocketd
	define websocketd "exec '$ROOT/etc/stack/service' env $(sanitizer)sh '$VAR/etc/websocketd'" "$VAR/etc/websocketd"
	script "$VAR/service/websocketd/finish" "sleep 0.3
exec '$ROOT/etc/stack/service' -f"
	make_folder "$VAR/service/websocketd/control"
	script "$VAR/service/websocketd/control/t" "pkill -TERM -P \"\$(cat supervise/pid)\" || exit 1
for tenth in 1 2 3 4 5 6 7 8 9 10; do
	pgrep -P \"\$(cat supervise/pid)\" >/dev/null || break
	sleep 0.1
done
exit 1	# and now websocketd itself"
}

configure_archive() {
	define archive "
exec '$ROOT/etc/stack/service' env PGUSER=cuaca_archive $(sanitizer)'$BUILD/cron/chat-archive' -c '$VAR/etc/cuaca.conf'" \
		"$VAR/etc/archive.settings" "$BUILD/cron/chat-archive"
}

configure_web() {
	case $CUACA_WEB in
	nginx)
		render nginx/cuaca.conf nginx-cuaca.conf
		render nginx/nginx.conf nginx.conf
		as_owner nginx -q -t -e stderr -c "$VAR/etc/nginx.conf" >/dev/null || die "nginx does not take $VAR/etc/nginx.conf"
		define web "exec '$ROOT/etc/stack/service' nginx -e stderr -c '$VAR/etc/nginx.conf'" \
			"$VAR/etc/nginx-cuaca.conf" "$VAR/etc/nginx.conf"
		;;
	lighttpd)
		render lighttpd/request.lua request.lua
		render lighttpd/response.lua response.lua
		render lighttpd/cuaca.conf lighttpd-cuaca.conf
		render lighttpd/lighttpd.conf lighttpd.conf
		as_owner lighttpd -tt -f "$VAR/etc/lighttpd.conf" >/dev/null ||
			die "lighttpd does not take $VAR/etc/lighttpd.conf"
		define web "exec '$ROOT/etc/stack/service' lighttpd -D -f '$VAR/etc/lighttpd.conf'" \
			"$VAR/etc/lighttpd-cuaca.conf" "$VAR/etc/lighttpd.conf" "$VAR/etc/request.lua" "$VAR/etc/response.lua"
		;;
	esac
}

# ---- What runs now and then: snooze waits for the next time, runs the command and leaves; runsv starts it again ----

configure_ingest() {
	define ingest "exec '$ROOT/etc/stack/service' snooze $(ingest_times) \\
	env PGUSER=cuaca_ingest $(sanitizer)'$BUILD/cron/weather-ingest' -c '$VAR/etc/cuaca.conf'"
}

# When the ingest is due, for snooze: ingest_interval has to divide an hour or a day.
ingest_times() {
	every=$CUACA_INGEST_INTERVAL
	first=$((CUACA_INGEST_OFFSET % every))
	if [ $((3600 % every)) -eq 0 ] && [ $((every % 60)) -eq 0 ]; then
		echo "-H'*' -M$(seq -s, $((first / 60)) $((every / 60)) 59) -S$((first % 60))"
	elif [ $((86400 % every)) -eq 0 ] && [ $((every % 3600)) -eq 0 ]; then
		echo "-H$(seq -s, $((first / 3600)) $((every / 3600)) 23) -M$((first / 60 % 60)) -S$((first % 60))"
	else
		STATUS=102 die "ingest_interval = $every: whole minutes that divide an hour, or hours that divide a day"
	fi
}

configure_partitions() {
	define partitions "exec '$ROOT/etc/stack/service' snooze -H3 -M17 \\
	env PGUSER=cuaca_ingest $(sanitizer)'$BUILD/cron/weather-ingest' -c '$VAR/etc/cuaca.conf' --upkeep"
}
