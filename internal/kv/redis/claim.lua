-- Takes an idempotency key: kv.Keys.Claim.
--
-- KEYS  the key
-- ARGV  1 the hash of the body, 2 the asking process, 3 now, 4 how long the key
--       of a stored batch holds, 5 how long a claim holds (milliseconds)
-- gives 'claimed', 'held' (the same batch is being stored by another), or what
--       is there
--
-- A key is 's' (stored) or 'c' (claimed), the body's hash (16 bytes), the
-- process (8) and when it was claimed.
local v, now = redis.call('get', KEYS[1]), tonumber(ARGV[3])
if v then
	local stored = v:sub(1, 1) == 's'
	-- A process asks once at a time for a key: a claim of its own is one it
	-- couldn't release.
	local free = v:sub(18, 25) == ARGV[2]
	if stored then free = now - tonumber(v:sub(26)) >= tonumber(ARGV[4]) end
	if not free then
		if not stored and v:sub(2, 17) == ARGV[1] then return 'held' end
		return v
	end
end
redis.call('set', KEYS[1], 'c' .. ARGV[1] .. ARGV[2] .. ARGV[3], 'px', ARGV[5])
return 'claimed'
