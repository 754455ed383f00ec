// SPDX-License-Identifier: ISC
//
// The chat's protocol over a WebSocket; it knows nothing of a page. It connects, and does so again when the connection
// is lost; sends what goes into a room's log until it is acknowledged, always under the same id (mid), so that nothing
// gets lost or doubled on the way; and keeps its position in the log of every room, so that it can go on there.
//
//	const client = new ChatClient({ url, token });	// token(): a promise of one that is good for a while yet
//	client.addEventListener("log", ({ detail }) => show(detail.room, detail.from, detail.body));
//	client.start();
//	client.publish("message", { room: "group.x", body: "hi" });
//
// Its events, each with what there is to know as detail: "state" (the state), "log" (an event of a room's log, with its
// epoch), "joined" ({channel, epoch, last_seq, anew, asked}: anew where the log has to be read by other means up to
// last_seq; asked where it answers join()), "left", "presence", "typing", "outbox" (what is not acknowledged yet has changed), "acknowledged" ({entry,
// ack}) and "refused" ({entry, error}) of what was published, "ended" (bye for good).

const CONNECT_TIME = 15e3;	// ms until a connection is there, or given up
const REPLY_TIME = 15e3;	// ms for a reply
const SILENCE = 15e3;		// ms that a ping of the server may be late
const FIRST_WAIT = 500;		// ms, doubled with each attempt to connect that fails
const LONGEST_WAIT = 30e3;	// ms
const STEADY = 10e3;		// ms after which a connection counts as a good one
const RESEND_TIME = 9 * 60e3;	// ms: after ten minutes the server has forgotten the ids it has seen
const KINDS = new Set(["message", "edit", "delete", "mute", "unmute", "ban", "unban"]);

export class ChatError extends Error {
	constructor(code, message, retryAfter) {
		super(sentence(message));
		this.code = code;
		this.retryAfter = retryAfter;	// ms; undefined: the same again would not help
	}
}

// What a server says, as a sentence of its own.
export function sentence(text) {
	return text[0].toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? "" : ".");
}

// The part of the log that a room's positions are counted in: private conversations have one for all of them.
export function channelOf(room) {
	return room.startsWith("private.") ? "private" : room;
}

function randomId() {
	return Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export class ChatClient extends EventTarget {
	state = "waiting";		// "connecting", "online", "waiting" (to try again), "ended"
	user = null;			// the name that the server knows us by
	admin = false;			// whether that is an admin's
	positions;			// Map: channel → { epoch, seq }: everything of it up to there has arrived
	retryAt = 0;			// when the next attempt is due, UNIX ms

	#url;
	#token;
	#socket = null;
	#attempts = 0;			// since the last good connection
	#onlineSince = 0;
	#bye = null;
	#requests = new Map();		// id → { resolve, reject, timer }
	#lastId = 0;
	#outbox;			// { type, fields, mid, since }: in the order in which they are sent, one at a time
	#sending = null;		// the one of them that is on its way
	#conn;				// the server's name of the last connection
	#timers = {};
	#silence = 0;			// ms without a word after which the connection is taken for dead

	// outbox and positions: as they were when the page was left.
	constructor({ url, token, outbox = [], positions = [] }) {
		super();
		this.#url = url;
		this.#token = token;
		this.#outbox = [...outbox];
		this.positions = new Map(positions);
	}

	start() {
		if (this.state === "waiting" && !this.#socket)
			this.#open();
	}

	// Don't wait any longer with the next attempt.
	retry() {
		if (this.state === "waiting")
			this.#open();
	}

	// Leave, and stay away.
	stop() {
		this.#change("ended");
		this.#drop();
	}

	// Ask for something; a promise of the reply. Fails with a ChatError, also when the connection is lost.
	request(type, fields = {}) {
		if (this.state !== "online")
			return Promise.reject(new ChatError("disconnected", "There is no connection."));
		return this.#ask(type, fields);
	}

	// Say something that needs no reply, if there is somebody to say it to.
	tell(type, fields = {}) {
		if (this.state === "online")
			this.#write({ type, ...fields });
	}

	// Put something into a room's log: a message, an edit, a deletion. It waits for as long as there is no connection,
	// and ends as the event "acknowledged"; or as "refused" by the server, or because too much time has passed for it
	// to be sent again without the danger of doubling it.
	publish(type, fields) {
		this.#outbox.push({ type, fields, mid: randomId(), since: Date.now() });
		this.#outboxChanged();
		this.#pump();
	}

	get outbox() {
		return [...this.#outbox];
	}

	#emit(type, detail) {
		this.dispatchEvent(new CustomEvent(type, { detail }));
	}

	#change(state) {
		this.state = state;
		this.#emit("state", state);
	}

	#after(name, ms, action) {
		clearTimeout(this.#timers[name]);
		this.#timers[name] = setTimeout(action, ms);
	}

	#cancel(...names) {
		for (const name of names)
			clearTimeout(this.#timers[name]);
	}

	// ---- The connection ----

	async #open() {
		this.#cancel("retry");
		this.#change("connecting");
		this.#bye = null;
		let token;
		try {
			token = await this.#token();
		} catch (error) {
			if (this.state === "connecting")
				this.#lost(error.final ? { code: "unauthorized", message: error.message, reconnect: false } : null);
			return;
		}
		if (this.state !== "connecting")	// stopped meanwhile
			return;
		const socket = this.#socket = new WebSocket(this.#url);
		const mine = (action) => (event) => this.#socket === socket && action(event);
		socket.addEventListener("open", mine(() => this.#connect(token)));
		socket.addEventListener("message", mine((event) => this.#line(event.data)));
		socket.addEventListener("close", mine(() => this.#closed()));
		this.#after("silence", CONNECT_TIME, () => this.#closed());
	}

	async #connect(token) {
		const resume = Array.from(this.positions, ([room, { epoch, seq }]) => ({ room, epoch, seq }));
		try {
			this.#connected(await this.#ask("connect", { token, resume, conn: this.#conn }));
		} catch (error) {
			if (error.code === "disconnected")
				return;
			this.#bye ??= { ...error, message: error.message, reconnect: error.code !== "unauthorized",
				retry_after_ms: error.retryAfter };
			this.#closed();
		}
	}

	#connected(reply) {
		this.user = reply.user;
		this.admin = reply.admin;
		this.#conn = reply.conn;
		this.#silence = reply.ping * 1e3 + SILENCE;
		this.#heard();
		this.#onlineSince = Date.now();
		const here = new Set(reply.rooms.map(({ room }) => room));
		for (const room of this.positions.keys())
			if (!here.has(room) && !reply.partial)
				this.#gone({ room, reason: "removed" });
		for (const room of reply.rooms)
			this.#place({ epoch: reply.epoch, ...room });
		this.#change("online");
		this.#pump();
	}

	#drop() {
		const socket = this.#socket;
		this.#socket = null;
		this.#sending = null;
		this.#cancel("silence", "pump", "retry", "refresh");
		socket?.close();
		const requests = [...this.#requests.values()];
		this.#requests.clear();
		for (const { reject, timer } of requests) {
			clearTimeout(timer);
			reject(new ChatError("disconnected", "The connection was lost."));
		}
	}

	#closed() {
		if (this.state === "online" && Date.now() - this.#onlineSince > STEADY)
			this.#attempts = 0;
		this.#drop();
		this.#lost(this.#bye);
	}

	// Try again, later each time and at a random moment, so that a server that comes back is not run over by all who
	// were waiting for it; not before the server wants it.
	#lost(bye) {
		if (bye?.reconnect === false) {
			this.#change("ended");
			this.#emit("ended", bye);
			return;
		}
		const longest = Math.min(FIRST_WAIT * 2 ** this.#attempts++, LONGEST_WAIT);
		const wait = (bye?.retry_after_ms ?? 0) + longest * (0.5 + Math.random() / 2);
		this.retryAt = Date.now() + wait;
		this.#after("retry", wait, () => this.#open());
		this.#change("waiting");
	}

	// ---- Lines ----

	#write(line) {
		this.#socket.send(JSON.stringify(line));
	}

	#ask(type, fields) {
		const id = ++this.#lastId;
		return new Promise((resolve, reject) => {
			const timer = setTimeout(() => {
				this.#requests.delete(id);
				reject(new ChatError("timeout", "The server did not reply in time.", 0));
			}, REPLY_TIME);
			this.#requests.set(id, { resolve, reject, timer });
			this.#write({ id, type, ...fields });
		});
	}

	#line(text) {
		const line = JSON.parse(text);
		if (this.state === "online")
			this.#heard();
		const request = this.#requests.get(line.id);
		if (request) {
			clearTimeout(request.timer);
			this.#requests.delete(line.id);
		}
		if (line.type === "error")
			request?.reject(new ChatError(line.code, line.message, line.retry_after_ms));
		else
			this.#take(line, request);
		request?.resolve(line);
	}

	#heard() {
		this.#after("silence", this.#silence, () => this.#closed());
	}

	#take(line, request) {
		if (KINDS.has(line.type))
			return this.#log(line);
		switch (line.type) {
		case "ping":
			this.#write({ type: "pong" });
			return this.#compare(line.tops ?? {});
		case "joined":
			return this.#place({ ...line, asked: Boolean(request) });
		case "left":
			return this.#gone(line);
		case "presence":
		case "typing":
			return this.#emit(line.type, line);
		case "expiring":
			return this.#refresh();
		case "bye":
			this.#bye = line;
		}
	}

	// ---- Rooms and positions ----

	// Where we are in a channel from now on. If nothing was missed, that is where we were: what is new is on its way.
	#place({ room, epoch, last_seq, recovered, asked = false }) {
		const channel = channelOf(room);
		const before = this.positions.get(channel);
		const anew = !before || !recovered || before.epoch !== epoch;
		if (anew)
			this.positions.set(channel, { epoch, seq: last_seq });
		this.#emit("joined", { channel, epoch, last_seq, anew, asked });
	}

	#gone({ room, reason }) {
		this.positions.delete(room);
		this.#emit("left", { room, reason });
	}

	#log(event) {
		const position = this.positions.get(channelOf(event.room));
		if (!position)
			return;		// from before we left
		position.seq = Math.max(position.seq, event.seq);
		if (event.from === this.user)
			this.#acknowledged(event);
		this.#emit("log", { ...event, epoch: position.epoch });
	}

	// What the server takes to be the last that we know. Should it not be, something got lost without a sound: have it
	// sent again. (The number of "private" also grows by what is not for us.)
	#compare(tops) {
		for (const [room, top] of Object.entries(tops)) {
			const position = this.positions.get(room);
			if (!position || top <= position.seq)
				continue;
			if (room === "private")
				position.seq = top;
			else
				this.join(room, position.seq).catch(() => {});
		}
	}

	// Listen to a room; with "after", everything behind that place of its log comes (again) first.
	join(room, after) {
		const epoch = after === undefined ? undefined : this.positions.get(channelOf(room))?.epoch;
		return this.request("join", { room, after, epoch });
	}

	leave(room) {
		this.#gone({ room });
		return this.request("leave", { room });
	}

	// ---- The token ----

	// The server lets go of us when the token runs out: show it a newer one.
	async #refresh() {
		try {
			const token = await this.#token(true);
			await this.request("refresh", { token });
		} catch (error) {
			if (!error.final && this.state === "online")
				this.#after("refresh", 5e3, () => this.#refresh());
		}
	}

	// ---- What goes into a log ----

	#outboxChanged() {
		this.#emit("outbox", this.outbox);
	}

	// Send the first one, unless it is on its way: one at a time, so that they stay in order whatever happens.
	async #pump() {
		const entry = this.#outbox[0];
		if (!entry || this.#sending || this.state !== "online")
			return;
		if (Date.now() - entry.since > RESEND_TIME)
			return this.#finish(entry, new ChatError("expired", "It could not be sent in time."));
		this.#sending = entry;
		try {
			this.#finish(entry, null, await this.#ask(entry.type, { ...entry.fields, mid: entry.mid }));
		} catch (error) {
			if (this.#sending !== entry)	// the connection was lost, or the log had it
				return;
			this.#sending = null;
			if (error.retryAfter === undefined)
				this.#finish(entry, error);
			else
				this.#after("pump", error.retryAfter, () => this.#pump());
		}
	}

	#finish(entry, error, ack) {
		if (!this.#outbox.includes(entry))
			return;
		this.#outbox.splice(this.#outbox.indexOf(entry), 1);
		if (this.#sending === entry)
			this.#sending = null;
		if (error)
			this.#emit("refused", { entry, error });
		else
			this.#emit("acknowledged", { entry, ack, epoch: this.positions.get(channelOf(ack.room))?.epoch });
		this.#outboxChanged();
		this.#pump();
	}

	// One of ours in the log is as good as an acknowledgement, which may have been lost with a connection.
	#acknowledged(event) {
		const entry = this.#outbox.find(({ mid }) => mid === event.mid);
		if (entry)
			this.#finish(entry, null, { room: event.room, seq: event.seq, sent_at: event.sent_at, duplicate: false });
	}
}
