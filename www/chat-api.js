// SPDX-License-Identifier: ISC
//
// The chat's part of the API, and the session: who is logged in, with which token.
//
// The session lives in sessionStorage: it survives a reload, ends with the tab, so that nobody finds it on a machine
// that others use too, and lets two tabs be two people. localStorage would share what belongs to one page only: the
// messages that are not acknowledged yet.

import { sentence } from "./chat-client.js";

const SESSION = "cuaca.chat";
const SOON = 90e3;	// ms before a token ends that it is time for the next one

// An answer that is none: the problem in words, and its status (0: no server answered).
export class Problem extends Error {
	constructor(status, { title, detail } = {}) {
		super(sentence(detail || title || "The server does not answer."));
		this.status = status;
	}

	// The same token will not do.
	get final() {
		return this.status === 401 || this.status === 403;
	}
}

async function answer(method, path, headers, body) {
	let response;
	try {
		response = await fetch(path, { method, headers, body, cache: "no-store" });
	} catch {
		throw new Problem(0);
	}
	const json = response.headers.get("Content-Type")?.includes("json") ? await response.json().catch(() => ({})) : {};
	if (!response.ok)
		throw new Problem(response.status, json);
	return json;
}

function query(parameters) {
	const given = Object.entries(parameters).filter(([, value]) => value !== undefined && value !== null && value !== "");
	return given.length > 0 ? `?${new URLSearchParams(given)}` : "";
}

export class Session {
	#data;
	#renewal = null;
	#ended = false;

	// The one of this tab, or null.
	static restore() {
		try {
			const data = JSON.parse(sessionStorage.getItem(SESSION));
			return data && Date.parse(data.expires_at) > Date.now() ? new Session(data) : null;
		} catch {
			return null;
		}
	}

	// kind: "guest", "login" or "register".
	static async begin(kind, name, password) {
		const body = kind === "guest" ? { nickname: name } : { username: name, password };
		const data = await answer("POST", `api/auth/${kind}`, { "Content-Type": "application/json" }, JSON.stringify(body));
		const session = new Session(data);
		session.#save();
		return session;
	}

	constructor(data) {
		this.#data = data;
	}

	get user() {
		return this.#data.user;
	}

	// What a page wants to find again after a reload.
	get notes() {
		return this.#data.notes ?? {};
	}

	note(notes) {
		this.#data.notes = { ...this.notes, ...notes };
		this.#save();
	}

	#save() {
		if (!this.#ended)
			sessionStorage.setItem(SESSION, JSON.stringify(this.#data));
	}

	// A token that is good for a while yet; a new one if that is asked for.
	async token(renew = false) {
		if (renew || Date.parse(this.#data.expires_at) - Date.now() < SOON)
			await (this.#renewal ??= this.#renew().finally(() => { this.#renewal = null; }));
		return this.#data.token;
	}

	async #renew() {
		const { token, expires_at } = await this.call("POST", "api/auth/refresh");
		Object.assign(this.#data, { token, expires_at });
		this.#save();
	}

	// Forget it here, and have the server take the token back.
	async end() {
		this.#ended = true;
		sessionStorage.removeItem(SESSION);
		await this.call("POST", "api/auth/logout").catch(() => {});	// it expires anyway
	}

	call(method, path, { parameters = {}, body } = {}) {
		const headers = { Accept: "application/json", Authorization: `Bearer ${this.#data.token}` };
		if (body)
			headers["Content-Type"] = "application/json";
		return answer(method, path + query(parameters), headers, body && JSON.stringify(body));
	}

	// All groups that one is in or may join.
	async groups() {
		const items = [];
		let after;
		do {
			const page = await this.call("GET", "api/chat/rooms", { parameters: { after } });
			items.push(...page.items);
			after = page.next;
		} while (after);
		return items;
	}

	// The newest of one's private conversations.
	conversations() {
		return this.call("GET", "api/chat/conversations", { parameters: { limit: 100 } });
	}

	create(name, title, isPublic) {
		return this.call("POST", "api/chat/rooms", { body: { name, title: title || name, public: isPublic } });
	}

	members(group) {
		return this.call("GET", `api/chat/rooms/${group}/members`, { parameters: { limit: 500 } });
	}

	addMember(group, username) {
		return this.call("POST", `api/chat/rooms/${group}/members`, { body: { username } });
	}

	removeMember(group, username) {
		return this.call("DELETE", `api/chat/rooms/${group}/members`, { parameters: { username } });
	}

	remove(group) {
		return this.call("DELETE", `api/chat/rooms/${group}`);
	}

	history(parameters) {
		return this.call("GET", "api/chat/history", { parameters });
	}
}
