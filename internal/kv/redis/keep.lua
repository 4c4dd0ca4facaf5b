-- Says of idempotency keys that their batches were stored.
--
-- KEYS  the keys
-- ARGV  1 the process, 2 how long a key holds (milliseconds), then of each the
--       hash of the body and when it was claimed
for i, k in ipairs(KEYS) do
	local v, body, at = redis.call('get', k), ARGV[2 * i + 1], ARGV[2 * i + 2]
	if not v or v:sub(1, 1) ~= 's' or tonumber(v:sub(26)) < tonumber(at) then
		redis.call('set', k, 's' .. body .. ARGV[1] .. at, 'px', ARGV[2])
	end
end
