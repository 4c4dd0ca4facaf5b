-- Says of idempotency keys that their batches were stored.
--
-- KEYS  the keys
-- ARGV  1 the process, then of each key the hash of the body, when it was
--       claimed, and how long it still holds (milliseconds)
for i, k in ipairs(KEYS) do
	local v = redis.call('get', k)
	if not v or v:sub(1, 1) ~= 's' or tonumber(v:sub(26)) < tonumber(ARGV[3 * i]) then
		redis.call('set', k, 's' .. ARGV[3 * i - 1] .. ARGV[1] .. ARGV[3 * i], 'px', ARGV[3 * i + 1])
	end
end
