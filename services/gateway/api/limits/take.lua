-- Count one request under every key, or under none where one of them is refused.
-- ARGV[1] is the time in microseconds, '' for the server's own; then for each key the interval in microseconds and the burst.
-- Gives {0, 0}, or the number of the key that has to wait longest and its wait in microseconds.
local now = tonumber(ARGV[1])
if not now then
  local time = redis.call('TIME')
  now = tonumber(time[1]) * 1000000 + tonumber(time[2])
end
local due, refused, longest = {}, 0, 0
for number, key in ipairs(KEYS) do
  local interval, burst = tonumber(ARGV[2 * number]), tonumber(ARGV[2 * number + 1])
  local kept = tonumber(redis.call('GET', key) or '') or 0
  -- A clock that was set back keeps nobody out for longer than a whole burst.
  kept = math.min(kept, now + interval * burst)
  due[number] = math.max(kept, now) + interval
  local wait = due[number] - now - interval * burst
  if wait >= 1 and wait > longest then
    refused, longest = number, wait
  end
end
if refused > 0 then
  return {refused, math.ceil(longest)}
end
for number, key in ipairs(KEYS) do
  -- A minute longer than it counts, so that a clock that is set forth and back forgets nothing.
  redis.call('SET', key, string.format('%.0f', due[number]), 'PX', math.ceil((due[number] - now) / 1000) + 60000)
end
return {0, 0}
