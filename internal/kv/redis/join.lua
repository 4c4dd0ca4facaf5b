-- Adds an event to a visitor's open visit, or opens one: kv.Visits.Join.
--
-- KEYS  the visitor's key, and that under yesterday's salt if there is one
-- ARGV  1 the fresh visit's ID and origin, 2 its entry facts, 3 now, 4 '1' for
--       an external arrival, 5 what the asker's memory knows as this visit ('':
--       nothing), 6 under which of the keys, 7 the timeout of a visit, 8 how
--       long one is kept (milliseconds)
-- gives the visit joined ('': the fresh one was opened), and the ID of the one
--       that was open here ('': none)
--
-- A visit is ID, origin, start and last, 8 bytes each, and the entry facts. What
-- moved to another key leaves 'moved', so that no memory brings it back.
local now, gap = tonumber(ARGV[3]), tonumber(ARGV[7])
local function last(v) return (struct.unpack('>I8', v, 25)) end
local function open(v)
	local d = now - last(v)
	return d < gap and d > -gap
end

local mine, from = ARGV[5], tonumber(ARGV[6])
local v, at
for i, k in ipairs(KEYS) do
	local s = redis.call('get', k)
	if s == 'moved' then
		if i == from then mine = '' end
	elseif s and not v then
		v, at = s, i
	end
end
local was = ''
if v and open(v) then was = v:sub(1, 8) end
-- What a memory knows is news when Redis was away, or has lost its own.
if mine ~= '' and open(mine) and (was == '' or last(mine) > last(v)) then v, at = mine, from end

if v and open(v) and (ARGV[4] ~= '1' or v:sub(9, 16) == ARGV[1]:sub(9, 16)) then
	v = v:sub(1, 24) .. struct.pack('>I8', math.max(now, last(v) + 1)) .. v:sub(33)
	redis.call('set', KEYS[1], v, 'px', ARGV[8])
	if at == 2 then redis.call('set', KEYS[2], 'moved', 'px', ARGV[7]) end
	return {v, was}
end
local time = struct.pack('>I8', now)
redis.call('set', KEYS[1], ARGV[1] .. time .. time .. ARGV[2], 'px', ARGV[8])
return {'', was}
