// SPDX-License-Identifier: ISC
//
// What was said, as elements of a page. Names and messages get there as text only: nothing that somebody writes is
// ever read as HTML.

import { goesOn, sameDay } from "./chat-log.js";

const NEAR = 60;	// px from the end of the log that count as being there

export function element(name, attributes = {}, ...children) {
	const e = document.createElement(name);
	for (const [key, value] of Object.entries(attributes)) {
		if (key.startsWith("on"))
			e.addEventListener(key.slice(2), value);
		else if (value !== null && value !== false)
			e.setAttribute(key, value === true ? "" : value);
	}
	e.append(...children);
	return e;
}

const clock = new Intl.DateTimeFormat([], { hour: "2-digit", minute: "2-digit" });
const day = new Intl.DateTimeFormat([], { weekday: "long", day: "numeric", month: "long", year: "numeric" });
const moment = new Intl.DateTimeFormat([], { dateStyle: "medium", timeStyle: "short" });

function time(at, format = clock) {
	const date = new Date(at);
	return element("time", { datetime: date.toISOString(), title: moment.format(date) }, format.format(date));
}

// A colour of their own for everyone, always the same.
function hue(name) {
	let sum = 7;
	for (const c of name)
		sum = (sum * 31 + c.codePointAt(0)) % 360;
	return sum;
}

export function author(name) {
	const e = element("span", { class: "author" }, name);
	e.style.setProperty("--hue", hue(name));
	return e;
}

function initial(name) {
	const e = element("span", { class: "face", "aria-hidden": "true" }, name[0].toUpperCase());
	e.style.setProperty("--hue", hue(name));
	return e;
}

function body(item) {
	if (item.deleted)
		return element("p", { class: "body quiet" }, "This message was deleted.");
	const p = element("p", { class: "body", dir: "auto" }, item.body);
	if (item.edited)
		p.append(" ", element("span", { class: "quiet" }, "(edited)"));
	return p;
}

function notice(item) {
	const until = item.until ? ` until ${moment.format(new Date(item.until))}` : "";
	const words = {
		mute: `muted ${item.user}${until}`, unmute: `lets ${item.user} speak again`,
		ban: `banned ${item.user}${until}`, unban: `lets ${item.user} in again`,
	};
	return element("li", { class: "notice" }, `${item.from} ${words[item.kind] ?? item.kind}${item.site ? ", everywhere" : ""} `,
		time(item.sent_at));
}

function message(item, before, actions) {
	const li = element("li", { class: goesOn(before, item) ? "message goes-on" : "message", "data-place": `${item.epoch}-${item.seq}` },
		initial(item.from), element("p", { class: "head" }, author(item.from), " ", time(item.sent_at)), body(item));
	if (actions.length > 0 && !item.deleted) {
		li.append(element("p", { class: "actions" }, ...actions));
		li.tabIndex = -1;	// so that a touch shows them
	}
	return li;
}

// A message that was found, out of its context.
export function foundItem(item) {
	return element("li", { class: "message" }, initial(item.from),
		element("p", { class: "head" }, author(item.from), " ", time(item.sent_at, moment)), body(item));
}

// A message that has not been acknowledged yet, or was refused, and why.
export function waitingItem({ fields }, why, again, drop) {
	const li = element("li", { class: why ? "message refused" : "message" },
		element("p", { class: "body", dir: "auto" }, fields.body), element("p", { class: "head" }, why ? `Not sent: ${why}` : "Sending…"));
	if (why)
		li.append(element("p", { class: "actions" }, element("button", { type: "button", onclick: again }, "Try again"),
			element("button", { type: "button", onclick: drop }, "Drop it")));
	return li;
}

// The log of the room that is open, in an element that scrolls. actionsOf(item) makes the buttons of a message.
export class LogView {
	#scroll;
	#list;
	#actionsOf;
	#room = null;
	#atEnd = true;

	constructor(scroll, list, actionsOf) {
		this.#scroll = scroll;
		this.#list = list;
		this.#actionsOf = actionsOf;
		scroll.addEventListener("scroll", () => { this.#atEnd = this.#distance() < NEAR; });
		new ResizeObserver(() => this.stick()).observe(scroll);
	}

	get atEnd() {
		return this.#atEnd;
	}

	#distance() {
		return this.#scroll.scrollHeight - this.#scroll.scrollTop - this.#scroll.clientHeight;
	}

	// Stay at the end, if that is where one was.
	stick() {
		if (this.#atEnd)
			this.toEnd();
	}

	toEnd() {
		this.#atEnd = true;
		this.#scroll.scrollTop = this.#scroll.scrollHeight;
	}

	// Show a room from its end, or the same one anew without a jump. Nobody wants all of that read out.
	show(room) {
		const same = room === this.#room;
		const distance = this.#distance();
		this.#room = room;
		this.#list.parentElement.ariaLive = "off";
		this.#list.replaceChildren(...room.log.items.flatMap((item, i) => this.#make(item, room.log.items[i - 1])));
		setTimeout(() => { this.#list.parentElement.ariaLive = "polite"; }, 500);
		if (!same || this.#atEnd)
			this.toEnd();
		else
			this.#scroll.scrollTop = this.#scroll.scrollHeight - this.#scroll.clientHeight - distance;
	}

	// An item is new, or has changed.
	update(item) {
		const { items } = this.#room.log;
		const old = this.#list.querySelector(`[data-place="${item.epoch}-${item.seq}"]`);
		const before = items[items.indexOf(item) - 1];
		if (old)
			old.replaceWith(this.#make(item, before).at(-1));
		else if (item === items.at(-1))
			this.#list.append(...this.#make(item, before));
		else
			this.show(this.#room);
		this.stick();
	}

	#make(item, before) {
		const made = item.kind === "message" ? message(item, before, this.#actionsOf(item)) : notice(item);
		if (before && sameDay(before, item))
			return [made];
		return [element("li", { class: "day" }, time(item.sent_at, day)), made];
	}
}
