/* SPDX-License-Identifier: ISC
 *
 * The library's js_ functions where they do; its fetch does not keep to its time-out, so that is ours: a request to
 * the consumer, whose answers end with as many events as were asked for or with a status.
 */
#include "drivers/stream.h"

#include "base/clock.h"
#include "base/str.h"
#include "drivers/bus_nats.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STREAM "CHAT"
#define CONSUMER "archive"
#define SUBJECTS "in.chat.>"
#define NEXT "$JS.API.CONSUMER.MSG.NEXT." STREAM "." CONSUMER
#define EPOCH "epoch " /* and the number: the stream's description */
#define EPOCH_TEXT 32
#define MESSAGE_MAX 65536 /* bytes */
#define NS 1000000000LL /* in a second */
#define ACK_WAIT 30 /* seconds */
#define IN_FLIGHT 20000 /* events fetched and not acknowledged; more than archive_batch can be */
#define SEQ_FIELD 5 /* of $JS.ACK.<stream>.<consumer>.<delivered>.<seq>.… */

static natsStatus
have_js(struct bus *b)
{
	jsOptions o;

	if (b->js != NULL)
		return NATS_OK;
	jsOptions_Init(&o);
	o.Wait = b->settings->nats_timeout;
	return natsConnection_JetStream(&b->js, b->nc, &o);
}

/* As bus_take(), with JetStream. */
static enum rc
take(struct bus *b)
{
	enum rc rc = bus_take(b);
	natsStatus st;

	if (rc != RC_OK || (st = have_js(b)) == NATS_OK)
		return rc;
	return bus_give(b, "jetstream", st);
}

static int64_t
epoch_of(const jsStreamInfo *si)
{
	const char *text = si->Config->Description;
	int64_t epoch;

	if (text == NULL || strncmp(text, EPOCH, strlen(EPOCH)) != 0 ||
	    !str_to_int(text + strlen(EPOCH), &epoch) || epoch < 1)
		return 0;
	return epoch;
}

/* What the stream should be; the names must outlive the configuration. */
static void
configure(jsStreamConfig *c, jsRePublish *rp, const struct settings *s, const char *description)
{
	static const char *subjects[] = { SUBJECTS };

	jsRePublish_Init(rp);
	rp->Source = SUBJECTS;
	rp->Destination = "chat.>";
	jsStreamConfig_Init(c);
	c->Name = STREAM;
	c->Description = description;
	c->Subjects = subjects;
	c->SubjectsLen = 1;
	c->Retention = js_LimitsPolicy;
	c->Storage = js_FileStorage;
	c->Discard = js_DiscardOld;
	c->MaxAge = s->chat_max_age * NS;
	c->MaxBytes = s->chat_max_bytes;
	c->MaxMsgSize = MESSAGE_MAX;
	c->Duplicates = s->chat_duplicate_window * NS;
	c->Replicas = s->chat_replicas;
	c->AllowDirect = true;
	c->RePublish = rp;
}

/* Make the stream, or make it what it should be, with this epoch. */
static natsStatus
put_stream(struct bus *b, const struct settings *s, bool exists, int64_t epoch)
{
	char description[EPOCH_TEXT];
	jsStreamConfig c;
	jsRePublish rp;

	snprintf(description, sizeof(description), EPOCH "%lld", (long long)epoch);
	configure(&c, &rp, s, description);
	return exists ? js_UpdateStream(NULL, b->js, &c, NULL, NULL)
		      : js_AddStream(NULL, b->js, &c, NULL, NULL);
}

/* from 0: at the first event there is. */
static natsStatus
make_consumer(struct bus *b, uint64_t from)
{
	jsConsumerConfig c;

	jsConsumerConfig_Init(&c);
	c.Durable = CONSUMER;
	c.DeliverPolicy = from > 0 ? js_DeliverByStartSequence : js_DeliverAll;
	c.OptStartSeq = from;
	c.AckPolicy = js_AckAll;
	c.AckWait = ACK_WAIT * NS;
	c.MaxAckPending = IN_FLIGHT;
	return js_AddConsumer(NULL, b->js, STREAM, &c, NULL, NULL);
}

static natsStatus
have_consumer(struct bus *b)
{
	jsConsumerInfo *ci = NULL;
	natsStatus st = js_GetConsumerInfo(&ci, b->js, STREAM, CONSUMER, NULL, NULL);

	jsConsumerInfo_Destroy(ci);
	return st == NATS_NOT_FOUND ? make_consumer(b, 0) : st;
}

enum rc
stream_setup(struct bus *b, const struct settings *s)
{
	enum rc rc = take(b);
	jsStreamInfo *si = NULL;
	natsStatus st;
	int64_t epoch = 0;

	if (rc != RC_OK)
		return rc;
	st = js_GetStreamInfo(&si, b->js, STREAM, NULL, NULL);
	if (st == NATS_OK)
		epoch = epoch_of(si);
	if (st == NATS_OK || st == NATS_NOT_FOUND)
		st = put_stream(b, s, si != NULL, epoch > 0 ? epoch : clock_now_ms());
	if (st == NATS_OK)
		st = have_consumer(b);
	jsStreamInfo_Destroy(si);
	return bus_give(b, "set up the stream", st);
}

static int64_t
count_pending(struct bus *b, const jsStreamInfo *si)
{
	jsConsumerInfo *ci = NULL;
	int64_t pending = (int64_t)si->State.Msgs;

	if (js_GetConsumerInfo(&ci, b->js, STREAM, CONSUMER, NULL, NULL) == NATS_OK)
		pending = (int64_t)ci->NumPending + ci->NumAckPending;
	jsConsumerInfo_Destroy(ci);
	return pending;
}

enum rc
stream_state(struct bus *b, struct stream_state *state)
{
	enum rc rc = take(b);
	jsStreamInfo *si = NULL;
	natsStatus st;

	if (rc != RC_OK)
		return rc;
	st = js_GetStreamInfo(&si, b->js, STREAM, NULL, NULL);
	if (st == NATS_OK)
		*state = (struct stream_state){ .epoch = epoch_of(si),
			.first_seq = si->State.FirstSeq,
			.last_seq = si->State.LastSeq,
			.pending = count_pending(b, si) };
	jsStreamInfo_Destroy(si);
	return bus_give(b, "ask for the stream", st);
}

enum rc
stream_epoch_renew(struct bus *b, const struct settings *s, int64_t epoch)
{
	enum rc rc = take(b);

	return rc != RC_OK ? rc : bus_give(b, "renew the epoch", put_stream(b, s, true, epoch));
}

enum rc
stream_publish(struct bus *b, const char *subject, const char *msg_id, const void *data, size_t len,
    uint64_t *seq, bool *duplicate)
{
	enum rc rc = take(b);
	jsPubOptions o;
	jsPubAck *ack = NULL;
	natsStatus st;

	if (rc != RC_OK)
		return rc;
	jsPubOptions_Init(&o);
	o.MsgId = msg_id;
	o.ExpectStream = STREAM;
	st = js_Publish(&ack, b->js, subject, data, (int)len, &o, NULL);
	if (st == NATS_OK) {
		*seq = ack->Sequence;
		*duplicate = ack->Duplicate;
	}
	jsPubAck_Destroy(ack);
	return bus_give(b, "publish to the stream", st);
}

static natsStatus
copy(struct arena *a, natsMsg *m, struct stream_msg *out)
{
	const char *reply = natsMsg_GetReply(m);

	out->len = (size_t)natsMsg_GetDataLength(m);
	out->data = arena_strndup(a, natsMsg_GetData(m), out->len);
	out->subject = arena_strdup(a, natsMsg_GetSubject(m));
	out->ack = arena_strdup(a, reply != NULL ? reply : "");
	return out->data != NULL && out->subject != NULL && out->ack != NULL ? NATS_OK
									     : NATS_NO_MEMORY;
}

enum rc
stream_get(struct bus *b, struct arena *a, uint64_t seq, struct stream_msg *msg)
{
	enum rc rc = take(b);
	jsDirectGetMsgOptions o;
	natsMsg *m = NULL;
	natsStatus st;

	if (rc != RC_OK)
		return rc;
	jsDirectGetMsgOptions_Init(&o);
	o.Sequence = seq;
	o.NextBySubject = SUBJECTS;
	st = js_DirectGetMsg(&m, b->js, STREAM, NULL, &o);
	if (st == NATS_OK) {
		st = copy(a, m, msg);
		msg->seq = natsMsg_GetSequence(m);
	}
	natsMsg_Destroy(m);
	return bus_give(b, "read the stream", st);
}

/* Where the consumer's answers come in. It outlives the request, since nothing may come for what is destroyed. */
static natsStatus
have_inbox(struct bus *b)
{
	natsStatus st = NATS_OK;

	if (b->inbox == NULL)
		st = natsInbox_Create(&b->inbox);
	if (st == NATS_OK && b->pulled == NULL)
		st = natsConnection_SubscribeSync(&b->pulled, b->nc, b->inbox);
	return st;
}

static uint64_t
seq_of(const char *ack)
{
	const char *p = ack;

	for (int i = 0; i < SEQ_FIELD && p != NULL; i++)
		p = (p = strchr(p, '.')) != NULL ? p + 1 : NULL;
	return p != NULL ? strtoull(p, NULL, 10) : 0;
}

/* Answers to one request: max events, or a status, which comes within wait_ms where the request says so. */
static natsStatus
gather(struct bus *b, struct arena *a, int max, int64_t wait_ms, int *n, struct stream_msg msgs[])
{
	struct deadline d = deadline_in(wait_ms + b->settings->nats_timeout);
	natsStatus st = NATS_OK;
	int status = 0;

	while (st == NATS_OK && status == 0 && *n < max) {
		natsMsg *m = NULL;

		st = natsSubscription_NextMsg(&m, b->pulled, deadline_left(d));
		if (st == NATS_OK && (status = bus_status(m)) == 0) {
			st = copy(a, m, &msgs[*n]);
			msgs[*n].seq = seq_of(msgs[*n].ack);
			(*n)++;
		}
		natsMsg_Destroy(m);
	}
	return st;
}

/* wait_ms 0: what is there. */
static natsStatus
pull(struct bus *b, struct arena *a, int max, int64_t wait_ms, int *n, struct stream_msg msgs[])
{
	char request[96];
	natsStatus st;

	if (wait_ms > 0)
		snprintf(request, sizeof(request), "{\"batch\":%d,\"expires\":%lld}", max,
		    (long long)wait_ms * 1000000);
	else
		snprintf(request, sizeof(request), "{\"batch\":%d,\"no_wait\":true}", max);
	st = natsConnection_PublishRequestString(b->nc, NEXT, b->inbox, request);
	return st == NATS_OK ? gather(b, a, max, wait_ms, n, msgs) : st;
}

enum rc
stream_fetch(
    struct bus *b, struct arena *a, int max, int64_t wait_ms, int *n, struct stream_msg **msgs)
{
	enum rc rc = take(b);
	natsStatus st;

	if (rc != RC_OK)
		return rc;
	*n = 0;
	*msgs = arena_alloc(a, (size_t)max * sizeof(**msgs));
	st = *msgs != NULL ? have_inbox(b) : NATS_NO_MEMORY;
	if (st == NATS_OK)
		st = pull(b, a, max, 0, n, *msgs);
	if (st == NATS_OK && *n == 0 && wait_ms > 0)
		st = pull(b, a, 1, wait_ms, n, *msgs);
	return bus_give(b, "fetch from the stream", st);
}

enum rc
stream_ack(struct bus *b, const struct stream_msg *last)
{
	enum rc rc = take(b);
	natsMsg *reply = NULL;
	natsStatus st;

	if (rc != RC_OK)
		return rc;
	st = natsConnection_RequestString(
	    &reply, b->nc, last->ack, "+ACK", b->settings->nats_timeout);
	natsMsg_Destroy(reply);
	return bus_give(b, "acknowledge to the stream", st);
}

enum rc
stream_rewind(struct bus *b, uint64_t seq)
{
	enum rc rc = take(b);
	natsStatus st;

	if (rc != RC_OK)
		return rc;
	st = js_DeleteConsumer(b->js, STREAM, CONSUMER, NULL, NULL);
	if (st == NATS_OK || st == NATS_NOT_FOUND)
		st = make_consumer(b, seq);
	return bus_give(b, "set the consumer back", st);
}
