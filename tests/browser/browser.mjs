// SPDX-License-Identifier: ISC
//
// What the scripts of this folder share: the browser, and how they talk to the test that runs them (see Browser.pm).

import { createInterface } from "node:readline";
import { createRequire } from "node:module";

export const folder = process.env.CUACA_BROWSER;
const { chromium } = createRequire(`${folder}/`)("playwright-core");
const answers = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const PATIENCE = 20e3;		// ms that anything may take before it counts as not happening

export const browser = await chromium.launch({
	executablePath: "/usr/bin/chromium", chromiumSandbox: false,
	args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
});

function tell(line) {
	process.stdout.write(`${JSON.stringify(line)}\n`);
}

export function ok(good, name, why) {
	tell({ ok: Boolean(good), name, why });
}

export function is(got, expected, name) {
	const [a, b] = [got, expected].map((value) => JSON.stringify(value));
	ok(a === b, name, `got ${a}, expected ${b}`);
}

// Have the test do something that only it can.
export async function please(what, ...args) {
	tell({ do: what, with: args });
	return JSON.parse((await answers.next()).value).done;
}

// Wait until action() returns something true: that, or, when it takes too long, what it returned last.
export async function until(action, patience = PATIENCE) {
	const end = Date.now() + patience;
	let value;
	while (!(value = await action()) && Date.now() < end)
		await new Promise((done) => setTimeout(done, 20));
	return value;
}

// A test with a name; what is thrown in it fails it, and what comes after it goes on.
export async function test(name, action) {
	try {
		await action();
	} catch (error) {
		ok(false, name, error.stack);
	}
}

// A browser of somebody's own, and a page in it that may not log errors.
export async function person(name, options = {}) {
	const context = await browser.newContext({ locale: "en-GB", timezoneId: "Asia/Jakarta", ...options });
	const page = await context.newPage();
	page.setDefaultTimeout(PATIENCE);
	page.errors = [];
	page.on("pageerror", (error) => page.errors.push(`${name}: ${error.stack}`));
	page.on("console", (line) => line.type() === "error" && page.errors.push(`${name}: ${line.text()}`));
	return page;
}

export async function end() {
	await browser.close();
	process.exit(0);
}
