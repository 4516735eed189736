-- One write, whole or not at all: check what is expected, check claims, take a revision, store, tell.
-- KEYS: epoch, revision, objects of the resource, history, names of resources, then one hash per claim space
-- ARGV: epoch, highest revision seen, channel, resource, key, put|delete, expected, head, tail, history length,
--       the channel that only the writer listens to, or "" if it wants to be told, too, then 5 per claim: kind, index of its hash in KEYS, name, owner or amount, max or ""
-- Answers the revision as a string, or {failure, ...}. Numbers travel as strings: Lua has only doubles, exact to 2^53.
-- The first writing command is INCR: Redis refuses a script there (READONLY, OOM, NOREPLICAS, MISCONF) or not at all.

if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return { 'epoch' }
end
local seen = redis.call('GET', KEYS[2]) or '0'
if tonumber(seen) < tonumber(ARGV[2]) then
  return { 'backwards', seen }
end

local stored = redis.call('HGET', KEYS[3], ARGV[5])
if (stored and string.match(stored, '^%d+') or '0') ~= ARGV[7] then
  return { 'conflict', stored }
end

-- Claims are tried on a copy first: a script that has written can't be undone.
local held, slots = {}, {}
for i = 12, #ARGV, 5 do
  local kind, index, name, what, max = ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3], ARGV[i + 4]
  local slot = index .. ':' .. name
  if held[slot] == nil then
    held[slot] = redis.call('HGET', KEYS[tonumber(index)], name)
    slots[#slots + 1] = { slot, KEYS[tonumber(index)], name }
  end
  local holder = held[slot]
  if kind == 'take' then
    if holder and holder ~= what then
      return { 'claimed', string.format('%d', (i - 12) / 5), holder }
    end
    held[slot] = what
  elseif kind == 'release' then
    if holder == what then
      held[slot] = false
    end
  else
    local count, amount = tonumber(holder or '0'), tonumber(what)
    local sum = count and count + amount
    if not sum or math.abs(sum) > 9007199254740991 or (amount > 0 and max ~= '' and sum > tonumber(max)) then
      return { 'claimed', string.format('%d', (i - 12) / 5), holder or '0' }
    end
    held[slot] = sum ~= 0 and string.format('%.0f', sum)
  end
end

local revision = string.format('%.0f', redis.call('INCR', KEYS[2]))
local value = ARGV[8] .. revision .. ARGV[9]
-- Before the objects: the one command that could still refuse (an id that is not the highest).
redis.call('XADD', KEYS[4], 'MAXLEN', '~', ARGV[10], revision .. '-0', 't', ARGV[6], 'r', ARGV[4], 'k', ARGV[5], 'v', value)
if ARGV[6] == 'put' then
  redis.call('HSET', KEYS[3], ARGV[5], revision .. '\n' .. value)
  if not stored and redis.call('HLEN', KEYS[3]) == 1 then
    redis.call('SADD', KEYS[5], ARGV[4])
  end
else
  redis.call('HDEL', KEYS[3], ARGV[5])
end
for _, slot in ipairs(slots) do
  local holder = held[slot[1]]
  if holder then
    redis.call('HSET', slot[2], slot[3], holder)
  else
    redis.call('HDEL', slot[2], slot[3])
  end
end
-- A writer need not be told what it has written: it is if somebody else listens.
local listeners = redis.call('PUBSUB', 'NUMSUB', ARGV[3], ARGV[11])
if listeners[2] > listeners[4] then
  redis.call('PUBLISH', ARGV[3], revision)
end
return revision
