/* SPDX-License-Identifier: ISC
 *
 * Redis has under weather:<slug>:last what NATS brings as weather.updated.<slug>: the body that the API answers, of which
 * clients get the object "current".
 */
#include "watch.h"

#include "base/clock.h"
#include "base/str.h"
#include "chat/member.h"
#include "conn.h"

#include <stdio.h>
#include <stdlib.h>

#define WATCHES_MAX 20
#define KEY "weather:%s:last"
#define SUBJECT "weather.updated."
#define CITY_CHARS "abcdefghijklmnopqrstuvwxyz0123456789-"

static struct watch **
find(struct conn *c, const char *city)
{
	struct watch **at = &c->watches;

	while (*at != NULL && strcmp((*at)->city, city) != 0)
		at = &(*at)->next;
	return at;
}

/* Read the member "city". NULL: the client was told what is wrong with it. */
static const char *
take_city(struct conn *c, const cJSON *o, const char *id)
{
	const char *city = member_text(o, "city");
	size_t len = city != NULL ? strspn(city, CITY_CHARS) : 0;

	if (len > 0 && len < SLUG_SIZE && city[len] == '\0')
		return city;
	say_error(c, id, FAULT_BAD_FIELD, -1, "city: must be the slug of a city");
	return NULL;
}

/* The flat object "current" of a body. False: it has none. */
static bool
find_current(const char *body, size_t len, const char **json, size_t *n)
{
	static const char name[] = "\"current\":";
	const char *at = memmem(body, len, name, sizeof(name) - 1), *end;

	if (at == NULL)
		return false;
	*json = at + sizeof(name) - 1;
	end = memchr(*json, '}', len - (size_t)(*json - body));
	*n = end != NULL ? (size_t)(end - *json) + 1 : 0;
	return end != NULL && **json == '{';
}

static void
say_weather(struct conn *c, const char *city, const char *body, size_t len)
{
	const char *json;
	struct jsonw w;
	size_t n;

	if (!find_current(body, len, &json, &n))
		return;
	w = say_begin(c, "weather", NULL);
	jsonw_string(&w, "city", city);
	jsonw_raw(&w, "current", json, n);
	say_end(c, &w);
}

static void
say_city(struct conn *c, const char *type, const char *id, const char *city)
{
	struct jsonw w = say_begin(c, type, id);

	jsonw_string(&w, "city", city);
	say_end(c, &w);
}

static void
add(struct conn *c, const char *city)
{
	struct watch **at = find(c, city), *w;
	char subject[sizeof(SUBJECT) + SLUG_SIZE];

	if (*at != NULL)
		return;
	w = conn_alloc(sizeof(*w));
	str_copy(w->city, city, sizeof(w->city));
	*at = w;
	snprintf(subject, sizeof(subject), SUBJECT "%s", city);
	live_subscribe(c->live, subject);
}

bool
watch_again(struct conn *c)
{
	const char *keys[WATCHES_MAX];
	struct cache_value v[WATCHES_MAX];
	int n = 0;

	for (const struct watch *w = c->watches; w != NULL; w = w->next)
		keys[n++] = arena_printf(c->arena, KEY, w->city);
	for (int i = 0; i < n; i++)
		if (keys[i] == NULL)
			return false;
	if (n > 0 && cache_get(c->cache, conn_patience(c), c->arena, n, keys, v) != RC_OK)
		return false;
	n = 0;
	for (const struct watch *w = c->watches; w != NULL; w = w->next, n++)
		if (v[n].data != NULL)
			say_weather(c, w->city, v[n].data, v[n].len);
	return true;
}

static int
count(const struct conn *c)
{
	int n = 0;

	for (const struct watch *w = c->watches; w != NULL; w = w->next)
		n++;
	return n;
}

void
watch_begin(struct conn *c, const cJSON *o, const char *id)
{
	const char *city = take_city(c, o, id), *key;
	struct cache_value v;

	if (city == NULL)
		return;
	key = arena_printf(c->arena, KEY, city);
	if (count(c) == WATCHES_MAX && *find(c, city) == NULL)
		say_error(c, id, FAULT_TOO_MANY, -1, "too many cities are watched");
	else if (key == NULL ||
		 cache_get(c->cache, conn_patience(c), c->arena, 1, &key, &v) != RC_OK)
		say_error(c, id, FAULT_UNAVAILABLE, say_retry_ms(), "the weather cannot be read");
	else if (v.data == NULL)
		say_error(c, id, FAULT_NO_SUCH_CITY, -1, "no weather is collected for this city");
	else {
		add(c, city);
		say_city(c, "watching", id, city);
		say_weather(c, city, v.data, v.len);
	}
}

void
watch_end(struct conn *c, const cJSON *o, const char *id)
{
	const char *city = take_city(c, o, id);
	char subject[sizeof(SUBJECT) + SLUG_SIZE];
	struct watch **at, *w;

	if (city == NULL)
		return;
	at = find(c, city);
	if ((w = *at) != NULL) {
		snprintf(subject, sizeof(subject), SUBJECT "%s", city);
		live_unsubscribe(c->live, subject);
		*at = w->next;
		free(w);
	}
	say_city(c, "unwatched", id, city);
}

void
watch_take(struct conn *c, const struct live_msg *m)
{
	const char *city = m->subject + strlen(SUBJECT);

	if (*find(c, city) != NULL)
		say_weather(c, city, m->data, m->len);
}

void
watch_free(struct conn *c)
{
	while (c->watches != NULL) {
		struct watch *w = c->watches;

		c->watches = w->next;
		free(w);
	}
}
