// SPDX-License-Identifier: ISC
//
// What was said in one room, in the order of its log, each message once, wherever it came from: live, as an
// acknowledgement, or out of the history. An edit or a deletion may come before the message it is about.

// Whether a is before (less than 0) or after b in the log: a new log has a higher epoch.
export function order(a, b) {
	return a.epoch - b.epoch || a.seq - b.seq;
}

function sameMinutes(a, b) {
	return Math.abs(new Date(a.sent_at) - new Date(b.sent_at)) < 5 * 60e3;
}

// Whether b reads as going on from a: the same author, soon after, on the same day.
export function goesOn(a, b) {
	return a?.kind === "message" && b.kind === "message" && a.from === b.from && sameMinutes(a, b) && sameDay(a, b);
}

export function sameDay(a, b) {
	return new Date(a.sent_at).toDateString() === new Date(b.sent_at).toDateString();
}

export class Log {
	items = [];		// { epoch, seq, kind, from, sent_at, body, edited, deleted, … } in order
	#changes = new Map();	// "epoch-seq" of a message → the last edit or deletion of it that came live

	// Take one in. Returns the item that is new, or was changed by it; null where it changes nothing here.
	add(event) {
		const kind = event.kind ?? event.type;
		if (kind === "edit" || kind === "delete")
			return this.#alter({ ...event, kind });
		const item = { ...event, kind, edited: Boolean(event.edited_at), deleted: Boolean(event.deleted) };
		const at = this.#place(item);
		if (this.items[at] && order(this.items[at], item) === 0)
			return null;
		this.items.splice(at, 0, item);
		this.#apply(item);
		return item;
	}

	find(epoch, seq) {
		const item = this.items[this.#place({ epoch, seq })];
		return item && order(item, { epoch, seq }) === 0 ? item : null;
	}

	get last() {
		return this.items[this.items.length - 1] ?? null;
	}

	// The place of the first item, as the history wants it: what is before it is there.
	get start() {
		return `${this.items[0].epoch}-${this.items[0].seq}`;
	}

	// Forget the oldest but so many.
	keep(count) {
		this.items.splice(0, Math.max(this.items.length - count, 0));
	}

	// How many items are before this one: nearly always all of them, so look from the end.
	#place(item) {
		let at = this.items.length;
		while (at > 0 && order(this.items[at - 1], item) >= 0)
			at--;
		return at;
	}

	#alter(change) {
		const key = `${change.epoch}-${change.target}`;
		const before = this.#changes.get(key);
		if (before && order(before, change) >= 0)
			return null;
		this.#changes.set(key, change);
		const item = this.find(change.epoch, change.target);
		return item && this.#apply(item);
	}

	#apply(item) {
		const change = this.#changes.get(`${item.epoch}-${item.seq}`);
		if (change?.kind === "delete")
			Object.assign(item, { deleted: true, body: null });
		else if (change)
			Object.assign(item, { edited: true, body: change.body });
		return item;
	}
}
