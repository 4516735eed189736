-- Finds the epoch of the data, or begins a new one: at first use, after the data was lost, or when it went back in time.
-- KEYS: epoch, revision, histories
-- ARGV: new epoch, epoch that is no longer to be trusted or "", least revision that may be next
-- Answers {epoch, revision}.

local epoch = redis.call('GET', KEYS[1])
local revision = tonumber(redis.call('GET', KEYS[2]) or '0')
local least = tonumber(ARGV[3])
if not epoch or epoch == ARGV[2] then
  epoch = ARGV[1]
  redis.call('SET', KEYS[1], epoch)
end
-- The counter is never behind the histories: XADD would refuse, and readers would be told of the same revision twice.
for i = 3, #KEYS do
  local last = redis.call('XREVRANGE', KEYS[i], '+', '-', 'COUNT', 1)[1]
  if last then
    least = math.max(least, tonumber(string.match(last[1], '^%d+')))
  end
end
if revision < least then
  revision = least
  redis.call('SET', KEYS[2], string.format('%.0f', revision))
end
return { epoch, string.format('%.0f', revision) }
