// SPDX-License-Identifier: ISC
//
// What Cuaca's chat is measured against: the same part of its protocol in one plain Node process, with the packages
// ws and nats. It promises as much for a message: JetStream stores it before it is acknowledged, every room has one
// order, and what members see comes from the stream. It keeps no sessions, no presence and no limits.

import { createHmac, randomUUID, timingSafeEqual } from 'node:crypto';
import { connect, nanos } from 'nats';
import { WebSocketServer } from 'ws';

const PING = 25_000;
const PONG = 8_000;
const { PORT, NATS, NATS_TOKEN, CHAT_SECRET } = process.env;

const bus = await connect({ servers: NATS, token: NATS_TOKEN });
const stream = {
	name: 'BENCH',
	subjects: ['in.bench.>'],
	storage: 'file',
	republish: { src: 'in.bench.>', dest: 'bench.>' },
	duplicate_window: nanos(600_000),
};
await (await bus.jetstreamManager()).streams.add(stream);
const log = bus.jetstream();
const rooms = new Map(); // name → { members: Set of sockets, seq: of the newest message }

function room(name) {
	if (!rooms.has(name))
		rooms.set(name, { members: new Set(), seq: 0 });
	return rooms.get(name);
}

function send(socket, object) {
	socket.send(JSON.stringify(object));
}

function user(token) {
	const [head, body, mac] = token.split('.');
	const expected = createHmac('sha256', CHAT_SECRET).update(`${head}.${body}`).digest();
	const given = Buffer.from(mac, 'base64url');
	const claims = JSON.parse(Buffer.from(body, 'base64url'));

	if (JSON.parse(Buffer.from(head, 'base64url')).alg !== 'HS256' || given.length !== expected.length ||
	    !timingSafeEqual(given, expected) || claims.exp < Date.now() / 1000)
		throw new Error('a bad token');
	return claims.sub;
}

function enter(socket, name) {
	room(name).members.add(socket);
	socket.rooms.add(name);
	return { room: name, epoch: '1', last_seq: room(name).seq, recovered: true };
}

const commands = {
	connect(socket, { id, token }) {
		socket.user = user(token);
		send(socket, { id, type: 'connected', conn: randomUUID(), user: socket.user, ping: PING / 1000,
			epoch: '1', rooms: [enter(socket, 'broadcast')] });
	},
	join(socket, { id, room: name }) {
		send(socket, { id, type: 'joined', ...enter(socket, name), members: room(name).members.size });
	},
	async message(socket, { id, room: name, body, mid }) {
		const sent = new Date();
		const event = { kind: 'message', from: socket.user, body, mid, sent_at: sent.getTime() };
		const ack = await log.publish(`in.bench.${name}`, JSON.stringify(event),
			{ msgID: `${socket.user}/${name}/${mid}` });

		send(socket, { id, type: 'ack', room: name, seq: ack.seq, duplicate: ack.duplicate,
			sent_at: sent.toISOString() });
	},
	pong(socket) {
		clearTimeout(socket.gone);
	},
};

function ping(socket) {
	send(socket, { type: 'ping', tops: Object.fromEntries([...socket.rooms].map((name) => [name, room(name).seq])) });
	socket.gone = setTimeout(() => socket.terminate(), PONG);
}

function welcome(socket) {
	socket.rooms = new Set();
	const timer = setInterval(ping, PING, socket);
	socket.on('message', async (data) => {
		try {
			const line = JSON.parse(data);
			await commands[line.type](socket, line);
		} catch (error) {
			send(socket, { type: 'error', code: 'bad_json', message: error.message });
		}
	});
	socket.on('close', () => {
		clearInterval(timer);
		clearTimeout(socket.gone);
		for (const name of socket.rooms)
			room(name).members.delete(socket);
	});
}

function deliver(error, message) {
	const name = message.subject.slice('bench.'.length);
	const { kind, from, body, mid, sent_at } = message.json();
	const seq = Number(message.headers.get('Nats-Sequence'));
	const prev = Number(message.headers.get('Nats-Last-Sequence'));
	const line = JSON.stringify({ type: kind, room: name, seq, prev, from, body, mid,
		sent_at: new Date(sent_at).toISOString() });

	room(name).seq = seq;
	for (const socket of room(name).members)
		socket.send(line);
}

bus.subscribe('bench.>', { callback: deliver });
new WebSocketServer({ host: '127.0.0.1', port: Number(PORT), path: '/ws', maxPayload: 65536 })
	.on('connection', welcome)
	.on('listening', () => console.log('listening'));
