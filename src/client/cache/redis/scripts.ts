import { createHash } from 'node:crypto';

/** A script of Redis, called by its hash; sent whole where Redis does not have it yet. */
export interface Script {
  readonly source: string;
  readonly sha: string;
}

function script(source: string): Script {
  return { source, sha: createHash('sha1').update(source).digest('hex') };
}

/**
 * What is known of invalidations in Redis, in three keys of one slot:
 * - the state, a hash: `epoch`, `at` (the number of the last invalidation), `floor` (what began before it is void), `run` (which
 *   server wrote it), `names` (how many names there are, to notice when Redis evicted them) and `token` (of the last lease);
 * - names: tags and prefixes by the number of their last invalidation; patterns: the same.
 *
 * A value begins with a kind and a stamp (stored.ts), which compare as text.
 *
 * Where a script must not fail for want of memory it begins with a write that takes none: Redis holds only the first write of a
 * script against its limit.
 */

/**
 * Tells what is known, and begins a new epoch when what Redis has is not a whole history: it was restarted (with values from before,
 * perhaps, and without the invalidations since), replaced by a replica, or has evicted a part.
 *
 * KEYS: state, names, patterns. ARGV: channel, an epoch that is known to be over, the number up to which the caller knows all.
 * Answers: epoch, at, floor, time in ms; then, for a caller who does not know all, patterns and their numbers.
 */
export const syncScript = script(`
local time = redis.call('TIME')
local info = redis.pcall('INFO', 'server')
local run = type(info) == 'string' and string.match(info, 'run_id:(%w+)') or ''
local kept = redis.call('HMGET', KEYS[1], 'epoch', 'at', 'floor', 'run', 'names')
local epoch, at, floor = kept[1], kept[2] or '0', kept[3] or '0'
local names = redis.call('ZCARD', KEYS[2]) + redis.call('ZCARD', KEYS[3])
if not epoch or epoch == ARGV[2] or kept[4] ~= run or kept[5] ~= tostring(names) then
  local began = string.format('%.0f', time[1] * 1000000 + time[2])
  if epoch and began <= epoch then began = string.format('%.0f', tonumber(epoch) + 1) end
  epoch, floor = began, '0'
  redis.call('UNLINK', KEYS[2], KEYS[3])
  redis.call('HSET', KEYS[1], 'epoch', epoch, 'at', at, 'floor', floor, 'run', run, 'names', '0')
  redis.call('PUBLISH', ARGV[1], epoch .. ' ' .. at .. ' - []')
end
local answer = {epoch, at, floor, string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))}
if epoch .. ' ' .. at ~= ARGV[3] then
  for _, each in ipairs(redis.call('ZRANGE', KEYS[3], 0, -1, 'WITHSCORES')) do answer[#answer + 1] = each end
end
return answer
`);

/**
 * Invalidates, and tells every process. The oldest names are forgotten beyond a limit, as many at most as came.
 *
 * KEYS: state, names, patterns, then the values to be voided at once. ARGV: epoch, channel, origin, message, most names, most
 * patterns, `all` or nothing, ms that tombstones live, count of names, names, patterns.
 * Answers: the number of this invalidation, or 0 when the epoch is over.
 */
export const invalidateScript = script(`
local kept = redis.call('HMGET', KEYS[1], 'epoch', 'floor', 'names')
if kept[1] ~= ARGV[1] then return 0 end
local before = redis.call('ZCARD', KEYS[2]) + redis.call('ZCARD', KEYS[3])
redis.call('HDEL', KEYS[1], '')
local at = redis.call('HINCRBY', KEYS[1], 'at', 1)
local floor = tonumber(kept[2])
if ARGV[7] == 'all' or kept[3] ~= tostring(before) then
  floor = at
  redis.call('UNLINK', KEYS[2], KEYS[3])
end
local first, count = 10, tonumber(ARGV[9])
for i = first, #ARGV do redis.call('ZADD', i < first + count and KEYS[2] or KEYS[3], at, ARGV[i]) end
local function trim(key, most)
  local excess = redis.call('ZCARD', key) - most
  if excess <= 0 then return end
  local dropped = redis.call('ZPOPMIN', key, math.min(excess, 1000))
  floor = math.max(floor, tonumber(dropped[#dropped]))
end
trim(KEYS[2], tonumber(ARGV[5]))
trim(KEYS[3], tonumber(ARGV[6]))
local names = redis.call('ZCARD', KEYS[2]) + redis.call('ZCARD', KEYS[3])
redis.call('HSET', KEYS[1], 'floor', string.format('%.0f', floor), 'names', tostring(names))
local tombstone = 'T' .. ARGV[1] .. string.format('%016.0f', at)
for i = 4, #KEYS do redis.call('SET', KEYS[i], tombstone, 'PX', ARGV[8]) end
redis.call('PUBLISH', ARGV[2], ARGV[1] .. ' ' .. string.format('%.0f', at) .. ' ' .. ARGV[3] .. ' ' .. ARGV[4])
return at
`);

/**
 * Voids one value, where values are not in the slot of the state: first until it is known at which number (`P`, refuses every fill),
 * then with the number (`T`). Whoever voided it last has the last word.
 *
 * KEYS: value. ARGV: the pending mark of the caller, what to put there, ms that it lives.
 */
export const voidScript = script(`
local kept = redis.pcall('GETRANGE', KEYS[1], 0, 32)
if type(kept) == 'string' and ARGV[1] ~= ARGV[2] then
  local kind = string.sub(kept, 1, 1)
  if kind == 'P' and kept ~= ARGV[1] then return 0 end
  if kind == 'T' and kept > ARGV[2] then return 0 end
end
redis.call('UNLINK', KEYS[1])
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1
`);

/**
 * Keeps a value, unless it was voided after its load began, one that was loaded or made later is there, or the epoch is over; nor when
 * the command has been on its way for so long that a tombstone may be gone.
 *
 * KEYS: value, and the state where it is in the same slot. ARGV: bytes, epoch, ms to live, time in ms after which it is too late.
 * Answers: 1 when it is kept, -1 when the epoch is over.
 */
export const fillScript = script(`
if KEYS[2] and redis.call('HGET', KEYS[2], 'epoch') ~= ARGV[2] then return -1 end
local time = redis.call('TIME')
if time[1] * 1000 + time[2] / 1000 > tonumber(ARGV[4]) then return 0 end
local kept = redis.pcall('GETRANGE', KEYS[1], 0, 48)
if type(kept) == 'string' and #kept >= 33 then
  local kind = string.sub(kept, 1, 1)
  if kind == 'P' then return 0 end
  if (kind == 'T' or kind == 'E') and string.sub(kept, 2, 33) > string.sub(ARGV[1], 2, 33) then return 0 end
  if kind == 'E' and string.sub(kept, 34) > string.sub(ARGV[1], 34, 49) then return 0 end
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[3])
return 1
`);

/**
 * When names were invalidated last.
 *
 * KEYS: state, names, patterns. ARGV: names. Answers: epoch, floor, then a number or nothing for each name; only the epoch when a part
 * of the history is gone.
 */
export const askScript = script(`
local kept = redis.call('HMGET', KEYS[1], 'epoch', 'floor', 'names')
local names = redis.call('ZCARD', KEYS[2]) + redis.call('ZCARD', KEYS[3])
if not kept[1] or kept[3] ~= tostring(names) then return {''} end
local answer = {kept[1], kept[2]}
for i = 1, #ARGV do answer[i + 2] = redis.call('ZSCORE', KEYS[2], ARGV[i]) or '0' end
return answer
`);

/**
 * The right to load a key. Tokens go by the clock, so that they rise even after Redis has lost everything.
 *
 * KEYS: lease, state. ARGV: origin, ms. Answers: token, ms it lives; token 0 while another one has it: the caller is woken then.
 */
export const leaseScript = script(`
if redis.call('HEXISTS', KEYS[1], 'token') == 1 then
  redis.call('HSET', KEYS[1], 'w:' .. ARGV[1], '')
  return {'0', redis.call('PTTL', KEYS[1])}
end
local time = redis.call('TIME')
local last = tonumber(redis.call('HGET', KEYS[2], 'token') or 0)
local token = string.format('%.0f', math.max(last + 1, time[1] * 1000000 + time[2]))
redis.call('HSET', KEYS[2], 'token', token)
redis.call('HSET', KEYS[1], 'token', token)
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return {token, tonumber(ARGV[2])}
`);

/** KEYS: lease. ARGV: token, what the channels of processes begin with, the leased key. Wakes those who wait. */
export const releaseScript = script(`
if redis.call('HGET', KEYS[1], 'token') ~= ARGV[1] then return 0 end
for _, field in ipairs(redis.call('HKEYS', KEYS[1])) do
  if string.sub(field, 1, 2) == 'w:' then redis.call('PUBLISH', ARGV[2] .. string.sub(field, 3), ARGV[3]) end
end
redis.call('UNLINK', KEYS[1])
return 1
`);

/** KEYS: counter. ARGV: by, ms that a new one lives. */
export const incrementScript = script(`
local count = redis.call('INCRBY', KEYS[1], ARGV[1])
if redis.call('PTTL', KEYS[1]) == -1 then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return count
`);
