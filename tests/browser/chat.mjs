// SPDX-License-Identifier: ISC
//
// Alice, registered, at a desk; Bob, a guest, with a phone.

import { end, folder, is, ok, person, please, test, until } from "./browser.mjs";

const [url] = process.argv.slice(2);
const PHONE = { viewport: { width: 390, height: 760 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true };
const EVIL = "<script>document.title='pwned'</script><img src=x onerror=\"document.title='pwned'\"> & <b>bold</b>";

const alice = await person("alice", { viewport: { width: 1200, height: 760 } });
const bob = await person("bob", PHONE);

const picture = (page, name) => page.screenshot({ path: `${folder}/chat-${name}.png` });
const bodies = (page) => page.locator("#log .body").allTextContents();
const has = (page, text) => until(async () => (await bodies(page)).includes(text));
const online = (page) => until(async () => (await page.locator("#connection").getAttribute("data-state")) === "online");
const textOf = (page, selector, wanted) => until(async () => wanted.test(await page.locator(selector).textContent()));

async function enter(page, kind, name, password) {
	await page.goto(`${url}/chat.html`);
	await page.getByRole("radio", { name: kind }).check();
	await page.getByLabel("Name").fill(name);
	if (password)
		await page.getByLabel("Password").fill(password);
	await page.getByRole("button", { name: "Come in" }).click();
	ok(await online(page), `${name} is in`);
}

async function write(page, text) {
	await page.getByLabel("Message", { exact: true }).fill(text);
	if (page === bob)
		await page.getByRole("button", { name: "Send" }).tap();
	else
		await page.getByLabel("Message", { exact: true }).press("Enter");
}

// Many messages of alice's in a room, over connections of their own.
async function publish(texts, name = "group.gardeners") {
	await alice.evaluate(async ([all, room]) => {
		const { ChatClient } = await import("/chat-client.js");
		const { token } = JSON.parse(sessionStorage.getItem("cuaca.chat"));
		await Promise.all([0, 1, 2, 3].slice(0, all.length).map(async (share) => {
			const client = new ChatClient({ url: `ws://${location.host}/ws`, token: async () => token });
			all.filter((_, i) => i % 4 === share).forEach((body) => client.publish("message", { room, body }));
			await new Promise((done) => {
				client.addEventListener("outbox", ({ detail }) => detail.length === 0 && done());
				client.start();
			});
			client.stop();
		}));
	}, [texts, name]);
}

// What both have in the room that both have open: the same, in the same order, but that one may have more of the past;
// and of these texts each once.
async function agree(texts, name) {
	const both = () => Promise.all([bodies(alice), bodies(bob)]);
	await until(async () => (await both()).every((all) => texts.every((text) => all.includes(text))));
	const [hers, his] = await both();
	is(hers.filter((text) => texts.includes(text)).sort(), [...texts].sort(), `${name}: each message once`);
	const count = Math.min(hers.length, his.length);
	is(his.slice(-count), hers.slice(-count), `${name}: both see the same`);
}

await test("coming in", async () => {
	await alice.goto(url);
	await alice.getByRole("link", { name: "Chat" }).click();
	await alice.waitForURL(`${url}/chat.html`);
	await picture(alice, "enter");
	await enter(alice, "Register", "alice", "correct horse");
	await enter(bob, "As a guest", "bob");
	await bob.goto(`${url}/chat.html`);
	ok(await online(bob), "who loads the page again is still in");
});

await test("a group", async () => {
	await alice.getByRole("button", { name: "New group" }).click();
	const dialog = alice.getByRole("dialog");
	await dialog.getByLabel("Name").fill("gardeners");
	await dialog.getByLabel("Title").fill("Gardeners");
	await dialog.getByLabel("Anybody may join").check();
	await dialog.getByRole("button", { name: "Create" }).click();
	await alice.getByRole("heading", { name: "Gardeners" }).waitFor();
	await bob.reload();
	await bob.getByRole("button", { name: "Gardeners" }).tap();
	await bob.getByRole("heading", { name: "Gardeners" }).waitFor();
	ok(await textOf(alice, "#people-list", /bob/), "alice sees that bob is there");

	await write(alice, "Good morning! Rain until noon, they say.");
	ok(await has(bob, "Good morning! Rain until noon, they say."), "what alice writes, bob reads");
	await bob.getByLabel("Message", { exact: true }).pressSequentially("Then the");
	ok(await textOf(alice, "#typing", /bob is writing/), "alice sees that bob writes");
	await write(bob, "Then the beans can wait.\nI have the kettle on.");
	ok(await has(alice, "Then the beans can wait.\nI have the kettle on."), "what bob writes, alice reads, with its lines");
	await write(bob, EVIL);
	await agree(["Good morning! Rain until noon, they say.", EVIL], "a message that looks like HTML");
	ok(!(await alice.title()).includes("pwned") && await alice.locator("#log img, #log b, #log script").count() === 0, "is nothing but text");
});

await test("changing one's mind", async () => {
	await write(alice, "Beens");
	await has(bob, "Beens");
	await alice.getByLabel("Message", { exact: true }).press("ArrowUp");
	await write(alice, "Beans");
	ok(await has(bob, "Beans (edited)"), "a message is changed for both");
	const mine = alice.locator("#log .message", { hasText: "Beans (edited)" });
	await mine.hover();
	await mine.getByRole("button", { name: "Delete" }).click();
	await alice.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
	ok(await has(bob, "This message was deleted."), "and deleted");
	is(await bob.locator("#log").getByRole("button", { name: "Edit" }).count(), 2, "bob may change only what he wrote");
});

await test("in private", async () => {
	await alice.getByRole("button", { name: "Write to somebody" }).click();
	await alice.getByRole("dialog").getByLabel("Their name").fill("nobody-at-all");
	await alice.getByRole("dialog").getByRole("button", { name: "Write" }).click();
	ok(await textOf(alice, "#dialog-error", /nobody/), "there has to be somebody of that name");
	await alice.getByRole("dialog").getByLabel("Their name").fill("bob");
	await alice.getByRole("dialog").getByRole("button", { name: "Write" }).click();
	await alice.getByRole("heading", { name: "bob" }).waitFor();
	await write(alice, "Between the two of us: the kettle is mine.");
	await bob.getByRole("link", { name: "All rooms" }).tap();
	const link = bob.getByRole("link", { name: "alice" });
	ok(await until(async () => /1/.test(await link.textContent())), "bob sees that there is something new");
	await picture(bob, "phone-rooms");
	await link.tap();
	await agree(["Between the two of us: the kettle is mine."], "a private conversation");
	await write(bob, "I know :)");
	await agree(["I know :)"], "and the answer");
	await picture(bob, "phone-room");
});

await test("while nobody listened", async () => {
	const dave = await person("dave");
	await enter(dave, "Register", "dave", "battery staple");
	await dave.getByRole("button", { name: "Log out" }).click();
	await dave.getByRole("heading", { name: "Come in" }).waitFor();
	await please("stop", "archive");
	await alice.getByRole("button", { name: "Write to somebody" }).click();
	await alice.getByRole("dialog").getByLabel("Their name").fill("dave");
	await alice.getByRole("dialog").getByRole("button", { name: "Write" }).click();
	await alice.getByRole("heading", { name: "dave" }).waitFor();
	for (const text of ["Dave, are you there?", "Then tomorrow."])
		await write(alice, text);
	await until(async () => await alice.locator("#waiting li").count() === 0);
	await enter(dave, "Log in", "dave", "battery staple");
	await please("start", "archive");
	const link = dave.getByRole("link", { name: "alice" });
	await link.waitFor();
	ok(/1/.test(await link.textContent()), "who was away sees that there is something new, once it is archived");
	await link.click();
	ok(await until(async () => (await bodies(dave)).length === 2), "and reads all of it");
	is(await bodies(dave), await bodies(alice), "as it was said");
	ok(await until(async () => !/1/.test(await link.textContent())), "and then it is read");
	await write(dave, "Tomorrow!");
	ok(await has(alice, "Tomorrow!"), "the answer arrives");
	is(dave.errors, [], "without an error");
	await dave.context().close();
});

await test("members only", async () => {
	await alice.getByRole("button", { name: "New group" }).click();
	const dialog = alice.getByRole("dialog");
	await dialog.getByLabel("Name").fill("surprise");
	let create;
	await alice.route("**/api/chat/rooms", (route) => {
		if (route.request().method() === "POST")
			create = () => route.continue();
		else
			route.continue();
	});
	await dialog.getByRole("button", { name: "Create" }).click();
	await until(() => create);
	await dialog.getByRole("button", { name: "Cancel" }).click();
	await alice.getByRole("button", { name: "Write to somebody" }).click();
	await create();
	await textOf(alice, "#room-title", /surprise/);
	ok(await dialog.isVisible(), "what was asked is answered, although it was cancelled, and the next question stays");
	await dialog.getByRole("button", { name: "Cancel" }).click();
	await alice.unroute("**/api/chat/rooms");
	await alice.getByRole("button", { name: "Add a member" }).click();
	await dialog.getByLabel("Their name").fill("bob");
	await dialog.getByRole("button", { name: "Add" }).click();
	await bob.getByRole("link", { name: "All rooms" }).tap();
	await bob.getByRole("link", { name: "surprise" }).tap();
	ok(await textOf(alice, "#people-list", /bob/), "who is added is in at once");
	await write(alice, "Bob has his birthday on Friday");
	await has(bob, "Bob has his birthday on Friday");
	await alice.getByRole("button", { name: "Remove" }).click();
	await dialog.getByRole("button", { name: "Remove" }).click();
	ok(await textOf(bob, "#notice", /removed from surprise/), "and who is removed is out at once, and told so");
	await write(alice, "Phew");
	await has(alice, "Phew");
	is(await bob.getByRole("link", { name: "surprise" }).count(), 0, "with nothing left of it");
});

await test("what was said before", async () => {
	await alice.evaluate(() => { location.hash = "group.gardeners"; });
	await bob.evaluate(() => { location.hash = "group.gardeners"; });
	const many = Array.from({ length: 120 }, (_, i) => `Row ${i + 1}`);
	await publish(many);
	await agree(many, "many at once");
	await bob.reload();
	ok(await has(bob, (await bodies(alice)).at(-1)), "after a reload the newest are there");
	is((await bodies(bob)).length, 50, "but not all of them");
	await until(async () => {
		await bob.locator("#scroll").evaluate((e) => { e.scrollTop = 0; });
		return (await bodies(bob)).includes("Good morning! Rain until noon, they say.");
	});
	is(await bodies(bob), await bodies(alice), "scrolling back brings the others, each once");
	await alice.getByRole("button", { name: "Search", exact: true }).click();
	await alice.getByLabel("Search in this room").fill("kettle");
	await alice.getByLabel("Search in this room").press("Enter");
	const found = alice.locator("#results .body");
	await found.first().waitFor();
	is(await found.allTextContents(), ["Then the beans can wait.\nI have the kettle on."], "what one looks for is found in this room only");
	await picture(alice, "search");
	await alice.getByRole("button", { name: "Close" }).click();
});

await test("away for long", async () => {
	const carol = await person("carol", PHONE);
	let line, cut = false;
	await carol.routeWebSocket(/\/ws$/, (socket) => {
		line = socket;
		if (cut)
			socket.close();
		else
			socket.connectToServer();
	});
	await enter(carol, "As a guest", "carol");
	await publish(["Seed 1", "Seed 2"], "broadcast");
	const everyone = carol.getByRole("link", { name: "Everyone" });
	ok(await until(async () => /2/.test(await everyone.textContent())), "carol has a room that she does not look at");
	await carol.getByRole("button", { name: "Gardeners" }).click();
	ok(await has(carol, "Row 120"), "and one where she reads along");
	cut = true;
	await line.close();
	const many = Array.from({ length: 310 }, (_, i) => `Leaf ${i + 1}`);
	const more = Array.from({ length: 310 }, (_, i) => `Seed ${i + 3}`);
	await Promise.all([publish(many), publish(more, "broadcast")]);
	let asked = false, go;
	const held = new Promise((done) => { go = done; });
	await carol.route("**/api/chat/history?*", async (route) => {
		asked = true;
		await held;
		await route.continue();
	});
	cut = false;
	await carol.evaluate(() => dispatchEvent(new Event("online")));
	await until(() => asked);
	await carol.locator("#scroll").evaluate((e) => new Promise((done) => {	// while it is read anew
		e.addEventListener("scroll", done, { once: true });
		e.scrollTop = 0;
	}));
	go();
	const those = async (page, word) => (await bodies(page)).filter((text) => text.startsWith(word));
	const back = (word, count) => until(async () => {
		await carol.locator("#scroll").evaluate((e) => { e.scrollTop = 0; });
		return (await those(carol, word)).length >= count;
	});
	await until(async () => (await those(alice, "Leaf")).length === many.length);
	await back("Leaf", many.length);
	is(await those(carol, "Leaf"), await those(alice, "Leaf"),
		"who was away for too much of it has it from the history, each once and in order");
	is((await those(carol, "Leaf")).sort(), many.sort(), "all of it");
	await carol.getByRole("link", { name: "All rooms" }).click();
	await everyone.click();
	await back("Seed", more.length + 2);
	is((await those(carol, "Seed")).sort(), ["Seed 1", "Seed 2", ...more].sort(), "and all of what she did not look at, each once");
	is(carol.errors, [], "without an error");
	await carol.context().close();
});

await test("a visitor", async () => {
	const erin = await person("erin", { viewport: { width: 1200, height: 760 } });
	await enter(erin, "As a guest", "erin");
	await erin.evaluate(() => { location.hash = "group.gardeners"; });
	await erin.getByRole("heading", { name: "Gardeners" }).waitFor();
	await write(erin, "Is it open to all?");
	ok(await has(alice, "Is it open to all?"), "who comes to a public group by its address may write");
	await write(alice, "It is.");
	ok(await has(erin, "It is."), "and read what is said");
	await erin.getByRole("button", { name: "Leave the group" }).click();
	await erin.getByRole("dialog").getByRole("button", { name: "Leave" }).click();
	ok(await until(async () => await erin.getByRole("link", { name: "Gardeners" }).count() === 0), "and go again");
	is(erin.errors, [], "without an error");
	await erin.context().close();
});

await test("between the history and the connection", async () => {
	const frank = await person("frank", { viewport: { width: 1200, height: 760 } });
	let cut = true;
	await frank.routeWebSocket(/\/ws$/, (socket) => cut ? socket.close() : socket.connectToServer());
	await frank.goto(`${url}/chat.html`);
	await frank.getByLabel("Name").fill("frank");
	await frank.getByRole("button", { name: "Come in" }).click();
	ok(await until(async () => (await bodies(frank)).length > 0), "the history is there before the connection");
	await publish(["One more"], "broadcast");
	cut = false;
	await frank.evaluate(() => dispatchEvent(new Event("online")));
	ok(await has(frank, "One more"), "what was said in between is not missing");
	await frank.context().close();
});

await test("websocketd is killed", async () => {
	const burst = Array.from({ length: 10 }, (_, i) => `${i} through thick and thin`);
	for (const [i, text] of burst.entries()) {
		await write(i % 2 ? bob : alice, text);
		if (i === 4)
			await please("kill", "websocketd");
	}
	await agree(burst, "killed in the middle of it");
	await please("stop", "websocketd");
	ok(await textOf(alice, "#connection", /Offline/), "the page says that there is no connection");
	await write(alice, "Written offline");
	await write(bob, "Here too");
	ok(await textOf(alice, "#waiting", /Written offline.*Sending/s), "and that a message waits");
	await picture(alice, "offline");
	await alice.reload();
	await textOf(alice, "#waiting", /Written offline.*Sending/s);
	await please("start", "websocketd");
	for (const page of [alice, bob])
		await page.evaluate(() => dispatchEvent(new Event("online")));
	await agree(["Written offline", "Here too"], "written without a connection, even over a reload");
	is(await alice.locator("#waiting li").count(), 0, "nothing waits any longer");
});

await test("an acknowledgement that was lost for too long", async () => {
	const session = await alice.evaluate(() => JSON.parse(sessionStorage.getItem("cuaca.chat")));
	const headers = { Authorization: `Bearer ${session.token}` };
	const page = await alice.request.get(`${url}/api/chat/history?room=group.gardeners&limit=100`, { headers });
	const { mid, body } = (await page.json()).items.find(({ from, kind, deleted }) => from === "alice" && kind === "message" && !deleted);
	const entry = (text, id) => ({ type: "message", fields: { room: "group.gardeners", body: text }, mid: id, since: 0 });
	session.notes = { outbox: [entry(body, mid), entry("Never sent", "never-sent")] };
	const again = await person("alice", { viewport: { width: 1200, height: 760 } });
	await again.addInitScript((data) => sessionStorage.setItem("cuaca.chat", data), JSON.stringify(session));
	await again.goto(`${url}/chat.html#group.gardeners`);
	ok(await has(again, body) && await textOf(again, "#waiting", /Never sent/), "what could not be sent is said to be so");
	ok(await until(async () => await again.locator("#waiting li").count() === 1), "but not of what the log has");
	await again.context().close();
});

await test("moderation", async () => {
	await alice.evaluate(() => { location.hash = "group.gardeners"; });
	await bob.evaluate(() => { location.hash = "group.gardeners"; });
	await write(bob, "Weeds, weeds, weeds");
	await has(alice, "Weeds, weeds, weeds");
	const his = alice.locator("#log .message", { hasText: "Weeds, weeds, weeds" });
	const moderate = async (what, minutes) => {
		await his.hover();
		await his.getByRole("button", { name: "Moderate" }).click();
		await alice.getByRole("dialog").getByLabel("What").selectOption(what);
		await alice.getByRole("dialog").getByLabel("How long").selectOption(minutes);
		if (what === "mute")
			await picture(alice, "moderate");
		await alice.getByRole("dialog").getByRole("button", { name: "Do it" }).click();
	};
	await moderate("mute", "60");
	ok(await textOf(bob, "#log", /alice muted bob until/), "an owner mutes, and everybody sees it");
	await write(bob, "More weeds");
	ok(await textOf(bob, "#waiting", /More weeds.*Not sent/s), "who is muted writes no more");
	await bob.getByRole("button", { name: "Drop it" }).tap();
	await moderate("unmute", "");
	await textOf(bob, "#log", /lets bob speak again/);
	await write(bob, "Sorry");
	ok(await has(alice, "Sorry"), "and does so again when that is taken back");
	is(await bob.locator("#log").getByRole("button", { name: "Moderate" }).count(), 0, "who does not own the room moderates nobody");
	await moderate("ban", "");
	ok(await textOf(bob, "#notice", /banned from Gardeners/), "who is banned is out");
	await moderate("unban", "");
	ok(await textOf(alice, "#log", /lets bob in again/), "and may come in again");
});

await test("leaving", async () => {
	await picture(alice, "desk");
	await alice.emulateMedia({ colorScheme: "dark" });
	await picture(alice, "dark");
	const { token } = await alice.evaluate(() => JSON.parse(sessionStorage.getItem("cuaca.chat")));
	await alice.getByRole("button", { name: "Log out" }).click();
	await alice.getByRole("heading", { name: "Come in" }).waitFor();
	await alice.reload();
	await alice.getByRole("heading", { name: "Come in" }).waitFor();
	const rooms = () => alice.request.get(`${url}/api/chat/rooms`, { headers: { Authorization: `Bearer ${token}` } });
	is(await until(async () => (await rooms()).status() === 401), true, "who logs out is out, and so is the token");
	await alice.getByRole("radio", { name: "Log in" }).check();
	await alice.getByLabel("Name").fill("alice");
	await alice.getByLabel("Password").fill("wrong horse");
	await alice.getByRole("button", { name: "Come in" }).click();
	ok(await textOf(alice, "#enter-error", /password/), "a wrong password is refused in words");
	const unexpected = [...alice.errors, ...bob.errors].filter((line) => !/WebSocket connection|Failed to load resource/.test(line));
	is(unexpected, [], "nothing went wrong on the pages");
});

await end();
