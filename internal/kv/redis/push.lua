-- Tells Redis of visits that a memory knows, unless it knows later ones.
--
-- KEYS  visitors' keys
-- ARGV  1 the timeout of a visit, 2 how long one is kept (milliseconds), 3 since
--       when Redis and the memory may differ, then the visit of each key
-- gives how many went on here as other visits since then
local gap, since, splits = tonumber(ARGV[1]), tonumber(ARGV[3]), 0
local function last(v) return (struct.unpack('>I8', v, 25)) end
local function start(v) return (struct.unpack('>I8', v, 17)) end
for i, k in ipairs(KEYS) do
	local s, mine = redis.call('get', k), ARGV[i + 3]
	if not s or (s ~= 'moved' and last(s) < last(mine)) then
		redis.call('set', k, mine, 'px', ARGV[2])
	end
	if s and s ~= 'moved' and s:sub(1, 8) ~= mine:sub(1, 8)
		and start(s) >= since and math.abs(last(s) - last(mine)) < gap then
		splits = splits + 1
	end
end
return splits
