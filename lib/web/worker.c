/* SPDX-License-Identifier: ISC
 *
 * The threads, their loop and their end. fcgiapp.h is used here and in response.c only.
 *
 * Ending: a thread that waits in FCGX_Accept_r (for a connection, or for the next request of a kept one) is
 * woken by a signal whose handler lacks SA_RESTART. A thread with a request in hand is never signalled, since
 * libfcgi drops a request whose reading is interrupted.
 */
#include "web/worker.h"

#include "base/cost.h"
#include "base/log.h"
#include "base/str.h"
#include "base/utf8.h"

#include <errno.h>
#include <fcgiapp.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>

#define STACK_SIZE ((size_t)256 * 1024)
#define ID_SIZE 65
#define WAKE SIGUSR2
#define WAKE_EVERY_MS 20

enum state { WAITING, BUSY, ENDED };

struct server {
	const struct settings *settings;
	const struct route *routes;
	const struct limiter *limiter;
	guard *keeper;
	void *app;
	atomic_bool stopping;
};

struct worker {
	struct server *server;
	pthread_t thread;
	_Atomic enum state state;
	struct arena *arena;
	struct res res;
	struct buf head;
};

static enum method
method_of(const char *name)
{
	if (name == NULL || strcmp(name, "GET") == 0)
		return M_GET;
	return strcmp(name, "HEAD") == 0      ? M_HEAD
	       : strcmp(name, "POST") == 0    ? M_POST
	       : strcmp(name, "DELETE") == 0  ? M_DELETE
	       : strcmp(name, "OPTIONS") == 0 ? M_OPTIONS
					      : M_OTHER;
}

static bool
usable_id(const char *id)
{
	size_t len = id != NULL
			 ? strspn(id,
			       "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_-")
			 : 0;

	return len > 0 && len < ID_SIZE && id[len] == '\0';
}

static const char *
make_id(struct arena *a)
{
	unsigned char raw[16];
	char *id = arena_alloc(a, 2 * sizeof(raw) + 1);

	if (id == NULL || getrandom(raw, sizeof(raw), 0) != (ssize_t)sizeof(raw))
		return "unknown";
	for (size_t i = 0; i < sizeof(raw); i++)
		snprintf(id + 2 * i, 3, "%02x", raw[i]);
	return id;
}

static const char *
or_empty(const char *s)
{
	return s != NULL ? s : "";
}

/* The decoded path: nginx hands it over ready, from lighttpd only the raw one can be had. */
static const char *
request_path(struct arena *a, char **envp)
{
	const char *decoded = FCGX_GetParam("DOCUMENT_URI", envp);
	const char *raw = or_empty(FCGX_GetParam("REQUEST_URI", envp));

	if (decoded != NULL)
		return utf8_valid(decoded, strlen(decoded)) ? decoded : NULL;
	return request_decode(a, raw, strcspn(raw, "?"), false);
}

/* What a client shows as Authorization: Bearer; NULL for nothing. */
static const char *
bearer(char **envp)
{
	const char *authorization = or_empty(FCGX_GetParam("HTTP_AUTHORIZATION", envp));

	return strncasecmp(authorization, "Bearer ", 7) == 0 && authorization[7] != '\0'
		   ? authorization + 7
		   : NULL;
}

/* The key a client shows, in either of two headers; NULL for none. */
static const char *
api_key(char **envp)
{
	const char *key = or_empty(FCGX_GetParam("HTTP_X_API_KEY", envp));

	return key[0] != '\0' ? key : bearer(envp);
}

/* libfcgi waits for the web server for as long as it takes, so the socket has to know when to give up; it is kept for
 * the next request, which may come much later. */
static void
give_up_after(int fd, long ms)
{
	const struct timeval t = { ms / 1000, ms % 1000 * 1000 };

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t));
}

static bool
read_body(const struct req *rq, char *to, size_t len)
{
	FCGX_Request *fr = rq->connection;
	int left = deadline_left(rq->deadline);
	bool whole;

	if (left == 0)
		return false;
	give_up_after(fr->ipcFd, left);
	whole = FCGX_GetStr(to, (int)len, fr->in) == (int)len;
	give_up_after(fr->ipcFd, 0);
	return whole;
}

static void
body_announced(FCGX_Request *fr, struct req *rq)
{
	if (!str_to_int(or_empty(FCGX_GetParam("CONTENT_LENGTH", fr->envp)), &rq->content_length) ||
	    rq->content_length < 0)
		rq->content_length = 0;
	rq->content_type = FCGX_GetParam("CONTENT_TYPE", fr->envp);
	rq->read_body = read_body;
	rq->connection = fr;
}

static void
request_read(struct worker *w, FCGX_Request *fr, struct req *rq)
{
	bool guarded = w->server->keeper != NULL;
	char **envp = fr->envp;
	const char *id = FCGX_GetParam("HTTP_X_REQUEST_ID", envp);

	*rq = (struct req){
		.arena = w->arena,
		.deadline = deadline_in(w->server->settings->request_timeout),
		.id = usable_id(id) ? id : make_id(w->arena),
		.method = method_of(FCGX_GetParam("REQUEST_METHOD", envp)),
		.path = request_path(w->arena, envp),
		.query = or_empty(FCGX_GetParam("QUERY_STRING", envp)),
		.if_none_match = FCGX_GetParam("HTTP_IF_NONE_MATCH", envp),
		.accept_language = FCGX_GetParam("HTTP_ACCEPT_LANGUAGE", envp),
		.address = or_empty(FCGX_GetParam("REMOTE_ADDR", envp)),
		.api_key = guarded ? NULL : api_key(envp),
		.token = guarded ? bearer(envp) : NULL,
		.limiter = w->server->limiter,
		.app = w->server->app,
	};
	if (rq->method == M_POST || rq->method == M_DELETE)
		body_announced(fr, rq);
}

static void
log_access(const struct req *rq, int status, int64_t ms)
{
	enum log_level level = status >= 500 || status == -1 ? LOG_LEVEL_WARN : LOG_LEVEL_DEBUG;

	log_event(level, "request",
	    LOG_WITH(
		log_s("endpoint", rq->path), log_i("status", status), log_i("latency_ms", ms)));
}

static void
serve_one(struct worker *w, FCGX_Request *fr)
{
	int64_t start = clock_mono_ms();
	struct req rq;
	int status;

	cost = (struct cost){ 0 };
	request_read(w, fr, &rq);
	log_set_request(rq.id);
	response_reset(&w->res);
	route_run(w->server->routes, w->server->keeper, &rq, &w->res);
	status = response_send(&rq, &w->res, fr->out, &w->head, w->server->settings->debug_headers);
	log_access(&rq, status, clock_mono_ms() - start);
	log_set_request(NULL);
	arena_reset(w->arena);
}

/* Wait for the next request; false when the process is told to stop. On a kept connection FCGX_Accept_r would wait in
 * read(2), which a UNIX socket also wakes each time the web server has taken bytes of the last answer; poll(2) sleeps
 * on, which spares every request a thread's coming and going. */
static bool
accept_next(const struct worker *w, FCGX_Request *fr)
{
	struct pollfd kept = { .fd = fr->ipcFd, .events = POLLIN };

	while (!w->server->stopping)
		if (fr->ipcFd < 0 || poll(&kept, 1, -1) == 1)
			return FCGX_Accept_r(fr) == 0;
	return false;
}

static void *
worker_run(void *arg)
{
	struct worker *w = arg;
	FCGX_Request fr;

	if (FCGX_InitRequest(&fr, 0, 0) != 0)
		log_die(EXIT_SYSTEM, "fastcgi: cannot initialise a request", NULL);
	while (accept_next(w, &fr)) {
		w->state = BUSY;
		serve_one(w, &fr);
		FCGX_Finish_r(&fr);
		w->state = WAITING;
	}
	FCGX_Free(&fr, 1);
	w->state = ENDED;
	return NULL;
}

static bool
worker_start(struct worker *w, struct server *server)
{
	pthread_attr_t attr;
	int err;

	*w = (struct worker){ .server = server,
		.state = WAITING,
		.res = RES_INIT,
		.head = BUF_INIT(RESPONSE_BODY_MAX + 4096) };
	if ((w->arena = arena_new((size_t)server->settings->arena_max)) == NULL)
		return false;
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_SIZE);
	err = pthread_create(&w->thread, &attr, worker_run, w);
	pthread_attr_destroy(&attr);
	return err == 0;
}

static void
worker_end(struct worker *w)
{
	pthread_join(w->thread, NULL);
	arena_free(w->arena);
	buf_free(&w->res.body);
	buf_free(&w->head);
}

static void
on_wake(int sig)
{
	(void)sig; /* interrupting a system call is all it does */
}

static void
prepare_signals(sigset_t *ending)
{
	struct sigaction wake = { .sa_handler = on_wake }; /* no SA_RESTART */

	sigemptyset(ending);
	sigaddset(ending, SIGTERM);
	sigaddset(ending, SIGINT);
	sigaddset(ending, SIGUSR1);
	pthread_sigmask(
	    SIG_BLOCK, ending, NULL); /* the threads inherit it: only sigwait takes them */
	sigaction(WAKE, &wake, NULL);
	signal(SIGPIPE, SIG_IGN);
}

/* Under SCHED_BATCH a thread that wakes up doesn't push the running one aside, so that nginx and Redis get through
 * several requests each time they run: a fourth more requests a second on two cores (make bench). */
static void
prefer_throughput(void)
{
	const struct sched_param none = { 0 };

	if (sched_setscheduler(0, SCHED_BATCH, &none) != 0)
		log_event(LOG_LEVEL_DEBUG, "SCHED_BATCH refused",
		    LOG_WITH(log_s("reason", strerror(errno))));
}

/* Wake whoever waits, again and again, since a signal just before accept(2) is lost. True when all have ended. */
static bool
wake_all(struct worker *workers, int n)
{
	bool ended = true;

	for (int i = 0; i < n; i++) {
		if (workers[i].state == WAITING)
			pthread_kill(workers[i].thread, WAKE);
		ended = ended && workers[i].state == ENDED;
	}
	return ended;
}

static bool
stop(struct server *server, struct worker *workers, int n)
{
	struct deadline d = deadline_in(server->settings->request_timeout + 1000);
	const struct timespec pause = { 0, WAKE_EVERY_MS * 1000000L };

	server->stopping = true;
	FCGX_ShutdownPending();
	while (!wake_all(workers, n)) {
		if (deadline_left(d) == 0)
			return false;
		nanosleep(&pause, NULL);
	}
	return true;
}

enum rc
worker_serve(const struct settings *settings, const struct route routes[],
    const struct limiter *limiter, guard *keeper, void *app)
{
	struct server server = { .settings = settings,
		.routes = routes,
		.limiter = limiter,
		.keeper = keeper,
		.app = app };
	int n = (int)settings->threads, sig;
	struct worker *workers = calloc((size_t)n, sizeof(*workers));
	sigset_t ending;

	if (workers == NULL)
		return RC_NOMEM;
	if (FCGX_Init() != 0 || FCGX_IsCGI()) {
		free(workers);
		return RC_INVALID;
	}
	prepare_signals(&ending);
	prefer_throughput();
	for (int i = 0; i < n; i++)
		if (!worker_start(&workers[i], &server))
			log_die(
			    EXIT_SYSTEM, "cannot start a thread", LOG_WITH(log_i("running", i)));
	log_event(LOG_LEVEL_INFO, "serving", LOG_WITH(log_i("threads", n)));
	sigwait(&ending, &sig);
	log_event(LOG_LEVEL_INFO, "stopping", LOG_WITH(log_i("signal", sig)));
	if (!stop(&server, workers, n))
		log_die(EXIT_SYSTEM, "requests still in hand after their deadline", NULL);
	for (int i = 0; i < n; i++)
		worker_end(&workers[i]);
	free(workers);
	return RC_OK;
}
