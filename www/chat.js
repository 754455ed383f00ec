// SPDX-License-Identifier: ISC
//
// The page at /chat.html: coming in, the list of rooms, the room that is open. Which one that is stands in the address
// (#group.developers), so that "back" works. What the protocol, the API and the logs are about is in the modules.

import { ChatClient, sentence } from "./chat-client.js";
import { Session } from "./chat-api.js";
import { Rooms, privateRoom } from "./chat-rooms.js";
import { LogView, author, element, foundItem, waitingItem } from "./chat-view.js";
import { ask } from "./chat-dialog.js";

const $ = (id) => document.getElementById(id);
const TYPING_EVERY = 3e3;	// ms between two notices that we write
const WHO_EVERY = 30e3;		// ms: of everyone who is there, comings and goings are not told
const LIST_EVERY = 50;		// ms: many messages at once change the list of rooms once
const NAME = { minlength: 3, maxlength: 32, pattern: "[a-z0-9_\\-]{3,32}", autocapitalize: "none", spellcheck: "false", required: true };

let session, client, rooms, view;
let open = null;		// the room that is open
let editing = null;		// the message that the composer changes
let typedAt = 0;
let refused = [];		// { entry, why }: messages that were not taken
let whoTimer, listTimer;

function say(text) {
	$("notice").textContent = text;
	$("notice").hidden = false;
	clearTimeout(say.timer);
	say.timer = setTimeout(() => { $("notice").hidden = true; }, 8e3);
}

// Do something that may fail, and say so.
async function attempt(action) {
	try {
		return await action();
	} catch (error) {
		say(error.message);
		return null;
	}
}

// ---- Coming in and leaving ----

const kinds = {
	guest: { text: "The name is yours for some hours. No password, no groups of your own.", autocomplete: "off" },
	login: { text: "", autocomplete: "current-password" },
	register: { text: "Choose a password of at least 8 characters.", autocomplete: "new-password" },
};

function showKind() {
	const kind = new FormData($("enter-form")).get("kind");
	$("password-label").hidden = $("password").disabled = kind === "guest";
	$("password").required = kind !== "guest";
	$("password").minLength = kind === "register" ? 8 : 0;
	$("password").autocomplete = kinds[kind].autocomplete;
	$("kind-hint").textContent = kinds[kind].text;
	$("enter-error").textContent = "";
}

function showEnter(message = "") {
	$("enter").hidden = false;
	$("talk").hidden = $("me").hidden = true;
	document.body.classList.remove("inside");
	document.title = "Chat · Cuaca";
	showKind();
	$("enter-error").textContent = message;
}

$("enter-form").addEventListener("change", showKind);
$("name").addEventListener("input", () => { $("name").value = $("name").value.toLowerCase(); });
$("enter-form").addEventListener("submit", async (event) => {
	event.preventDefault();
	const button = $("enter-form").querySelector("button");
	button.disabled = true;
	try {
		session = await Session.begin(new FormData($("enter-form")).get("kind"), $("name").value, $("password").value);
		$("password").value = "";
		begin();
	} catch (error) {
		$("enter-error").textContent = error.message;
	} finally {
		button.disabled = false;
	}
});

function begin() {
	const { outbox = [], positions = [] } = session.notes;
	refused = session.notes.refused ?? [];
	client = new ChatClient({
		url: new URL("ws", location.href).href.replace(/^http/, "ws"),
		token: (renew) => session.token(renew), outbox, positions,
	});
	rooms = new Rooms(session, client);
	listen();
	$("my-name").replaceChildren(author(session.user.name));
	$("new-group").hidden = session.user.guest;
	$("enter").hidden = true;
	$("talk").hidden = $("me").hidden = false;
	document.body.classList.add("inside");
	whoTimer = setInterval(() => open && !document.hidden && rooms.askWho(open), WHO_EVERY);
	attempt(() => rooms.refresh());
	client.start();
	follow();
}

// The session is over: nothing of it stays.
function end(message) {
	clearInterval(whoTimer);
	client.stop();
	const old = session;
	session = client = rooms = open = editing = null;
	$("log").replaceChildren();
	$("waiting").replaceChildren();
	$("body").value = "";
	$("connection").hidden = $("try-now").hidden = true;
	history.replaceState(null, "", location.pathname);
	showEnter(message);
	return old.end();
}

$("log-out").addEventListener("click", () => end());

// What a reload is to find again. What is not acknowledged is noted at once, the rest when the page goes.
function note() {
	if (session)
		session.note({ ...rooms.notes, refused });
}
addEventListener("pagehide", note);
document.addEventListener("visibilitychange", () => {
	if (document.hidden)
		return note();
	client?.retry();
	seen();
});
addEventListener("online", () => client?.retry());

// ---- What the connection and the rooms have to say ----

function listen() {
	const on = (target, type, action) => target.addEventListener(type, ({ detail }) => rooms && action(detail));
	on(client, "state", (state) => {
		showConnection();
		if (state !== "online")
			return;
		rooms.refresh().then(() => open?.loaded && showLog(), () => {});	// what one may do with a message may be more now
		if (open)
			fill(open);
	});
	on(client, "ended", ({ message }) => end(`You were logged out. ${sentence(message)}`));
	on(client, "outbox", (outbox) => {
		session.note({ outbox });
		showWaiting();
	});
	on(client, "refused", ({ entry, error }) => {
		if (entry.type === "message")
			refused.push({ entry, why: error.message });
		else
			say(error.message);
	});
	on(rooms, "list", () => { listTimer ??= setTimeout(showList, LIST_EVERY); });
	on(rooms, "loaded", (room) => room === open && showLog());
	on(rooms, "log", ({ room, item }) => {
		if (room !== open)
			return;
		$("nothing").hidden = true;
		view.update(item);
		if (refused.length > 0)
			showWaiting();
		$("newest").hidden = view.atEnd;
		seen();
	});
	on(rooms, "people", (room) => room === open && showPeople());
	on(rooms, "typing", (room) => room === open && showTyping());
	on(rooms, "left", ({ room, reason }) => {
		if (reason && !(reason === "deleted" && room.owned))
			say({ removed: `You were removed from ${room.title}.`, deleted: `${room.title} was deleted.`,
				banned: `You were banned from ${room.title}.` }[reason]);
		if (room === open)
			location.hash = "";
	});
}

function showConnection() {
	$("connection").textContent = { online: "Online", connecting: "Connecting…", waiting: "Offline" }[client.state];
	$("connection").dataset.state = client.state;
	$("connection").hidden = false;
	$("try-now").hidden = client.state !== "waiting";
}

$("try-now").addEventListener("click", () => client.retry());

// ---- The list of rooms ----

function roomLink(room) {
	const { news } = room;
	const link = element("a", { href: `#${room.name}`, "aria-current": room === open ? "page" : null, class: news > 0 ? "news" : null },
		element("span", {}, room.title));
	if (news > 0)
		link.append(element("span", { class: "badge", "aria-label": `${news} new` }, news > 99 ? "99+" : String(news)));
	return element("li", {}, link);
}

function joinButton(group) {
	return element("li", {}, element("button", { type: "button", class: "join", title: `Join ${group.title}`, onclick: () => joinGroup(group) },
		element("span", {}, group.title), element("span", { class: "quiet" }, "Join")));
}

function section(title, items) {
	return items.length > 0 ? [element("h2", {}, title), element("ul", {}, ...items)] : [];
}

function showList() {
	clearTimeout(listTimer);
	listTimer = null;
	if (!rooms)
		return;
	const of = (kind) => [...rooms.all.values()].filter((room) => room.kind === kind).sort((a, b) => a.title.localeCompare(b.title));
	const focused = document.activeElement?.closest("#room-list")?.querySelector(":focus")?.getAttribute("href");
	$("room-list").replaceChildren(...section("Room", of("broadcast").map(roomLink)), ...section("Groups", of("group").map(roomLink)),
		...section("Private", of("private").map(roomLink)), ...section("Open to all", rooms.joinable.map(joinButton)));
	if (focused)
		$("room-list").querySelector(`[href="${CSS.escape(focused)}"]`)?.focus();
	const news = [...rooms.all.values()].reduce((sum, room) => sum + room.news, 0);
	$("room-title").textContent = open?.title ?? "";
	document.title = `${news > 0 ? `(${news}) ` : ""}${open ? `${open.title} · ` : ""}Chat · Cuaca`;
}

async function joinGroup(group) {
	await attempt(async () => {
		await session.addMember(group.name, session.user.name);
		await rooms.refresh();
		location.hash = group.room;
	});
}

function writeTo(name) {
	location.hash = privateRoom(session.user.name, name);
}

$("write-to").addEventListener("click", () => ask({
	title: "Write to somebody", text: "Only the two of you can read it.", ok: "Write",
	fields: [{ name: "name", label: "Their name", ...NAME }],
	act: async ({ name }) => {
		if (name === session.user.name)
			throw new Error("That is you.");
		await client.join(`private.${name}`);	// refused where there is nobody of that name
		writeTo(name);
	},
}));

$("new-group").addEventListener("click", () => ask({
	title: "A new group", ok: "Create",
	fields: [{ name: "name", label: "Name (a–z, 0–9, _ and -)", ...NAME }, { name: "title", label: "Title", maxlength: 100 },
		{ name: "open", label: "Anybody may join", type: "checkbox" }],
	act: async ({ name, title, open: isPublic }) => {
		const group = await session.create(name, title, isPublic);
		await rooms.refresh();
		location.hash = group.room;
	},
}));

// ---- The room that is open ----

function follow() {
	if (!rooms)
		return;
	const name = decodeURIComponent(location.hash.slice(1));
	const known = rooms.all.has(name) || /^(group\.[a-z0-9_-]{3,32}|private\.[a-z0-9_-]{3,32}\.[a-z0-9_-]{3,32})$/.test(name);
	const wide = matchMedia("(min-width: 48rem)").matches;
	if (open)
		open.draft = editing ? "" : $("body").value;
	show(known ? rooms.room(name) : wide ? rooms.room("broadcast") : null);
}
addEventListener("hashchange", follow);

function show(room) {
	open = room;
	document.body.classList.toggle("in-room", Boolean(room));
	endEdit();
	endSearch();
	showList();
	if (!room)
		return;
	$("body").value = room.draft;
	fit();
	togglePeople(matchMedia("(min-width: 64rem)").matches && room.kind !== "private");
	showPeople();
	showTyping();
	showLog();
	fill(room);
	if (matchMedia("(hover: hover)").matches)
		$("body").focus();
}

// Get what is to be seen of a room.
async function fill(room) {
	try {
		await rooms.enter(room);
	} catch (error) {
		if (!rooms)
			return;
		say(error.message);
		if (![400, 403, 404].includes(error.status))
			return;
		rooms.forget(room);	// there is none, or it is not for us
		if (room === open)
			location.hash = "";
	}
}

function showLog() {
	view.show(open);
	$("older").hidden = !open.older;
	$("nothing").hidden = !open.loaded || open.log.items.length > 0;
	$("nothing").textContent = "Nothing has been said here yet.";
	showWaiting();
	seen();
	setTimeout(() => !view.atEnd && nearStart());	// it may have been scrolled there while this was on its way
}

// What is before one's eyes has been read.
function seen() {
	$("newest").hidden = !open || view.atEnd;
	if (open?.loaded && view.atEnd && !document.hidden && $("look").hidden && rooms)
		rooms.markRead(open);
}

function showWaiting() {
	const mine = (entry) => entry.type === "message" && entry.fields.room === open?.name;
	const stored = ({ entry }) => mine(entry) && open.log.items.some(({ from, mid }) => from === session.user.name && mid === entry.mid);
	const again = (failed) => () => {
		refused = refused.filter((other) => other !== failed);
		client.publish("message", failed.entry.fields);
	};
	const drop = (failed) => () => {
		refused = refused.filter((other) => other !== failed);
		showWaiting();
	};
	refused = refused.filter((failed) => !stored(failed));	// the log has it: only the acknowledgement was lost
	$("waiting").replaceChildren(
		...refused.filter(({ entry }) => mine(entry)).map((failed) => waitingItem(failed.entry, failed.why, again(failed), drop(failed))),
		...client.outbox.filter(mine).map((entry) => waitingItem(entry)));
	view.stick();
}

$("scroll").addEventListener("scroll", () => {
	seen();
	nearStart();
});
$("older").addEventListener("click", () => older());
$("newest").addEventListener("click", () => {
	view.toEnd();
	seen();
});

function nearStart() {
	if ($("scroll").scrollTop < 200)
		older();
}

function older() {
	if (open?.older && !open.loading)
		attempt(() => rooms.loadOlder(open));
}

// ---- People ----

function togglePeople(visible = !document.body.classList.contains("with-people")) {
	document.body.classList.toggle("with-people", visible);
	$("show-people").setAttribute("aria-expanded", String(visible));
}
$("show-people").addEventListener("click", () => togglePeople());

function person(name) {
	const room = open;
	const me = name === session.user.name;
	const here = room.people.has(name);
	const notes = [me && "(you)", room.group?.owner === name && "(owner)"].filter(Boolean);
	const who = element("span", {}, me ? author(name)
		: element("button", { type: "button", class: "name", title: `Write to ${name}`, onclick: () => writeTo(name) }, author(name)),
		element("span", { class: "quiet" }, ["", ...notes].join(" ")), element("span", { class: "hidden" }, here ? "" : " is not here"));
	const li = element("li", { class: here ? "here" : null }, who);
	if (room.owned && !me && room.members.some(({ username }) => username === name))
		li.append(element("button", { type: "button", class: "small", onclick: () => removeMember(room, name) }, "Remove"));
	return li;
}

function removeMember(room, name) {
	return ask({
		title: `Remove ${name} from ${room.title}?`, ok: "Remove",
		act: async () => {
			await session.removeMember(room.group.name, name);
			rooms.askMembers(room);
		},
	});
}

function showPeople() {
	const here = [...open.people].sort();
	const away = open.members.map(({ username }) => username).filter((name) => !open.people.has(name)).sort();
	const others = { broadcast: "All who are here can read this", group: open.group?.public ? "Open to all" : "Members only" };
	$("show-people").hidden = open.kind === "private";
	$("count").textContent = `${here.length} here`;
	$("room-note").textContent = open.other === null ? others[open.kind] ?? ""
		: open.people.has(open.other) ? "Is here now" : "Is not here at the moment, and will find it later";
	$("people-list").replaceChildren(...[...here, ...away].map(person));
	$("group-tools").hidden = !open.owned;
	$("leave-group").hidden = open.kind !== "group" || open.owned;
}

function showTyping() {
	const names = [...open.typing.keys()].filter((name) => name !== session.user.name);
	$("typing").textContent = names.length === 0 ? "" : names.length > 3 ? "Several people are writing…"
		: `${new Intl.ListFormat("en").format(names)} ${names.length > 1 ? "are" : "is"} writing…`;
}

$("add-member").addEventListener("click", () => ask({
	title: `Add a member to ${open.title}`, ok: "Add", fields: [{ name: "name", label: "Their name", ...NAME }],
	act: async ({ name }) => {
		await session.addMember(open.group.name, name);
		rooms.askMembers(open);
	},
}));
$("delete-group").addEventListener("click", () => ask({
	title: `Delete ${open.title}?`, text: "For everybody, for good: nobody can make a group of this name again.", ok: "Delete",
	act: () => session.remove(open.group.name),
}));
$("leave-group").addEventListener("click", () => ask({
	title: `Leave ${open.title}?`, ok: "Leave", act: () => rooms.leave(open),
}));

// ---- Search ----

let searched = { room: null, q: "", next: null };

function endSearch() {
	$("look").hidden = $("matches").hidden = true;
	$("scroll").hidden = $("composer").hidden = false;
	$("show-search").setAttribute("aria-expanded", "false");
}

async function search(q, before) {
	const room = open;
	const page = await attempt(() => rooms.search(room, q, before));
	if (!page || room !== open || $("look").hidden)
		return;
	searched = { room, q, next: page.next };
	const items = page.items.map(foundItem);
	if (before)
		$("results").append(...items);
	else
		$("results").replaceChildren(...items);
	$("results-note").textContent = $("results").children.length === 0 ? `Nothing with “${q}” was found.` : "";
	$("more-results").hidden = !page.next;
	$("matches").hidden = false;
	$("scroll").hidden = $("composer").hidden = $("newest").hidden = true;
}

$("show-search").addEventListener("click", () => {
	if (!$("look").hidden)
		return endSearch();
	$("look").hidden = false;
	$("show-search").setAttribute("aria-expanded", "true");
	$("q").focus();
	$("q").select();
});
$("end-search").addEventListener("click", () => {
	endSearch();
	$("show-search").focus();
});
$("look").addEventListener("submit", (event) => {
	event.preventDefault();
	if ($("q").value.trim())
		search($("q").value.trim());
});
$("more-results").addEventListener("click", () => search(searched.q, searched.next));

// ---- Writing ----

// As high as what is written, up to what the style allows.
function fit() {
	$("body").style.height = "auto";
	$("body").style.height = `${$("body").scrollHeight + 2}px`;
}

function edit(item) {
	editing = item;
	$("composer-note").firstElementChild.textContent = "Change what you wrote";
	$("composer-note").hidden = false;
	$("body").value = item.body;
	fit();
	$("body").focus();
}

function endEdit() {
	if (!editing)
		return;
	editing = null;
	$("composer-note").hidden = true;
	$("body").value = "";
	fit();
}

function remove(item) {
	return ask({ title: "Delete this message?", text: item.body.slice(0, 200), ok: "Delete",
		act: () => client.publish("delete", { room: item.room, seq: item.seq }) });
}

const SANCTIONS = [["mute", "May not write here"], ["unmute", "May write here again"], ["ban", "May not be here"], ["unban", "May be here again"]];
const MINUTES = [["60", "For an hour"], ["1440", "For a day"], ["10080", "For a week"], ["", "Without end"]];

// Mute or ban whoever wrote this, or take that back; admins do so for the whole site, too.
function moderate(room, name) {
	return ask({
		title: `Moderate ${name}`, text: "Everybody in the room will see it.", ok: "Do it",
		fields: [{ name: "type", label: "What", options: SANCTIONS }, { name: "minutes", label: "How long", options: MINUTES },
			...room.kind === "broadcast" ? [{ name: "site", label: "Everywhere", type: "checkbox" }] : []],
		act: ({ type, minutes, site }) => client.publish(type, { room: room.name, user: name, site,
			minutes: type.startsWith("un") || !minutes ? undefined : Number(minutes) }),
	});
}

function actionsOf(item) {
	const room = open;
	const mine = item.from === session.user.name;
	const moderates = room.owned || (client.admin && room.kind !== "private");
	const button = (text, onclick) => element("button", { type: "button", onclick }, text);
	return [
		...mine ? [button("Edit", () => edit(item))] : [],
		...mine || moderates ? [button("Delete", () => remove(item))] : [],
		...!mine && moderates ? [button("Moderate", () => moderate(room, item.from))] : [],
	];
}

function send() {
	const body = $("body").value.trim();
	if (!body || !open)
		return;
	if (editing)
		client.publish("edit", { room: open.name, seq: editing.seq, body });
	else
		client.publish("message", { room: open.name, body });
	endEdit();
	$("body").value = open.draft = "";
	typedAt = 0;
	fit();
	view.toEnd();
}

$("composer").addEventListener("submit", (event) => {
	event.preventDefault();
	send();
	$("body").focus();
});
$("composer-note").lastElementChild.addEventListener("click", endEdit);
$("body").addEventListener("input", () => {
	fit();
	if (open && !editing && $("body").value.trim() && Date.now() - typedAt > TYPING_EVERY) {
		typedAt = Date.now();
		client.tell("typing", { room: open.name });
	}
});
$("body").addEventListener("keydown", (event) => {
	const touch = matchMedia("(hover: none)").matches;	// a line's end is what Enter is for on a phone
	if (event.key === "Enter" && !event.shiftKey && !event.isComposing && !touch) {
		event.preventDefault();
		send();
	} else if (event.key === "Escape") {
		endEdit();
	} else if (event.key === "ArrowUp" && !$("body").value && open) {
		const mine = open.log.items.findLast((item) => item.kind === "message" && item.from === session.user.name && !item.deleted);
		if (mine) {
			event.preventDefault();
			edit(mine);
		}
	}
});

view = new LogView($("scroll"), $("log"), actionsOf);
session = Session.restore();
if (session)
	begin();
else
	showEnter();
