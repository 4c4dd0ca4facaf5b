-- Tells Redis of visits that a memory knows, unless it knows later ones.
--
-- KEYS  visitors' keys
-- ARGV  1 the timeout of a visit, 2 how long one is kept (milliseconds), then
--       the visit of each key
-- gives how many went on here as other visits meanwhile
local gap, splits = tonumber(ARGV[1]), 0
local function last(v) return (struct.unpack('>I8', v, 25)) end
for i, k in ipairs(KEYS) do
	local s, mine = redis.call('get', k), ARGV[i + 2]
	if not s or (s ~= 'moved' and last(s) < last(mine)) then
		redis.call('set', k, mine, 'px', ARGV[2])
	end
	if s and s ~= 'moved' and s:sub(1, 8) ~= mine:sub(1, 8) and math.abs(last(s) - last(mine)) < gap then
		splits = splits + 1
	end
end
return splits
