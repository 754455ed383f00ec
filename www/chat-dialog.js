// SPDX-License-Identifier: ISC
//
// Questions that stand in the way until they are answered.

import { element } from "./chat-view.js";

const $ = (id) => document.getElementById(id);

// With options, a choice of these: [value, text] each.
function field({ name, label, type = "text", options, ...attributes }) {
	const input = options ? element("select", { name }, ...options.map(([value, text]) => element("option", { value }, text)))
		: element("input", { name, type, ...attributes });
	return type === "checkbox" ? element("label", { class: "check" }, input, ` ${label}`) : element("label", {}, label, input);
}

// Ask, with these fields, and do(values) what was asked about; the dialog stays, and says why, as long as that fails.
// A promise: whether it was done.
export function ask({ title, text = "", fields = [], ok, act }) {
	const controller = new AbortController();
	const { signal } = controller;
	$("dialog-title").textContent = title;
	$("dialog-text").textContent = text;
	$("dialog-fields").replaceChildren(...fields.map(field));
	$("dialog-error").textContent = "";
	$("dialog-ok").textContent = ok;
	$("dialog-ok").disabled = false;
	$("dialog").showModal();
	return new Promise((resolve) => {
		const end = (done) => {
			if (signal.aborted)	// it was cancelled meanwhile, and the dialog may be about something else by now
				return;
			controller.abort();
			$("dialog").close();
			resolve(done);
		};
		$("dialog-cancel").addEventListener("click", () => end(false), { signal });
		$("dialog").addEventListener("close", () => end(false), { signal });
		$("dialog-form").addEventListener("submit", async (event) => {
			event.preventDefault();
			const inputs = [...$("dialog-fields").querySelectorAll("input, select")];
			const values = Object.fromEntries(inputs.map((i) => [i.name, i.type === "checkbox" ? i.checked : i.value.trim()]));
			$("dialog-ok").disabled = true;
			try {
				await act(values);
				end(true);
			} catch (error) {
				if (signal.aborted)
					return;
				$("dialog-error").textContent = error.message;
				$("dialog-ok").disabled = false;
			}
		}, { signal });
	});
}
