/* SPDX-License-Identifier: ISC
 *
 * The only includer of curl.h: time-outs, size, redirects and protocols are set here, in one place.
 */
#include "drivers/fetch.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

#define CONNECT_MS 5000

struct fetch {
	CURL *curl;
	char reason[CURL_ERROR_SIZE];
};

struct fetch *
fetch_open(const char *agent)
{
	struct fetch *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return NULL;
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK ||
	    (f->curl = curl_easy_init()) == NULL) {
		free(f);
		return NULL;
	}
	curl_easy_setopt(f->curl, CURLOPT_ERRORBUFFER, f->reason);
	curl_easy_setopt(f->curl, CURLOPT_USERAGENT, agent);
	curl_easy_setopt(f->curl, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(f->curl, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(f->curl, CURLOPT_ACCEPT_ENCODING, ""); /* everything libcurl can unpack */
	curl_easy_setopt(f->curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(f->curl, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
	return f;
}

void
fetch_close(struct fetch *f)
{
	if (f == NULL)
		return;
	curl_easy_cleanup(f->curl);
	free(f);
	curl_global_cleanup();
}

static bool
append_params(CURLU *u, struct arena *a, const struct fetch_param params[])
{
	for (const struct fetch_param *p = params; p->name != NULL; p++) {
		char *pair = arena_printf(a, "%s=%s", p->name, p->value);

		if (pair == NULL || curl_url_set(u, CURLUPART_QUERY, pair,
					CURLU_APPENDQUERY | CURLU_URLENCODE) != CURLUE_OK)
			return false;
	}
	return true;
}

/* The path of base, without a slash at its end, and then path. */
static bool
append_path(CURLU *u, struct arena *a, const char *path)
{
	char *own = NULL, *whole;
	size_t len;
	bool ok;

	if (curl_url_get(u, CURLUPART_PATH, &own, 0) != CURLUE_OK)
		return false;
	len = strlen(own);
	while (len > 0 && own[len - 1] == '/')
		len--;
	whole = arena_printf(a, "%.*s%s", (int)len, own, path);
	ok = whole != NULL && curl_url_set(u, CURLUPART_PATH, whole, 0) == CURLUE_OK;
	curl_free(own);
	return ok;
}

char *
fetch_url(struct arena *a, const char *base, const char *path, const struct fetch_param params[])
{
	CURLU *u = curl_url();
	char *text = NULL, *copy = NULL;

	if (u != NULL && curl_url_set(u, CURLUPART_URL, base, 0) == CURLUE_OK &&
	    append_path(u, a, path) && append_params(u, a, params) &&
	    curl_url_get(u, CURLUPART_URL, &text, 0) == CURLUE_OK && strncmp(text, "http", 4) == 0)
		copy = arena_strdup(a, text);
	curl_free(text);
	curl_url_cleanup(u);
	return copy;
}

/* libcurl's write callback: anything but n stops the transfer. */
static size_t
on_data(char *data, size_t size, size_t n, void *arg)
{
	struct buf *body = arg;

	buf_add(body, data, size * n);
	return buf_ok(body) ? n : 0;
}

static enum rc
result_of(CURLcode code, const struct buf *body)
{
	switch (code) {
	case CURLE_OK: return RC_OK;
	case CURLE_WRITE_ERROR: return buf_ok(body) ? RC_INVALID : RC_NOMEM;
	case CURLE_BAD_CONTENT_ENCODING:
	case CURLE_WEIRD_SERVER_REPLY:
	case CURLE_URL_MALFORMAT:
	case CURLE_UNSUPPORTED_PROTOCOL: return RC_INVALID;
	default: return RC_DOWN;
	}
}

enum rc
fetch_get(struct fetch *f, const char *url, int64_t timeout_ms, struct buf *body, long *status,
    const char **reason)
{
	CURLcode code;

	buf_reset(body);
	*status = 0;
	f->reason[0] = '\0';
	curl_easy_setopt(f->curl, CURLOPT_URL, url);
	curl_easy_setopt(f->curl, CURLOPT_TIMEOUT_MS, (long)(timeout_ms > 0 ? timeout_ms : 1));
	curl_easy_setopt(f->curl, CURLOPT_WRITEFUNCTION, on_data);
	curl_easy_setopt(f->curl, CURLOPT_WRITEDATA, body);
	code = curl_easy_perform(f->curl);
	*reason = f->reason[0] != '\0' ? f->reason : curl_easy_strerror(code);
	if (code == CURLE_OK)
		curl_easy_getinfo(f->curl, CURLINFO_RESPONSE_CODE, status);
	return result_of(code, body);
}
