// SPDX-License-Identifier: ISC
//
// The protocol client alone, in a page that has nothing else, with a clock and a server that do what they are told.

import { join } from "node:path";
import { end, is, ok, person, test, until } from "./browser.mjs";

const [www] = process.argv.slice(2);
const EPOCH = "1763863200123";
const rooms = (seq, recovered = true) => [{ room: "broadcast", last_seq: 0, recovered: true },
	{ room: "group.x", last_seq: seq, recovered }, { room: "private", last_seq: 0, recovered: true }];

// What stands at the other end: the connections that were made, and what came over each.
class Server {
	connections = [];

	take(socket) {
		const connection = { lines: [], closed: false, say: (line) => socket.send(JSON.stringify(line)), hangUp: () => socket.close() };
		socket.onMessage((text) => connection.lines.push(JSON.parse(text)));
		socket.onClose(() => { connection.closed = true; });
		this.connections.push(connection);
	}

	// The n-th connection.
	async connection(n) {
		return await until(() => this.connections[n - 1]);
	}
}

// The n-th line of this type on a connection; null if it doesn't come.
async function line(connection, type, n = 1, patience) {
	return await until(() => connection.lines.filter((l) => l.type === type)[n - 1], patience) ?? null;
}

async function welcome(connection, reply = {}) {
	const { id } = await line(connection, "connect");
	connection.say({ id, type: "connected", conn: "0123456789abcdef", user: "alice", ping: 25, epoch: EPOCH, rooms: rooms(40), ...reply });
}

// A page with a client that records its events as "seen".
async function start(options = {}) {
	const server = new Server();
	const page = await person("alice");
	await page.clock.install();
	await page.route("http://chat.test/**", (route) => {
		const { pathname } = new URL(route.request().url());
		return pathname === "/" ? route.fulfill({ contentType: "text/html", body: "<!doctype html><title>x</title>" })
			: route.fulfill({ path: join(www, pathname) });
	});
	await page.routeWebSocket("ws://chat.test/ws", (socket) => server.take(socket));
	await page.goto("http://chat.test/");
	await page.clock.pauseAt(Date.now() + 60e3);
	await page.evaluate(async (given) => {
		const { ChatClient } = await import("/chat-client.js");
		window.seen = [];
		window.tokens = 0;
		window.client = new ChatClient({ url: "ws://chat.test/ws", token: async (renew) => (renew ? `t${++window.tokens}` : `t${window.tokens}`), ...given });
		for (const type of ["state", "log", "joined", "left", "outbox", "acknowledged", "refused", "ended"])
			client.addEventListener(type, ({ detail }) => seen.push({ type, detail: type === "refused" ? detail.error.code : detail }));
		client.start();
	}, options);
	const seen = (type) => page.evaluate((wanted) => window.seen.filter((e) => e.type === wanted).map((e) => e.detail), type);
	const pass = (ms) => page.clock.runFor(ms);
	const wait = async () => {	// until the next attempt to connect is due; how long that was
		await until(() => page.evaluate(() => client.state === "waiting"));
		const ms = await page.evaluate(() => client.retryAt - Date.now());
		await pass(Math.ceil(ms));
		return ms;
	};
	return { server, page, seen, pass, wait, online: () => until(() => page.evaluate(() => client.state === "online")) };
}

const say = (page, body) => page.evaluate((text) => client.publish("message", { room: "group.x", body: text }), body);
const message = (seq, fields = {}) => ({ type: "message", room: "group.x", seq, prev: seq - 1, from: "bob", body: `m${seq}`, mid: `b${seq}`,
	sent_at: "2026-11-23T02:00:00.123Z", ...fields });

await test("a message is sent until it is acknowledged", async () => {
	const { server, page, seen, wait, online } = await start();
	const first = await server.connection(1);
	await welcome(first);
	await online();
	await say(page, "one");
	await say(page, "two");
	const sent = await line(first, "message");
	is(sent.body, "one", "a message is sent");
	ok(/^[!-~]{1,64}$/.test(sent.mid), "with an id of its own");
	first.hangUp();
	await wait();
	const second = await server.connection(2);
	await welcome(second);
	const again = await line(second, "message");
	is([again.mid, again.body], [sent.mid, "one"], "not acknowledged, it is sent again under the same id");
	is(await line(second, "message", 2, 200), null, "what came later waits for it");
	second.say({ id: again.id, type: "ack", room: "group.x", seq: 41, duplicate: true, sent_at: "2026-11-23T02:00:00.123Z" });
	const two = await line(second, "message", 2);
	is(two.body, "two", "and goes after it");
	second.say(message(42, { from: "alice", mid: two.mid, body: "two" }));
	await until(async () => (await seen("acknowledged")).length === 2);
	is((await seen("outbox")).at(-1), [], "to see it in the log is as good as to have it acknowledged");
	second.say({ id: two.id, type: "ack", room: "group.x", seq: 42, duplicate: false, sent_at: "2026-11-23T02:00:00.123Z" });
	await say(page, "three");
	is((await line(second, "message", 3)).body, "three", "and the acknowledgement that comes then does no harm");
	await page.context().close();
});

await test("what is refused, and what may be sent again", async () => {
	const { server, page, seen, pass, online } = await start({ outbox: [{ type: "message", fields: { room: "group.x", body: "old" }, mid: "m-old", since: 0 }] });
	const connection = await server.connection(1);
	await welcome(connection);
	await online();
	is(await seen("refused"), ["expired"], "what is too old is not sent: the server would not know it again");
	await say(page, "fast");
	const fast = await line(connection, "message");
	connection.say({ id: fast.id, type: "error", code: "rate_limited", message: "too fast", retry_after_ms: 700 });
	is(await line(connection, "message", 2, 200), null, "a server that is busy is left alone");
	await pass(800);
	const retried = await line(connection, "message", 2);
	is(retried.mid, fast.mid, "and asked again, under the same id");
	connection.say({ id: retried.id, type: "error", code: "muted", message: "you are muted" });
	await until(async () => (await seen("refused")).length === 2);
	is((await seen("outbox")).at(-1), [], "what is refused is not tried again");
	await page.context().close();
});

await test("positions", async () => {
	const { server, page, seen, wait, online } = await start();
	const first = await server.connection(1);
	is((await line(first, "connect")).resume, [], "at first there is nothing to resume");
	await welcome(first);
	await online();
	first.say(message(41));
	first.say(message(43));
	first.say({ ...message(44), room: "private.alice.bob" });
	await until(async () => (await seen("log")).length === 3);
	first.hangUp();
	await wait();
	const second = await server.connection(2);
	const connect = await line(second, "connect");
	is(connect.resume, [{ room: "broadcast", epoch: EPOCH, seq: 0 }, { room: "group.x", epoch: EPOCH, seq: 43 },
		{ room: "private", epoch: EPOCH, seq: 44 }], "each room is resumed where we were, the private ones as one");
	is(connect.conn, "0123456789abcdef", "and the server told which connection this replaces");
	await welcome(second, { rooms: rooms(50) });
	await online();
	is((await seen("joined")).slice(3).map(({ anew }) => anew), [false, false, false], "recovered: nothing to be read anew");
	is(await page.evaluate(() => client.positions.get("group.x").seq), 43, "what was missed is still to come");

	second.say({ type: "ping", tops: { "group.x": 45, private: 60 } });
	ok(await line(second, "pong"), "a ping is answered");
	const join = await line(second, "join");
	is([join.room, join.after, join.epoch], ["group.x", 43, EPOCH], "a message that got lost without a sound is asked for");
	is(second.lines.filter(({ type }) => type === "join").length, 1, "but the private rooms' number is only taken over");

	second.hangUp();
	await wait();
	const third = await server.connection(3);
	await welcome(third, { rooms: rooms(50).filter(({ room }) => room !== "group.x"), partial: true });
	await online();
	is(await seen("left"), [], "a group that the server cannot look up at the moment is not left");
	is(await page.evaluate(() => client.positions.get("group.x").seq), 43, "and goes on from where we were when it comes back");

	third.say({ type: "joined", room: "group.x", epoch: "1763863999999", last_seq: 3, recovered: false });
	await until(async () => (await seen("joined")).length === 9);
	is((await seen("joined")).at(-1), { channel: "group.x", epoch: "1763863999999", last_seq: 3, anew: true, asked: false },
		"another log has to be read anew");
	third.say({ type: "left", room: "group.x", reason: "removed" });
	await until(async () => (await seen("left")).length === 1);
	third.say(message(4));
	third.say({ type: "ping", tops: {} });
	await line(third, "pong");
	is((await seen("log")).length, 3, "and what comes out of a room after we left it is not shown");
	await page.context().close();
});

await test("connecting again", async () => {
	const { server, page, seen, pass, wait, online } = await start();
	await welcome(await server.connection(1));
	await online();
	server.connections[0].say({ type: "bye", code: "shutdown", message: "back soon", reconnect: true, retry_after_ms: 5000 });
	server.connections[0].hangUp();
	const first = await wait();
	ok(first > 5000 && first <= 5500, "not before the server wants it", first);
	const waits = [];
	for (let n = 2; n < 12; n++) {
		(await server.connection(n)).hangUp();
		waits.push(await wait());
	}
	ok(waits.every((ms, i) => ms >= Math.min(1000 * 2 ** i, 30e3) / 2 && ms <= Math.min(1000 * 2 ** i, 30e3)),
		"then later each time, up to half a minute", JSON.stringify(waits));
	const last = await server.connection(12);
	await welcome(last);
	await online();
	await pass(39e3);
	ok(await page.evaluate(() => client.state === "online"), "a server that is silent is waited for");
	await pass(2e3);
	ok(await server.connection(13), "but not for ever");
	const gone = await server.connection(13);
	await welcome(gone);
	await online();
	gone.say({ type: "bye", code: "unauthorized", message: "the token was taken back", reconnect: false });
	gone.hangUp();
	await until(async () => (await seen("ended")).length === 1);
	await pass(120e3);
	is(server.connections.length, 13, "where the server does not want us back, we stay away");
	await page.context().close();
});

await test("tokens", async () => {
	const { server, page, seen, wait, online } = await start();
	const connection = await server.connection(1);
	is((await line(connection, "connect")).token, "t0", "the token is in the first line");
	await welcome(connection);
	await online();
	connection.say({ type: "expiring", expires_at: "2026-11-23T02:00:00Z" });
	const refresh = await line(connection, "refresh");
	is(refresh.token, "t1", "a token that ends soon is replaced in time");
	connection.say({ id: refresh.id, type: "refreshed", expires_at: "2026-11-24T02:00:00Z" });
	connection.hangUp();
	await wait();
	const refused = await server.connection(2);
	const { id } = await line(refused, "connect");
	refused.say({ id, type: "error", code: "unauthorized", message: "the token has expired" });
	await until(async () => (await seen("ended")).length === 1);
	is((await seen("ended"))[0].message, "The token has expired.", "one that is not taken ends it, and it is said why");
	is(page.errors, [], "nothing went wrong on the page");
	await page.context().close();
});

await end();
