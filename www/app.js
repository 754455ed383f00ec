// SPDX-License-Identifier: ISC
//
// The page at /: searches cities as one types, shows the weather of the one chosen, and keeps it up to date.
// The city is in the address (?city=jakarta), so that it can be kept and shared.
"use strict";

const $ = (id) => document.getElementById(id);
const FIRST = "jakarta";
const SEARCH_DELAY = 200;	// ms of silence before a search
let refresh;			// timer of the next look at the same city
let latest = 0;			// answers to older requests are dropped

const icons = [
	[0, "☀️", "🌙"], [2, "🌤️", "☁️"], [3, "☁️", "☁️"], [48, "🌫️", "🌫️"], [57, "🌦️", "🌧️"], [67, "🌧️", "🌧️"],
	[77, "🌨️", "🌨️"], [82, "🌦️", "🌧️"], [86, "🌨️", "🌨️"], [99, "⛈️", "⛈️"],
];

async function api(path) {
	const answer = await fetch(path, { headers: { Accept: "application/json" } });
	const body = await answer.json();
	if (!answer.ok)
		throw Object.assign(new Error(body.detail || body.title), { problem: body });
	return body;
}

function icon(code, isDay) {
	const row = icons.find(([last]) => code <= last);
	return row ? row[isDay ? 1 : 2] : "";
}

function clock(time, zone) {
	return new Date(time).toLocaleTimeString([], { timeZone: zone, hour: "2-digit", minute: "2-digit" });
}

function region(code) {
	try {
		return new Intl.DisplayNames(["en"], { type: "region" }).of(code);
	} catch {
		return code;
	}
}

function element(name, text, attributes = {}) {
	const e = document.createElement(name);
	e.textContent = text;
	for (const [key, value] of Object.entries(attributes))
		e.setAttribute(key, value);
	return e;
}

function amount(answer, name, digits = 0) {
	const value = answer.current[name];
	return value === null ? "–" : `${value.toFixed(digits)} ${answer.units[name]}`;
}

function wind(answer) {
	const from = answer.current.wind_direction;
	const names = ["N", "NE", "E", "SE", "S", "SW", "W", "NW"];
	return amount(answer, "wind_speed") + (from === null ? "" : ` ${names[Math.round(from / 45) % 8]}`);
}

function showFacts(answer) {
	const facts = {
		"Feels like": amount(answer, "apparent_temperature", 1),
		"Humidity": amount(answer, "relative_humidity"),
		"Precipitation": amount(answer, "precipitation", 1),
		"Wind": wind(answer),
		"Gusts": amount(answer, "wind_gusts"),
		"Clouds": amount(answer, "cloud_cover"),
		"Pressure": amount(answer, "pressure_msl"),
	};
	$("facts").replaceChildren(...Object.entries(facts).map(([name, value]) => {
		const row = document.createElement("div");
		row.append(element("dt", name), element("dd", value));
		return row;
	}));
}

function showBadges(answer) {
	const badges = [];
	if (answer.stale)
		badges.push(element("span", "Out of date: the last update is missing"));
	if (answer.source === "simulator")
		badges.push(element("span", "Simulated: not real weather"));
	$("badges").replaceChildren(...badges);
}

function show(answer) {
	const { city, current } = answer;
	document.title = `${city.name} · Cuaca`;
	$("name").textContent = city.name;
	$("place").textContent = `${region(city.country)} · local time ${clock(Date.now(), city.timezone)}`;
	$("icon").textContent = icon(current.weather_code, current.is_day);
	$("temperature").textContent = amount(answer, "temperature", 1);
	$("desc").textContent = current.weather_desc || "";
	$("observed").textContent = clock(current.observed_at, city.timezone);
	$("observed").dateTime = current.observed_at;
	$("next").textContent = clock(answer.next_update_at, city.timezone);
	$("next").dateTime = answer.next_update_at;
	$("attribution").textContent = answer.attribution.text;
	$("attribution").href = answer.attribution.url;
	$("licence").textContent = `(${answer.attribution.licence})`;
	showFacts(answer);
	showBadges(answer);
	$("message").textContent = "";
	$("weather").hidden = false;
}

// Look again shortly after the next update, and now and then while it is overdue.
function later(slug, answer) {
	const wait = Math.max(new Date(answer.next_update_at) - Date.now() + 20e3, 60e3);
	refresh = setTimeout(() => load(slug), Math.min(wait, 24 * 3600e3));
}

async function load(slug) {
	const mine = ++latest;
	clearTimeout(refresh);
	try {
		const answer = await api(`api/weather/current?city=${encodeURIComponent(slug)}`);
		if (mine !== latest)
			return;
		show(answer);
		later(slug, answer);
	} catch (error) {
		if (mine !== latest)
			return;
		$("weather").hidden = true;
		document.title = "Cuaca";
		$("message").textContent = error.problem ? `${error.problem.title}. ${error.problem.detail || ""}`
			: "The server does not answer. Trying again in a minute.";
		refresh = setTimeout(() => load(slug), 60e3);
	}
}

function go(slug) {
	closeList();
	$("q").value = "";
	$("q").blur();
	history.pushState(null, "", `?city=${encodeURIComponent(slug)}`);
	load(slug);
}

// ---- The search box: a combobox with a list below it ----

let searching;
let chosen = -1;

function closeList() {
	clearTimeout(searching);
	$("found").hidden = true;
	$("q").setAttribute("aria-expanded", "false");
	$("q").removeAttribute("aria-activedescendant");
	chosen = -1;
}

function choose(index) {
	const items = [...$("found").children].filter((li) => li.dataset.slug);
	if (items.length === 0)
		return;
	chosen = (index + items.length) % items.length;
	items.forEach((li, i) => li.setAttribute("aria-selected", String(i === chosen)));
	$("q").setAttribute("aria-activedescendant", items[chosen].id);
}

function listItem(city, index) {
	const li = element("li", "", { role: "option", id: `found-${index}`, "aria-selected": "false" });
	li.dataset.slug = city.slug;
	li.append(element("span", city.name), element("span",
		[city.admin1, region(city.country), city.tracked ? null : "no weather yet"].filter(Boolean).join(", "),
		{ class: "where" }));
	return li;
}

async function search() {
	const q = $("q").value.trim();
	if (q.length < 2)
		return closeList();
	let items;
	try {
		const { items: cities } = await api(`api/cities?q=${encodeURIComponent(q)}&limit=7`);
		items = cities.map(listItem);
	} catch {
		return closeList();
	}
	if ($("q").value.trim() !== q)	// an answer to what stood here before
		return;
	if (items.length === 0)
		items = [element("li", "No such city")];
	$("found").replaceChildren(...items);
	$("found").hidden = false;
	$("q").setAttribute("aria-expanded", "true");
	choose(0);
}

$("q").addEventListener("input", () => {
	clearTimeout(searching);
	searching = setTimeout(search, SEARCH_DELAY);
});
$("q").addEventListener("keydown", (event) => {
	if (event.key === "ArrowDown" || event.key === "ArrowUp") {
		event.preventDefault();
		choose(chosen + (event.key === "ArrowDown" ? 1 : -1));
	} else if (event.key === "Escape") {
		closeList();
	}
});
$("search").addEventListener("submit", async (event) => {
	event.preventDefault();
	if ($("found").hidden)
		await search();
	const slug = document.querySelector("#found [aria-selected=true]")?.dataset.slug;
	if (slug)
		go(slug);
});
$("found").addEventListener("mousedown", (event) => {
	const slug = event.target.closest("li")?.dataset.slug;
	if (slug)
		go(slug);
});
$("q").addEventListener("blur", closeList);

const open = () => load(new URLSearchParams(location.search).get("city") || FIRST);
addEventListener("popstate", open);
open();
