-- Uncount one request under every key; ARGV holds the interval of each in microseconds.
for number, key in ipairs(KEYS) do
  local kept = tonumber(redis.call('GET', key) or '')
  if kept then
    redis.call('SET', key, string.format('%.0f', kept - tonumber(ARGV[number])), 'KEEPTTL')
  end
end
return 0
