-- SPDX-License-Identifier: ISC
--
-- lighttpd runs this for every request before anything else looks at it: it gives the request its id, counts it
-- against its address's rate, lets WebSockets through to the chat, and decides about a request that has failed
-- (server.error-handler leads here).

local API = { name = "api", rate = @RATE_API@, burst = 20 }	-- requests a second per address on /api and /v1; 0 is off
local WS = { name = "ws", rate = @RATE_WS@, burst = 10 }	-- new connections a second per address on /ws; 0 is off
local WS_PER_ADDRESS = @WS_PER_ADDRESS@			-- connections there at a time; 0 is off
local ADDRESSES = 50000		-- remembered at once, so that many addresses cannot fill the memory

local r = lighty.r
local env = r.req_env

-- What outlives a request stays here: when each address was last seen and how far it was over its rate then.
-- A generation lasts a minute, by when everybody in the one before it has long drained.
local function seen_by(limit)
	local key = "cuaca_seen_" .. limit.name

	if not package.loaded[key] then
		package.loaded[key] = { began = 0, count = 0, at = {}, over = {}, old_at = {}, old_over = {} }
	end
	return package.loaded[key]
end

-- The leaky bucket of nginx's limit_req with nodelay, so that both web servers count alike.
local function too_many(limit, address)
	local sec, nsec = lighty.c.hrtime()
	local now = sec + nsec / 1e9
	local seen = seen_by(limit)

	if limit.rate == 0 then
		return false
	end

	if now - seen.began > 60 or seen.count >= ADDRESSES then
		seen.old_at, seen.old_over, seen.at, seen.over = seen.at, seen.over, {}, {}
		seen.began, seen.count = now, 0
	end
	local at = seen.at[address]
	local over = seen.over[address]
	if not at then
		seen.count = seen.count + 1
		at, over = seen.old_at[address], seen.old_over[address]
	end
	over = at and math.max(over - (now - at) * limit.rate + 1, 0) or 0
	if over > limit.burst then
		return true
	end
	seen.at[address], seen.over[address] = now, over
	return false
end

-- A GET whose worker died before it answered is asked once more: there are other workers. lighttpd would give the
-- second answer the status of the first; "000" makes it forget that there was one.
local failed = env["REDIRECT_STATUS"]
if failed and failed ~= "000" then
	if failed == "500" and env["CUACA_ONCE_MORE"] == "GET" then
		env["CUACA_ONCE_MORE"] = "no"
		env["REDIRECT_STATUS"] = "000"
		r.req_attr["request.uri"] = r.req_attr["request.orig-uri"]
		return lighty.RESTART_REQUEST
	end
	return tonumber(failed)
end

local path = r.req_attr["uri.path"]

-- What shows an API key is limited by the program, where there is one that does so.
local function has_key()
	local key = r.req_header["X-API-Key"] or r.req_header["Authorization"] or ""

	return key:gsub("^[Bb]earer ", ""):find("^cuaca_%x+$") and (path:find("^/api/weather/") or path:find("^/api/cities") or
		path == "/v1/forecast")
end

-- The connections of an address to the chat, this one included.
local function held(address)
	local n = 0

	for other in lighty.server.irequests() do
		if other.req_attr["uri.path"] == "/ws" and other.req_attr["request.remote-ip"] == address then
			n = n + 1
		end
	end
	return n
end

-- What comes to the chat: nil for a WebSocket within the limits, else the status it is refused with. Of its headers
-- websocketd's program sees no cookie and no password, and knows from us where it comes from.
local function refuse_websocket()
	local address = r.req_attr["request.remote-ip"]
	local head = r.req_header

	if r.req_attr["request.method"] ~= "GET" then
		return 405
	elseif (head["Upgrade"] or ""):lower() ~= "websocket" then
		return 426
	elseif too_many(WS, address) or WS_PER_ADDRESS > 0 and held(address) > WS_PER_ADDRESS then
		return 429
	end
	head["Authorization"], head["Cookie"] = nil, nil
	head["X-Real-IP"] = address
	head["X-Forwarded-Host"] = r.req_attr["request.authority"]
	head["X-Forwarded-Proto"] = r.req_attr["uri.scheme"]
end

if not failed then
	local rand = lighty.c.rand
	r.req_header["X-Request-Id"] = string.format("%08x%08x%08x%08x", rand() & 0xffffffff,
		rand() & 0xffffffff, rand() & 0xffffffff, rand() & 0xffffffff)
	if path:sub(1, 5) == "/api/" or path:sub(1, 4) == "/v1/" then
		env["CUACA_ONCE_MORE"] = r.req_attr["request.method"]
		if not has_key() and too_many(API, r.req_attr["request.remote-ip"]) then
			return 429
		end
	elseif path == "/ws" then
		return refuse_websocket()
	end
end

-- The page that the "type" of every problem points at.
if path:sub(1, 10) == "/problems/" then
	r.req_attr["uri.path"] = "/problems.html"
end
