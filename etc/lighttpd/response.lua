-- SPDX-License-Identifier: ISC
--
-- lighttpd runs this when the head of an answer is about to go out: every answer carries the request's id, and
-- an error that lighttpd itself made becomes problem+json (on /v1/, Open-Meteo's JSON). What a program says is left as it is.

local r = lighty.r
local headers = r.resp_header
local id = r.req_header["X-Request-Id"]

if not id then		-- a request that lighttpd could not even parse
	local rand = lighty.c.rand
	id = string.format("%08x%08x%08x%08x", rand() & 0xffffffff, rand() & 0xffffffff,
		rand() & 0xffffffff, rand() & 0xffffffff)
	r.req_header["X-Request-Id"] = id	-- for the log
end
headers["X-Request-Id"] = id
headers["X-Content-Type-Options"] = "nosniff"
headers["X-Frame-Options"] = "DENY"
headers["Referrer-Policy"] = "no-referrer"
headers["Content-Security-Policy"] =
	"default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

-- Which pages of other sites may read the answers, and what their browsers are told when they ask beforehand.
local origin = "@CORS_ORIGIN@"
local uri = r.req_attr["request.orig-uri"] or ""
if origin ~= "" and (uri:sub(1, 5) == "/api/" or uri:sub(1, 4) == "/v1/") then
	headers["Access-Control-Allow-Origin"] = origin
	headers["Access-Control-Expose-Headers"] =
		"ETag, Link, Retry-After, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset, X-Request-Id"
	if r.req_attr["request.method"] == "OPTIONS" and r.req_header["Access-Control-Request-Method"] then
		local chat = uri:find("^/api/auth/") or uri:find("^/api/chat/")
		headers["Access-Control-Allow-Methods"] = chat and "GET, HEAD, POST, DELETE, OPTIONS" or "GET, HEAD, OPTIONS"
		headers["Access-Control-Allow-Headers"] = chat and "Authorization, Content-Type" or "Authorization, X-API-Key"
		headers["Access-Control-Max-Age"] = "86400"
	end
end

-- lighttpd's own errors are HTML; no program's are, but for websocketd, which has none worth reading.
local status = r.req_item.http_status
local kind = headers["Content-Type"]
local ws = uri:gsub("%?.*", "") == "/ws"

-- A page and its modules are of one release: each is asked for again every time, and is mostly a 304.
if status < 400 and not (ws or uri:find("^/api/") or uri:find("^/v1/")) then
	headers["Cache-Control"] = "no-cache"
end
if status < 400 or kind and kind:sub(1, 9) ~= "text/html" and not ws then
	return 0
end

local busy = "The program behind this address does not answer. Try again in a moment."
local overloaded = "The service is overloaded"
local methods = ws and "GET" or "GET, HEAD"
local problems = {
	[400] = { "bad-request", "Bad request", ws and "The handshake is not that of a WebSocket (RFC 6455)." or
		"The request is not well-formed HTTP." },
	[403] = { "forbidden", "Forbidden", "This may not be read." },
	[404] = { "not-found", "There is nothing at this path", "There is nothing at this address." },
	[405] = { "method-not-allowed", "The method is not allowed here", "This address answers " .. methods .. "." },
	[413] = { "content-too-large", "Content too large", "The request body is larger than this server takes." },
	[414] = { "uri-too-long", "URI too long", "The address is longer than this server takes." },
	[426] = { "upgrade-required", "Upgrade required", "This address is for WebSockets: ask with Upgrade: websocket." },
	[429] = { "rate-limited", "Too many requests", ws and
		"More new connections a second, or more at a time, than this server takes. Try again in a moment." or
		"More than @RATE@ requests a second from one address. Wait a second." },
	[431] = { "headers-too-large", "Request headers too large",
		"The request headers are larger than this server takes." },
	[502] = { "unavailable", "A server behind this one is away", busy },
	[503] = { "unavailable", "A server behind this one is away", busy },
	[504] = { "timeout", "The answer took too long", "The program behind this address took too long. Try again in a moment." },
}
local p = problems[status] or status < 500 and problems[400] or
	{ "internal", "Something is wrong on our side", "The web server could not serve this request." }

headers["Cache-Control"] = "no-store"
if status == 405 then
	headers["Allow"] = methods
elseif status == 426 then
	headers["Upgrade"] = "websocket"
elseif status == 429 then
	headers["RateLimit-Limit"] = ws and "@WS_RATE@" or "@RATE@"
	headers["RateLimit-Remaining"] = "0"
	headers["RateLimit-Reset"] = "1"
end
if status == 429 or status >= 502 and status <= 504 then
	headers["Retry-After"] = "1"
end

-- Clients of Open-Meteo get its form of errors, and its words where it has some.
if (r.req_attr["request.orig-uri"] or ""):sub(1, 4) == "/v1/" then
	local words = { [404] = "Not Found", [429] = "Too many concurrent requests", [502] = overloaded,
		[503] = overloaded, [504] = overloaded }
	headers["Content-Type"] = "application/json; charset=utf-8"
	r.resp_body.set(string.format('{"error":true,"reason":"%s"}', words[status] or p[3]))
	return status
end

headers["Content-Type"] = "application/problem+json"
r.resp_body.set(string.format(
	'{"type":"/problems/%s","title":"%s","status":%d,"detail":"%s","request_id":"%s"}',
	p[1], p[2], status, p[3], id))
return status	-- which also says that the body is complete
