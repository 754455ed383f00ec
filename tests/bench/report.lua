-- SPDX-License-Identifier: ISC
--
-- What wrk tells tests/bench/run: requests a second, median and 99th percentile in milliseconds, errors.

function done(summary, latency, requests)
	local e = summary.errors
	io.write(string.format("cuaca\t%.0f\t%.3f\t%.3f\t%d\n", summary.requests / (summary.duration / 1e6),
		latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
		e.connect + e.read + e.write + e.status + e.timeout))
end
