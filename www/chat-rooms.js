// SPDX-License-Identifier: ISC
//
// The rooms of one user: which there are, what was said in each and what of it is new, who is there and who writes.
// What comes live over the connection is joined here to what the history has.
//
// Events, each with the room as detail but for the first: "list" (which rooms there are, what is new in them), "log"
// ({room, item}), "loaded" (its log is another one), "people", "typing", "left" ({room, reason}).

import { channelOf } from "./chat-client.js";
import { Log, order } from "./chat-log.js";

const PAGE = 50;			// messages of history at a time
const KEEP = 1000;			// messages of a room that stay in memory
const LOOK_AGAIN = 1e3;			// ms until the archive may have caught up, doubled each time
const LONGEST_LOOK = 30e3;		// ms
const TYPING_TIME = 6e3;		// ms after which somebody does not write any longer
const START = { epoch: 0, seq: 0 };

const later = (ms) => new Promise((done) => { setTimeout(done, ms); });

// A place in the log from how an answer has it: "<epoch>-<seq>", or null.
function place(text) {
	const [epoch, seq] = (text ?? "0-0").split("-").map(Number);
	return { epoch, seq };
}

class Room {
	log = new Log();
	last = null;		// of a private one: its newest message, as far as the list of conversations knows
	loaded = false;		// its newest messages are there
	loading = null;		// a promise, while they are on their way
	older = null;		// where its history goes on to the past; null: it does not
	group = null;		// of a group: what the API has about it, once it is known
	people = new Set();	// who is there
	members = [];		// of a group: { username, owner }
	typing = new Map();	// who writes → timer
	leaving = false;	// because the user wants to
	read;			// place in the log up to which it was read
	draft = "";

	constructor(name, me, read) {
		this.name = name;
		this.read = read;
		this.kind = name.split(".")[0];
		this.other = this.kind === "private" ? name.split(".").slice(1).find((user) => user !== me) ?? me : null;
		this.me = me;
	}

	get title() {
		return this.other ?? this.group?.title ?? (this.kind === "broadcast" ? "Everyone" : this.name.split(".")[1]);
	}

	get owned() {
		return this.group?.owner === this.me;
	}

	// How many messages of others have not been read. Of those that came while nobody listened, one is known.
	get news() {
		const isNews = (item) => item.kind === "message" && item.from !== this.me && order(item, this.read) > 0;
		let count = 0;
		for (let i = this.log.items.length - 1; i >= 0 && order(this.log.items[i], this.read) > 0; i--)
			count += isNews(this.log.items[i]);
		return count || Number(this.last !== null && isNews(this.last));
	}
}

// private.<other> as the server has it: both names in order.
export function privateRoom(a, b) {
	return `private.${[a, b].sort().join(".")}`;
}

export class Rooms extends EventTarget {
	all = new Map();		// name → Room
	joinable = [];			// public groups that one is not in
	#session;
	#client;
	#refreshing = null;		// timer
	#looking = null;		// timer
	#floors = new Map();		// channel → { epoch, seq }: what is behind it comes over the connection

	constructor(session, client) {
		super();
		this.#session = session;
		this.#client = client;
		for (const [channel, position] of client.positions)
			this.#floors.set(channel, { ...position });
		for (const name of ["broadcast", ...session.notes.private ?? []])
			this.room(name);
		for (const type of ["log", "joined", "left", "presence", "typing", "acknowledged"])
			client.addEventListener(type, ({ detail }) => this[`on_${type}`](detail));
	}

	#emit(type, detail) {
		this.dispatchEvent(new CustomEvent(type, { detail }));
	}

	// The room of this name, in the list from now on; read up to where it was when the page was left, or else up to here.
	room(name, read = this.#floors.get(channelOf(name)) ?? START) {
		let room = this.all.get(name);
		if (room)
			return room;
		room = new Room(name, this.#session.user.name, this.#session.notes.read?.[name] ?? { ...read });
		this.all.set(name, room);
		this.#emit("list");
		return room;
	}

	// What to find again after a reload.
	get notes() {
		const rooms = [...this.all.values()];
		return {
			private: rooms.filter(({ kind }) => kind === "private").map(({ name }) => name),
			read: Object.fromEntries(rooms.map(({ name, read }) => [name, read])),
			positions: [...this.#client.positions],
		};
	}

	// Ask which groups there are, and which of them one is in; and with whom one has talked in private.
	async refresh() {
		const [groups] = await Promise.all([this.#session.groups(), this.#refreshConversations()]);
		this.#refreshing = null;
		this.joinable = groups.filter(({ member }) => !member);
		for (const group of groups.filter(({ member, room }) => member || this.all.has(room)))
			this.room(group.room).group = group;
		this.#emit("list");
	}

	// What was said elsewhere, or to nobody who listened, is not known to have been read: the last word is news if it is
	// the other's.
	async #refreshConversations(wait = LOOK_AGAIN) {
		const { items, archived } = await this.#session.conversations();
		for (const { room, last } of items)
			this.room(room, START).last = last;
		this.#emit("list");
		clearTimeout(this.#looking);
		if (this.#lacks(archived, "private"))
			this.#looking = setTimeout(() => this.#refreshConversations(Math.min(2 * wait, LONGEST_LOOK)).catch(() => {}), wait);
	}

	// The same where the server brings a change, often several at once.
	#refreshSoon() {
		this.#emit("list");
		this.#refreshing ??= setTimeout(() => this.refresh().catch(() => { this.#refreshing = null; }), 100);
	}

	// Have what is to be seen of a room there; listen to a group that one is not in, which may be open to all. Whether
	// it is, the history says, whose Problem this fails with.
	async enter(room) {
		if (room.kind === "group" && !this.#client.positions.has(room.name))
			await this.#client.join(room.name).catch(() => {});
		this.askWho(room);
		this.askMembers(room);
		await this.load(room);
	}

	// ---- The log of a room ----

	markRead(room) {
		const { last } = room.log;
		if (!last || order(last, room.read) <= 0)
			return;
		room.read = { epoch: last.epoch, seq: last.seq };
		this.#emit("list");
	}

	// Have the newest messages of a room there. Fails with a Problem.
	load(room) {
		if (!room.loaded)
			room.loading ??= this.#load(room).finally(() => { room.loading = null; });
		return room.loading;
	}

	// The same with one page of the past more.
	loadOlder(room) {
		if (room.older)
			room.loading ??= this.#page(room, room.older).finally(() => { room.loading = null; });
		return room.loading;
	}

	async #load(room) {
		this.#catchUp(room, await this.#page(room));
	}

	// Returns how far the archive had got.
	async #page(room, before) {
		const { log } = room;
		const { items, next, archived } = await this.#session.history({ room: room.name, before, limit: PAGE });
		if (room.log !== log)		// it has become another one meanwhile
			return this.#page(room);
		items.forEach((item) => log.add(item));
		room.older = next && log.start;
		room.loaded = true;
		this.#emit("loaded", room);
		return archived;
	}

	// Whether the archive, which has got that far, does not have all yet from before the connection began to listen.
	#lacks(archived, channel) {
		const floor = this.#floors.get(channel);
		return floor !== undefined && this.#client.state !== "ended" && order(place(archived), floor) < 0;
	}

	// The archive, which the history comes from, is a moment behind the log, or more. What is between its end and the
	// place where the connection began to listen is there for the asking; or else in the archive in the end.
	async #catchUp(room, archived) {
		const channel = channelOf(room.name);
		const { log } = room;
		for (let wait = LOOK_AGAIN; this.#lacks(archived, channel); wait = Math.min(2 * wait, LONGEST_LOOK)) {
			if (room.kind !== "private" && await this.#replay(channel, place(archived)))
				return;
			await later(wait);
			if (room.log !== log)
				return;
			archived = await this.#newer(room, archived);
		}
	}

	// Have what is behind this place come over the connection. Whether it does.
	async #replay(channel, { epoch, seq }) {
		const same = epoch === Number(this.#floors.get(channel).epoch);
		return Boolean((await this.#client.join(channel, same ? seq : 0).catch(() => null))?.recovered);
	}

	// Have what was archived since. Returns how far that is.
	async #newer(room, archived) {
		const page = await this.#session.history({ room: room.name, after: archived ?? "0-0", limit: PAGE }).catch(() => null);
		if (page?.items.map((item) => room.log.add(item)).some(Boolean))
			this.#emit("loaded", room);
		return page ? page.next ?? page.archived : archived;
	}

	search(room, q, before) {
		return this.#session.history({ room: room.name, q, before, limit: PAGE });
	}

	// ---- What comes over the connection ----

	on_log(event) {
		const room = this.room(event.room);
		const item = room.log.add(event);
		if (room.typing.has(event.from))
			this.#typed(room, event.from);
		if (!item)
			return;
		if (room.log.items.length > 2 * KEEP) {
			room.log.keep(KEEP);
			room.older = room.log.start;
			this.#emit("loaded", room);
		}
		this.#emit("log", { room, item });
		if (item.kind === "message")
			this.#emit("list");
	}

	// The acknowledgement of a message may come before the message: it has all there is to know about it.
	on_acknowledged({ entry, ack, epoch }) {
		if (entry.type === "message" && epoch)
			this.on_log({ ...entry.fields, type: "message", room: ack.room, epoch, seq: ack.seq, mid: entry.mid,
				from: this.#client.user, sent_at: ack.sent_at });
	}

	// A channel whose log has to be read anew: what we have of it may have a hole, or ends before we began to listen.
	on_joined({ channel, epoch, last_seq, anew, asked }) {
		const room = channel === "private" ? null : this.room(channel);
		if (room?.kind === "group" && !room.group)
			this.#refreshSoon();
		if (!anew)
			return;
		const before = this.#floors.get(channel);
		this.#floors.set(channel, { epoch, seq: last_seq });
		if (room && !before && order(room.read, START) === 0)
			room.read = { epoch, seq: last_seq };
		if (!before || !asked)
			this.#reload(channel);
	}

	// Also what came live before anybody looked at the room: the hole would be behind it.
	#reload(channel) {
		for (const room of this.all.values()) {
			if (channelOf(room.name) !== channel)
				continue;
			const known = room.loaded || room.log.last !== null;
			room.log = new Log();
			room.loaded = false;
			if (known)
				this.load(room).catch(() => {});
		}
	}

	on_left({ room: name, reason }) {
		const room = this.all.get(name);
		this.#floors.delete(name);
		if (!room)
			return;
		this.forget(room);
		this.#emit("left", { room, reason: room.leaving ? undefined : reason });
		this.#refreshSoon();
	}

	// Go away from a group, for good.
	async leave(room) {
		room.leaving = true;
		try {
			if (room.group?.member)
				await this.#session.removeMember(room.group.name, room.me);
			await this.#client.leave(room.name).catch(() => {});	// which the server may have done already
		} finally {
			room.leaving = false;
		}
	}

	// Have it in the list no longer.
	forget(room) {
		this.all.delete(room.name);
		this.#emit("list");
	}

	// ---- People ----

	async askMembers(room) {
		if (room.kind !== "group")
			return;
		room.members = (await this.#session.members(room.name.split(".")[1]).catch(() => room)).items ?? room.members;
		this.#emit("people", room);
	}

	async askWho(room) {
		const reply = await this.#client.request("who", { room: room.name }).catch(() => null);
		if (!reply)
			return;
		room.people = new Set(reply.users);
		this.#emit("people", room);
	}

	on_presence({ room: name, user, event }) {
		const room = this.all.get(name);
		if (!room)
			return;
		if (event === "join")
			room.people.add(user);
		else
			room.people.delete(user);
		this.#emit("people", room);
	}

	on_typing({ room: name, user }) {
		const room = this.room(name);
		clearTimeout(room.typing.get(user));
		room.typing.set(user, setTimeout(() => this.#typed(room, user), TYPING_TIME));
		this.#emit("typing", room);
	}

	#typed(room, user) {
		clearTimeout(room.typing.get(user));
		room.typing.delete(user);
		this.#emit("typing", room);
	}
}
